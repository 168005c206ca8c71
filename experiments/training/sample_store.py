"""Batches of training samples kept in a folder, made ahead of the training or beside it.

    asked.json           how many batches are asked for, and what decides what is in them
    000000.safetensors   patches, boxes, visible of batch 0 (`train_samples.Sample`), and so on

`train_loader.py --store` makes them, `train_compact.py --samples` learns from them. A batch of 8
samples with two search crops of 192 pixels has 2.7 MB. A batch is whole or not there.
"""

import json
import os
import pathlib
import time
from collections.abc import Iterator
from typing import Any

from safetensors.numpy import load_file, save_file
from train_samples import Sample

PATIENCE = 120.0  # seconds without the next batch until its maker is given up
PAUSE = 0.02  # seconds between looks


def path(folder: pathlib.Path, number: int) -> pathlib.Path:
    """Where a batch lies."""
    return folder / f"{number:06d}.safetensors"


def begin(folder: pathlib.Path, count: int, **asked: Any) -> None:
    """Notes what a folder is to hold, JSON values; raises SystemExit where it holds another."""
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "asked.json"
    if note.exists():
        _compare(folder, asked, "--store")
    _whole(note, lambda place: place.write_text(json.dumps({"count": count} | asked)))


def write(folder: pathlib.Path, number: int, batch: Sample) -> None:
    """Keeps a batch."""
    _whole(path(folder, number), lambda place: save_file(batch._asdict(), place))


def batches(
    folder: pathlib.Path, *, start: int, patience: float = PATIENCE, **asked: Any
) -> Iterator[Sample]:
    """Yields batches from number `start` on, for ever: after the last comes the first again.

    One that is not there yet is waited for.

    Args:
      patience: seconds until a wait ends; asked: what the folder must have been begun with.

    Raises:
      SystemExit: the folder was begun with something else, or does not grow.
    """
    _wait(folder / "asked.json", patience)
    count = _compare(folder, asked, "--samples")
    return _read(folder, start, count, patience)


def _read(folder: pathlib.Path, start: int, count: int, patience: float) -> Iterator[Sample]:
    while True:
        place = path(folder, start % count)
        _wait(place, patience)
        yield Sample(**load_file(place))
        start += 1


def _compare(folder: pathlib.Path, asked: dict[str, Any], flag: str) -> int:
    """The number of batches of a folder that was begun with what is asked."""
    before = json.loads((folder / "asked.json").read_text())
    if differing := [name for name in asked if before.get(name) != asked[name]]:
        told = ", ".join(f"{n} {before.get(n)} instead of {asked[n]}" for n in differing)
        raise SystemExit(f"{folder} was begun with {told}: use another {flag}")
    return before["count"]


def _wait(place: pathlib.Path, patience: float) -> None:
    end = time.monotonic() + patience
    while not place.exists():
        if time.monotonic() > end:
            raise SystemExit(
                f"{place} did not come in {patience:g} s: does train_loader.py --store run?"
            )
        time.sleep(PAUSE)


def _whole(place: pathlib.Path, write) -> None:
    """Writes a file under another name first, so that nobody reads a part of it."""
    unfinished = place.with_name(f"{place.name}.{os.getpid()}.tmp")
    write(unfinished)
    unfinished.replace(place)
