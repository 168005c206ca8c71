"""`generic`: a folder of folders, each with images and one text file of boxes.

The images lie in the folder or in its img, imgs, images, frames or color; the boxes in
groundtruth.txt, groundtruth_rect.txt, gt.txt, boxes.txt or the only text file there: 0-based
x, y, w, h or polygons of 8 numbers, a line a frame, NaN where the target is absent.
"""

import re
from pathlib import Path

from dslt_jax.benchmarks.datasets.base import (
    IMAGE_SUFFIXES,
    Dataset,
    DatasetError,
    Sequence,
    find_optional,
)
from dslt_jax.benchmarks.datasets.textfile import read_regions

TEXTS = ("groundtruth.txt", "groundtruth_rect.txt", "gt.txt", "boxes.txt")
IMAGES = ("img", "imgs", "images", "frames", "color", ".")


def load(name: str, root: str | Path | None, annotations: str | Path | None) -> Dataset:
    """Returns every folder of the root that has images and boxes."""
    if root is None or annotations is not None:
        raise DatasetError("generic needs a root whose folders hold images and boxes together")
    folder, notes = find_optional(root, _sequences, "folders with images and a text file of boxes")
    assert folder is not None

    def read(target: str) -> Sequence:
        return _read(folder / target)

    return Dataset(name, _names(folder), read, "wu", folder, notes + _left_out(folder))


def _left_out(folder: Path) -> tuple[str, ...]:
    """A sentence on each folder that is half a sequence."""
    halves = []
    for path in sorted(path for path in folder.iterdir() if path.is_dir()):
        images, texts = bool(_images(path)), list(path.glob("*.txt"))
        if images and _text(path) is None:
            why = f"has {len(texts)} text files, none" if texts else "has images and no text file"
            halves.append(f"{path} is left out: it {why} called {', '.join(TEXTS)}")
        elif not images and _text(path) is not None:
            halves.append(f"{path} is left out: it has boxes and no images")
    return tuple(halves)


def _names(folder: Path) -> tuple[str, ...]:
    paths = [path for path in folder.iterdir() if path.is_dir()]
    return tuple(sorted(path.name for path in paths if _text(path) and _images(path)))


def _sequences(folder: Path) -> list[Path]:
    return [folder / name for name in _names(folder)]


def _text(folder: Path) -> Path | None:
    for file in TEXTS:
        if (folder / file).is_file():
            return folder / file
    texts = [path for path in folder.glob("*.txt") if not path.name.startswith(".")]
    return texts[0] if len(texts) == 1 else None


def _images(folder: Path) -> list[Path]:
    for place in IMAGES:
        if (folder / place).is_dir():
            found = [
                path
                for path in (folder / place).iterdir()
                if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
            ]
            if found:
                return sorted(found, key=_natural)
    return []


def _natural(path: Path) -> list[tuple[int, str]]:
    words = re.split(r"(\d+)", path.name)
    return [(int(word), "") if word.isdecimal() else (-1, word) for word in words]


def _read(folder: Path) -> Sequence:
    text = _text(folder)
    if text is None:
        raise DatasetError(f"{folder} has no text file of boxes ({', '.join(TEXTS)})")
    truth = read_regions(text)

    images = _images(folder)
    if len(images) < len(truth):
        raise DatasetError(
            f"{folder} has {len(images)} images for {len(truth)} rows of {text.name}"
        )
    return Sequence(
        name=folder.name,
        ground_truth=truth,
        list_frames=lambda: images[: len(truth)],
        listed=len(images),
    )
