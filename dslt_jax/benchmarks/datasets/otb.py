"""OTB (Wu, Lim, Yang: CVPR 2013, PAMI 2015): `otb100`, `otb2013`, `otb50`, and `otb`, any folder.

`<Name>/img/0001.jpg` and `<Name>/groundtruth_rect.txt`, 1-based x, y, w, h. Two targets in one
folder have `groundtruth_rect.1.txt` and `.2.txt` and are called Jogging-1 and Jogging-2. Some
sequences start later (David 300, BlurCar1 247, ...) or end before their images do (Football1 74).
Tiger1 is scored from frame 6: the toolkit omits its first five.
"""

import re
from pathlib import Path

from dslt_jax.benchmarks.datasets import lists
from dslt_jax.benchmarks.datasets.base import (
    Dataset,
    DatasetError,
    Sequence,
    find_optional,
    frame_range,
    image_root,
    numbered_images,
)
from dslt_jax.benchmarks.datasets.textfile import read_table, read_text
from dslt_jax.boxes import Array

ORIGIN = 1.0
SKIPPED = {"Tiger1": 5}
_TRUTH = "groundtruth_rect"


def load(name: str, root: str | Path | None, annotations: str | Path | None) -> Dataset:
    """Returns `otb` (whatever targets the root has) or one of the published lists.

    Args:
        name: otb, otb100, otb2013 or otb50.
        root: the folder of the sequences' folders; None to score with annotations alone.
        annotations: a folder of `<Name>.txt` files to use in place of the folders' own.

    Raises:
        DatasetError: there are no sequences in the root, or no annotations where they should be.
    """
    folder, notes = find_optional(root, _truths, "folders with img/ and groundtruth_rect.txt")
    texts, more = find_optional(annotations, _tables, "<Name>.txt files")
    if name != "otb":
        names = lists.otb_names(name)
    elif folder is not None:
        names = targets(folder)
    else:
        names = _annotated(texts) if texts else ()

    def read(target: str) -> Sequence:
        return _read(target, folder, texts)

    return Dataset(name, names, read, "wu", folder, notes + more)


def targets(root: Path) -> tuple[str, ...]:
    """Returns the names of all targets in a folder of sequence folders."""
    names = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        if (folder / f"{_TRUTH}.txt").is_file():
            names.append(folder.name)
        for path in sorted(folder.glob(f"{_TRUTH}.[0-9].txt")):
            if path.stat().st_size > 2:  # Human4's first file is empty
                names.append(f"{folder.name}-{path.name.split('.')[1]}")
    return tuple(names)


def _truths(folder: Path) -> list[Path]:
    return list(folder.glob(f"*/{_TRUTH}*.txt"))


def _tables(folder: Path) -> list[Path]:
    return [folder / f"{name}.txt" for name in _annotated(folder)]


def _annotated(folder: Path) -> tuple[str, ...]:
    known = {path.stem for path in folder.glob("*.txt")} & lists.otb().keys()
    return tuple(name for name in lists.otb() if name in known)


def _folder(root: Path, target: str) -> tuple[Path, str]:
    """Returns a target's folder and the name of its ground truth there."""
    if (root / target).is_dir():
        return root / target, f"{_TRUTH}.txt"
    match = re.fullmatch(r"(.+)-(\d)", target)
    if match and (root / match[1]).is_dir():
        return root / match[1], f"{_TRUTH}.{match[2]}.txt"
    raise DatasetError(f"the sequence folder {root / (match[1] if match else target)} is missing")


def _read(target: str, root: Path | None, annotations: Path | None) -> Sequence:
    entry = lists.otb().get(target)
    attributes = entry.attributes if entry else ()
    if annotations is not None:
        path = annotations / f"{target}.txt"
    else:
        assert root is not None
        folder, file = _folder(root, target)
        path = folder / file
        if entry is None and (folder / "attrs.txt").is_file():
            attributes = tuple(re.findall(r"\w+", read_text(folder / "attrs.txt")))
    truth = read_table(path)
    skipped = SKIPPED.get(target, 0)
    cut_already = entry is not None and len(truth) == entry.last - entry.first + 1 - skipped
    truth = truth if cut_already else truth[skipped:]

    def list_frames() -> tuple[Path, ...]:
        images = _folder(image_root(root, target), target)[0] / "img"
        first = entry.first + skipped if entry else min(numbered_images(images))
        return frame_range(images, first, len(truth))

    return Sequence(
        name=target,
        ground_truth=_to_edges(truth),
        list_frames=list_frames,
        attributes=attributes,
        start=(entry.first if entry else 1) + skipped,
        skipped=skipped,
        listed=entry.last - entry.first + 1 - skipped if entry else None,
        origin=ORIGIN,
    )


def _to_edges(truth: Array) -> Array:
    truth = truth.copy()
    truth[:, :2] -= ORIGIN
    return truth
