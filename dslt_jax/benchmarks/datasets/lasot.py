"""LaSOT (Fan et al.: CVPR 2019).

`<class>/<class>-N/img/00000001.jpg`, `groundtruth.txt` (1-based x, y, w, h), `full_occlusion.txt`
and `out_of_view.txt` (a 0 or 1 a frame, one line); or `<class>-N` without folders of classes.
`testing_set.txt` in the root lists the test split.
"""

from pathlib import Path

import numpy as np

from dslt_jax.benchmarks.datasets.base import (
    Dataset,
    DatasetError,
    Sequence,
    find_optional,
    frame_range,
    image_root,
)
from dslt_jax.benchmarks.datasets.textfile import read_lines, read_table

ORIGIN = 1.0


def load(name: str, root: str | Path | None, annotations: str | Path | None) -> Dataset:
    """Returns the test split where `testing_set.txt` names it, otherwise all sequences found."""
    folder, notes = find_optional(root, _truths, "<class>/<class>-N/groundtruth.txt")
    texts, more = find_optional(annotations, _truths, "<class>/<class>-N/groundtruth.txt")
    source = texts or folder
    assert source is not None
    if (source / "testing_set.txt").is_file():
        names = read_lines(source / "testing_set.txt")
    else:
        names = [path.parent.name for path in _truths(source)]
        names = [name for name in names if name.rpartition("-")[2].isdecimal()]
        names.sort(key=lambda target: (target.rpartition("-")[0], int(target.rpartition("-")[2])))

    def read(target: str) -> Sequence:
        return _read(target, folder, source)

    return Dataset(name, tuple(names), read, "pysot", folder, notes + more)


def _truths(folder: Path) -> list[Path]:
    """Of all classes, or where there are no folders of classes, of the sequences."""
    deep = list(folder.glob("*/*-[0-9]*/groundtruth.txt"))
    return deep or list(folder.glob("*-[0-9]*/groundtruth.txt"))


def _folder(root: Path, target: str) -> Path:
    flat = root / target
    return flat if flat.is_dir() else root / target.rpartition("-")[0] / target


def _read(target: str, root: Path | None, annotations: Path) -> Sequence:
    folder = _folder(annotations, target)
    if not folder.is_dir():
        raise DatasetError(f"the sequence folder {folder} is missing")
    truth = read_table(folder / "groundtruth.txt")
    truth[:, :2] -= ORIGIN
    tags = {}
    for tag in ("full_occlusion", "out_of_view"):
        if (folder / f"{tag}.txt").is_file():
            marks = read_table(folder / f"{tag}.txt", (len(truth), 1)).ravel() > 0
            if len(marks) != len(truth):
                raise DatasetError(
                    f"{folder / tag}.txt has {len(marks)} marks for {len(truth)} frames"
                )
            tags[tag] = marks
    if tags:
        tags["absent"] = np.any(list(tags.values()), axis=0)

    def list_frames() -> tuple[Path, ...]:
        return frame_range(_folder(image_root(root, target), target) / "img", 1, len(truth))

    return Sequence(
        name=target, ground_truth=truth, list_frames=list_frames, tags=tags, origin=ORIGIN
    )
