"""VOT layout: `vot`, `vot2016` and later years, all read by what the folder has.

`<name>/00000001.jpg` or `<name>/color/00000001.jpg`, `<name>/groundtruth.txt` with rotated polygons
of 8 numbers or boxes of 4, `list.txt` with the names, and a 0 or 1 a frame in `<tag>.tag` or
`<tag>.label`. Coordinates are taken as they are. Where the target is absent a row is NaN; frames
after the last row count as such, as the toolkit has it.
"""

from pathlib import Path

import numpy as np

from dslt_jax.benchmarks.datasets.base import (
    Dataset,
    DatasetError,
    Sequence,
    find_optional,
    folders_with,
    frame_range,
    image_root,
    numbered_images,
)
from dslt_jax.benchmarks.datasets.textfile import read_lines, read_regions, read_table


def load(name: str, root: str | Path | None, annotations: str | Path | None) -> Dataset:
    """Returns the sequences of `list.txt`, or every folder with a groundtruth.txt."""
    folder, notes = find_optional(root, _truths, "folders with groundtruth.txt")
    texts, more = find_optional(annotations, _truths, "folders with groundtruth.txt")
    source = texts or folder
    assert source is not None
    if (source / "list.txt").is_file():
        names = read_lines(source / "list.txt")
    else:
        names = folders_with(source, "groundtruth.txt")

    def read(target: str) -> Sequence:
        return _read(target, folder, source)

    return Dataset(name, tuple(names), read, "vot", folder, notes + more)


def _truths(folder: Path) -> list[Path]:
    return list(folder.glob("*/groundtruth.txt"))


def _read(target: str, root: Path | None, annotations: Path) -> Sequence:
    folder = annotations / target
    if not folder.is_dir():
        raise DatasetError(f"the sequence folder {folder} is missing")
    truth = read_regions(folder / "groundtruth.txt")
    missing = _frames(root, target) - len(truth)
    if missing > 0:
        truth = np.concatenate([truth, np.full((missing, truth.shape[1]), np.nan)])
    tags = {}
    for path in sorted([*folder.glob("*.tag"), *folder.glob("*.label")]):
        marks = read_table(path, (1,))[:, 0] > 0
        tags[path.stem] = np.pad(marks, (0, max(0, len(truth) - len(marks))))[: len(truth)]

    def list_frames() -> tuple[Path, ...]:
        return frame_range(_images(image_root(root, target), target), 1, len(truth))

    return Sequence(
        name=target,
        ground_truth=truth,
        list_frames=list_frames,
        attributes=tuple(tag for tag, marks in tags.items() if marks.any()),
        tags=tags,
    )


def _images(root: Path, target: str) -> Path:
    color = root / target / "color"
    return color if color.is_dir() else root / target


def _frames(root: Path | None, target: str) -> int:
    """How many images there are; 0 without them."""
    try:
        return 0 if root is None else len(numbered_images(_images(root, target)))
    except DatasetError:
        return 0
