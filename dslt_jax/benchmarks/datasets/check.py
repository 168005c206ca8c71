"""What is wrong with a benchmark's files: one sentence a fault, all of them, without stopping."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from dslt_jax.benchmarks.datasets.base import Dataset, DatasetError, Sequence
from dslt_jax.media.images import opened
from dslt_jax.stand_ins import stand_in


class Checker:
    """Checks sequences; remembers images, so that two targets in one folder are decoded once."""

    def __init__(self, decode: bool = True):
        """`decode` reads every pixel; otherwise only sizes are read, which takes a tenth."""
        self.decode = decode
        self._seen: dict[Path, tuple[int, int] | str] = {}

    def dataset(self, dataset: Dataset) -> Iterator[tuple[str, list[str]]]:
        """Yields (name, faults) of each sequence."""
        for name in dataset.names:
            try:
                sequence = dataset[name]
            except DatasetError as error:
                yield name, [str(error)]
                continue
            yield name, self.sequence(sequence)

    def sequence(self, sequence: Sequence) -> list[str]:
        """Returns the faults of one sequence, [] when it is sound."""
        faults = _truth_faults(sequence)
        try:
            frames = sequence.frames
        except DatasetError as error:
            return [*faults, str(error)]
        missing = [i for i, path in enumerate(frames) if not path.is_file()]
        for first, last in _runs(missing):
            span = frames[first].name + (f" .. {frames[last].name}" if last > first else "")
            faults.append(
                f"{frames[first].parent / span}: {last - first + 1} of {len(frames)} frames missing"
            )
        expected: tuple[int, int] | None = None
        for path in frames:
            found = self._image(path)
            if isinstance(found, str):
                faults.append(found)
            elif found is not None and expected is None:
                expected = found
                faults += _outside(sequence, found)
            elif found is not None and found != expected:
                faults.append(f"{path} is {_size(found)}, the first frame is {_size(expected)}")
        return faults

    def _image(self, path: Path) -> tuple[int, int] | str | None:
        if path not in self._seen:
            if not path.is_file():
                return None
            self._seen[path] = self._read(path)
        return self._seen[path]

    def _read(self, path: Path) -> tuple[int, int] | str:
        try:
            with opened(path) as image:
                size = image.size
                if self.decode:
                    # The smallest scale still reads the whole file and notices a cut one.
                    image.draft("L", (1, 1))
                    image.load()
            return size
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            empty = "is empty" if not path.stat().st_size else None
            reason = empty or stand_in(path) or f"cannot be decoded: {error}"
            return f"{path} {reason}"


def _truth_faults(sequence: Sequence) -> list[str]:
    faults, boxes = [], sequence.boxes
    if sequence.listed not in (None, len(sequence)):
        faults.append(f"{len(sequence)} ground truth rows for {sequence.listed} frames")
    if np.isnan(boxes[0]).any() or (boxes[0, 2:] <= 0).any():
        faults.append(f"the first frame has no target: its ground truth is {boxes[0].tolist()}")
    infinite = np.flatnonzero(np.isinf(sequence.ground_truth).any(axis=1))
    if len(infinite):
        faults.append(
            f"{len(infinite)} ground truth rows are infinite, the first is row {infinite[0] + 1}: "
            "write nan where the target is absent"
        )
    partial = np.flatnonzero(sequence.partial)
    if len(partial):
        faults.append(
            f"{len(partial)} ground truth rows are nan in part, the first is row {partial[0] + 1}: "
            "write nan for all of a row where the target is absent"
        )
    empty = np.flatnonzero((boxes[1:, 2:] <= 0).any(axis=1)) + 1
    # OTB's own files have a zero row at the end of Board and of Twinnings.
    known = sequence.name in ("Board", "Twinnings") and empty.tolist() == [len(boxes) - 1]
    if len(empty) and not known and "absent" not in sequence.tags:
        faults.append(
            f"{len(empty)} ground truth rows have no area, the first is row {empty[0] + 1}"
        )
    return faults


def _outside(sequence: Sequence, size: tuple[int, int]) -> list[str]:
    x, y, width, height = sequence.boxes[0]
    if x < size[0] and y < size[1] and x + width > 0 and y + height > 0:
        return []
    if np.isnan(x):
        return []
    return [f"the first box {sequence.boxes[0].tolist()} lies outside the image of {_size(size)}"]


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Returns (first, last) of each run of consecutive numbers."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _size(size: tuple[int, int] | None) -> str:
    return f"{size[0]}x{size[1]}" if size else "unknown"
