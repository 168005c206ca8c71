"""Trackers' results as text files: `DIR/<Sequence>.txt`, x, y, w, h a line."""

import re
from collections.abc import Iterable
from pathlib import Path

from dslt_jax.benchmarks.datasets import Dataset, DatasetError, Sequence
from dslt_jax.benchmarks.datasets.textfile import read_table
from dslt_jax.boxes import Array


class ResultsError(ValueError):
    """A folder of results is not as it must be; the text says where."""


def key(name: str) -> str:
    """Returns a sequence's name as one can compare it: Jogging.1, jogging-1 and Jogging_1 agree."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def read(path: str | Path, dataset: Dataset) -> tuple[dict[str, Array], list[str]]:
    """Reads a folder of results.

    Returns:
        Boxes (N, 4), 0-based pixel edges, by the dataset's sequence names; and sentences about
        sequences whose file is missing or cannot be read.

    Raises:
        ResultsError: the folder is missing or has no result of any sequence.
    """
    path = Path(path)
    if not path.is_dir():
        raise ResultsError(f"the results folder {path} is missing")
    files = {key(file.stem): file for file in sorted(path.glob("*.txt"))}
    boxes, problems = {}, []
    for name in dataset.names:
        file = files.get(key(name))
        if file is None:
            problems.append(f"{name} has no result in {path}")
            continue
        try:
            boxes[name] = from_file(dataset[name], read_table(file))
        except DatasetError as error:
            problems.append(str(error))
    if not boxes:
        raise ResultsError(f"{path} has no results of {dataset.name}: need <Sequence>.txt files")
    return boxes, problems


def from_file(sequence: Sequence, boxes: Array) -> Array:
    """Returns boxes (N, 4) of a file in the benchmark's coordinates as 0-based pixel edges."""
    boxes = boxes.copy()
    boxes[:, :2] -= sequence.origin
    return boxes


def common(names: Iterable[Iterable[str]]) -> list[str]:
    """Returns the names that all have, in the first one's order."""
    groups = [list(group) for group in names]
    return [name for name in groups[0] if all(name in group for group in groups[1:])]
