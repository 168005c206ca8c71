"""UAV123 and UAV20L (Mueller, Smith, Ghanem: ECCV 2016).

`data_seq/UAV123/<folder>/000001.jpg`, `anno/UAV123/<name>.txt` (1-based x, y, w, h; NaN where the
target is absent) and `anno/UAV123/att/<name>.txt`. Several targets share a folder of images.
"""

from pathlib import Path

import numpy as np

from dslt_jax.benchmarks.datasets import lists
from dslt_jax.benchmarks.datasets.base import (
    Dataset,
    Sequence,
    find_optional,
    frame_range,
    image_root,
)
from dslt_jax.benchmarks.datasets.textfile import read_table

ORIGIN = 1.0
ATTRIBUTES = ("SV", "ARC", "LR", "FM", "FOC", "POC", "OV", "BC", "IV", "VC", "CM", "SOB")


def load(name: str, root: str | Path | None, annotations: str | Path | None) -> Dataset:
    """Returns uav123 or uav20l; raises DatasetError when the root has no annotations."""
    entries = lists.uav(name)
    folder, notes = find_optional(root, _parts, "data_seq/UAV123 and anno/UAV123")
    texts, more = find_optional(annotations, _annotated, "one <name>.txt a target")
    if texts is None:
        assert folder is not None
        texts = folder / "anno" / name.upper()

    def read(target: str) -> Sequence:
        return _read(entries[target], folder, texts)

    return Dataset(name, tuple(entries), read, "wu", folder, notes + more)


def _parts(folder: Path) -> list[Path]:
    return [*folder.glob("data_seq/UAV123/*"), *folder.glob("anno/*")]


def _annotated(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.txt") if path.stem in lists.uav("uav123")]


def _read(entry: lists.UavEntry, root: Path | None, annotations: Path) -> Sequence:
    truth = read_table(annotations / f"{entry.name}.txt")
    truth[:, :2] -= ORIGIN
    attributes: tuple[str, ...] = ()
    path = annotations / "att" / f"{entry.name}.txt"
    if path.is_file():
        marks = read_table(path, (len(ATTRIBUTES),))[0]
        attributes = tuple(np.array(ATTRIBUTES)[marks > 0].tolist())

    def list_frames() -> tuple[Path, ...]:
        images = image_root(root, entry.name) / "data_seq" / "UAV123" / entry.folder
        return frame_range(images, entry.first, len(truth))

    return Sequence(
        name=entry.name,
        ground_truth=truth,
        list_frames=list_frames,
        attributes=attributes,
        start=entry.first,
        listed=entry.last - entry.first + 1,
        origin=ORIGIN,
    )
