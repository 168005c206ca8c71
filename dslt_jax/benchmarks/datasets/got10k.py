"""GOT-10k (Huang, Zhao, Huang: PAMI 2021), `train` or `val`, the splits with ground truth.

`<split>/list.txt`, `<split>/<name>/00000001.jpg`, `groundtruth.txt` (x, y, w, h, taken as 0-based,
as its scorer does), `cover.label`, `absence.label` and `meta_info.ini` with the resolution.
"""

import re
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
)
from dslt_jax.benchmarks.datasets.textfile import read_lines, read_table, read_text


def load(name: str, root: str | Path | None, annotations: str | Path | None) -> Dataset:
    """Returns the sequences of the split folder that the root is, or has below it."""
    folder, notes = find_optional(root, _truths, "list.txt and folders with groundtruth.txt")
    texts, more = find_optional(annotations, _truths, "folders with groundtruth.txt")
    source = texts or folder
    assert source is not None
    if (source / "list.txt").is_file():
        names = read_lines(source / "list.txt")
    else:
        names = folders_with(source, "groundtruth.txt")

    def read(target: str) -> Sequence:
        return _read(target, folder, source)

    return Dataset(name, tuple(names), read, "got10k", folder, notes + more)


def _truths(folder: Path) -> list[Path]:
    return list(folder.glob("*/groundtruth.txt"))


def _read(target: str, root: Path | None, annotations: Path) -> Sequence:
    folder = annotations / target
    if not folder.is_dir():
        raise DatasetError(f"the sequence folder {folder} is missing")
    truth = read_table(folder / "groundtruth.txt")
    tags = {}
    # The scorer counts frames with cover > 0; absence marks the same where cover is not given.
    for label, absent in (("absence", lambda mark: mark > 0), ("cover", lambda mark: mark <= 0)):
        path = folder / f"{label}.label"
        if path.is_file():
            marks = read_table(path, (1,))[:, 0]
            if len(marks) != len(truth):
                raise DatasetError(f"{path} has {len(marks)} rows for {len(truth)} frames")
            tags["absent"] = np.asarray(absent(marks))

    # The test split has the first frame's box alone: its frames are to be tracked, not scored.
    images = len(list((root / target).glob("[0-9]*.jpg"))) if root is not None else 0
    if len(truth) == 1 and images > 1:
        truth = np.concatenate([truth, np.full((images - 1, truth.shape[1]), np.nan)])
        tags = {}

    def list_frames() -> tuple[Path, ...]:
        return frame_range(image_root(root, target) / target, 1, len(truth))

    return Sequence(
        name=target,
        ground_truth=truth,
        list_frames=list_frames,
        tags=tags,
        image_size=_resolution(folder / "meta_info.ini"),
    )


def _resolution(path: Path) -> tuple[int, int] | None:
    if not path.is_file():
        return None
    found = re.search(r"resolution:\s*\((\d+),\s*(\d+)\)", read_text(path))
    return (int(found[1]), int(found[2])) if found else None
