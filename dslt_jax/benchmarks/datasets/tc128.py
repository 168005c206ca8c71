"""Temple-Color-128 (Liang, Blasch, Ling: TIP 2015), 129 targets.

`<Name>/img/0001.jpg`, `<Name>/<Name>_gt.txt` (1-based x, y, w, h), `<Name>/<Name>_frames.txt`
("first,last") and `<Name>/<Name>_att.txt` (attribute names).
"""

import re
from pathlib import Path

import numpy as np

from dslt_jax.benchmarks.datasets import lists
from dslt_jax.benchmarks.datasets.base import (
    Dataset,
    DatasetError,
    Sequence,
    find_optional,
    frame_range,
    image_root,
)
from dslt_jax.benchmarks.datasets.textfile import read_table, read_text

ORIGIN = 1.0


def load(name: str, root: str | Path | None, annotations: str | Path | None) -> Dataset:
    """Returns the 129 targets; `annotations` may be a second copy without images."""
    folder, notes = find_optional(root, _truths, "folders with img/ and <Name>_gt.txt")
    texts, more = find_optional(annotations, _truths, "folders with <Name>_gt.txt")

    def read(target: str) -> Sequence:
        return _read(target, folder, texts or folder)

    return Dataset(name, lists.tc128(), read, "wu", folder, notes + more)


def _truths(folder: Path) -> list[Path]:
    return list(folder.glob("*/*_gt.txt"))


def _read(target: str, root: Path | None, annotations: Path | None) -> Sequence:
    assert annotations is not None
    folder = annotations / target
    if not folder.is_dir():
        raise DatasetError(f"the sequence folder {folder} is missing")
    truth = read_table(folder / f"{target}_gt.txt")
    truth[:, :2] -= ORIGIN
    first, _ = read_table(folder / f"{target}_frames.txt", (2,))[0]
    if not np.isfinite(first) or first < 0:
        raise DatasetError(
            f"{folder / target}_frames.txt has no number of a first frame: {first:g}"
        )
    attributes: tuple[str, ...] = ()
    if (folder / f"{target}_att.txt").is_file():
        attributes = tuple(re.findall(r"\w+", read_text(folder / f"{target}_att.txt")))

    def list_frames() -> tuple[Path, ...]:
        return frame_range(image_root(root, target) / target / "img", int(first), len(truth))

    return Sequence(
        name=target,
        ground_truth=truth,
        list_frames=list_frames,
        attributes=attributes,
        start=int(first),
        origin=ORIGIN,
    )
