"""The folder of a run: one process writes there, and its files are all of the same run."""

import json
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from dslt_jax.app.sinks import part_of, write_json

try:
    import fcntl
except ImportError:  # Windows has no such lock
    fcntl = None  # type: ignore[assignment]

SUMMARY = "summary.json"
_TARGET = re.compile(r"(\w[\w.-]*)?")
_OURS = re.compile(r"(boxes|boxes_\w[\w.-]*)\.(csv|txt)|overlay(_[0-9]+)?\.(mp4|webp)")


class FolderError(ValueError):
    """A run cannot write to its folder; the text says why."""


class Folder:
    """A folder that is there, open to this process alone until it is closed.

    Args:
      path: it is made if need be.
      inputs: files that the run reads, which it must not write over.

    Raises:
      FolderError: it cannot be made or written to, or another process writes there.
    """

    def __init__(self, path: Path, inputs: Iterable[str] = ()):
        self.path = path
        self._inputs = [Path(name).resolve() for name in inputs]
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FolderError(f"cannot make the folder {path}: {error.strerror}") from None
        if not os.access(path, os.W_OK):
            raise FolderError(f"there is no permission to write to the folder {path}")
        self._lock = _lock(path)

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._lock is not None:
            os.close(self._lock)

    def begin(self, summary: dict[str, Any], *, keep: bool = False) -> None:
        """Writes the summary of a run that begins.

        Args:
          summary: JSON values; its "files" are those that the run writes.
          keep: the run goes on with the files that are there. Otherwise those of the run before,
            of which its summary speaks, are removed.

        Raises:
          FolderError: the disk is full, what is there cannot be removed, or an input is among it.
        """
        before = read_summary(self.path) if not keep else None
        names = {*(before["files"] if before else []), *summary["files"], SUMMARY}
        if taken := [path for path in self._inputs if path in self._places(names)]:
            raise FolderError(
                f"the run would write over {taken[0]}, which it reads: choose another --output"
            )
        try:
            if not keep:
                self._remove(names - {SUMMARY})
            write_json(self.path / SUMMARY, summary)
        except OSError as error:
            name = error.filename or self.path
            raise FolderError(f"cannot write {name}: {error.strerror}") from None

    def clear(self) -> None:
        """Removes the run that is there with its summary, for one that writes none; OSError."""
        before = read_summary(self.path)
        self._remove({*(before["files"] if before else []), SUMMARY})

    def _places(self, names: Iterable[str]) -> list[Path]:
        return [(self.path / name).resolve() for name in names]

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            (self.path / name).unlink(missing_ok=True)
            part_of(self.path / name).unlink(missing_ok=True)


def read_summary(path: Path) -> dict[str, Any] | None:
    """Returns the summary of the run in a folder; None where there is none that a run wrote."""
    try:
        summary = json.loads((path / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(summary, dict) or not {"status", "files"} <= summary.keys():
        return None
    sound = all(check(summary[name]) for name, check in _CHECKS.items() if name in summary)
    return summary if sound else None


def _all(value: Any, check: Callable[[Any], object]) -> bool:
    return isinstance(value, list) and all(map(check, value))


def _is_target(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("name"), str)
        and bool(_TARGET.fullmatch(value["name"]))
        and _all(value.get("box"), lambda number: isinstance(number, (int, float)))
        and len(value["box"]) == 4
    )


def _has(*names: str) -> Callable[[Any], bool]:
    """Returns a check for an object with whole numbers of these names."""
    return lambda value: (
        isinstance(value, dict) and all(isinstance(value.get(name), int) for name in names)
    )


# What is relied on of a summary, which others may have written: files are removed by its names.
_CHECKS: dict[str, Callable[[Any], bool]] = {
    "status": lambda value: isinstance(value, str),
    "input": lambda value: isinstance(value, str),
    "files": lambda value: _all(value, lambda name: _OURS.fullmatch(str(name))),
    "targets": lambda value: _all(value, _is_target) and bool(value),
    "damaged_frames": lambda value: _all(value, _has("frame")),
    "frame_sizes": lambda value: _all(value, _has("width", "height")),
    "resumed": lambda value: _all(value, _has("frame", "kept_frames")),
}


def _lock(path: Path) -> int | None:
    """Locks a folder until what is returned is closed or the process ends, however."""
    if fcntl is None:
        return None
    try:
        handle = os.open(path, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise FolderError(
            f"another run is writing to {path}: wait for it, or choose another --output"
        ) from None
    except OSError:  # a file system without locks
        return None
    return handle
