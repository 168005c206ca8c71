"""Writes tiny benchmarks in every layout, for the tests of the readers and of `dslt data check`."""

from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (64, 48)


def truth(count, seed=0):
    """Returns (count, 4) whole-pixel boxes inside a 64 x 48 image, 1-based."""
    rng = np.random.default_rng(seed)
    return np.c_[rng.integers(1, 30, (count, 2)), rng.integers(4, 18, (count, 2))].astype(float)


def images(folder: Path, first: int, count: int, digits: int = 4, size=SIZE) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        Image.new("RGB", size, (number % 256, 80, 40)).save(folder / f"{number:0{digits}d}.jpg")


def text(path: Path, rows, delimiter=",") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(delimiter.join(f"{v:g}" for v in row) for row in rows) + "\n")


def otb(root: Path) -> None:
    """David (frames 300 ..), Jogging with two targets, and Own, which no list knows."""
    images(root / "David" / "img", 300, 471)
    text(root / "David" / "groundtruth_rect.txt", truth(471), "\t")
    images(root / "Jogging" / "img", 1, 307)
    text(root / "Jogging" / "groundtruth_rect.1.txt", truth(307, 1), " ")
    text(root / "Jogging" / "groundtruth_rect.2.txt", truth(307, 2))
    images(root / "Own" / "img", 5, 6)
    text(root / "Own" / "groundtruth_rect.txt", truth(6))
    (root / "Own" / "attrs.txt").write_text("OCC, SV\n")


def generic(root: Path, names=("one", "two"), count=5) -> None:
    for name in names:
        images(root / name, 1, count)
        text(root / name / "groundtruth.txt", truth(count))
