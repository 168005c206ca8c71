"""Where a tracker is started in a sequence, and with which box: OPE, TRE, SRE, VOT."""

import dataclasses

import numpy as np

from dslt_jax import boxes as boxes_lib
from dslt_jax.benchmarks.datasets import DatasetError, Sequence
from dslt_jax.boxes import Array


@dataclasses.dataclass(frozen=True)
class Run:
    """One start of the tracker: its name, frames start .. stop - 1, and the first box (4,)."""

    name: str
    start: int
    stop: int
    box: Array


def ope(sequence: Sequence) -> list[Run]:
    """Returns the one run from the first frame to the last."""
    return [Run("ope", 0, len(sequence), sequence.boxes[0])]


def tre(sequence: Sequence, segments: int = 20, shortest: int = 20) -> list[Run]:
    """Returns up to `segments` runs whose starts are spread evenly, each to the end (Wu: TRE).

    A start has a positive ground truth and at least `shortest` frames left; where there is none,
    one run begins at the first box.
    """
    positive = np.all(sequence.boxes[:, 2:] > 0, axis=1)
    positive &= np.all(sequence.boxes[:, :2] + 1 > 0, axis=1)
    frames = np.flatnonzero(positive)
    frames = frames[len(sequence) - frames >= shortest]
    if not len(frames):  # too short: one run, from the first row that has a box
        there = np.isfinite(sequence.boxes).all(axis=1) & np.all(sequence.boxes[:, 2:] > 0, axis=1)
        first = int(np.argmax(there))
        return [Run("tre01", first, len(sequence), sequence.boxes[first])]
    # 1-based positions floor(1 : M / (S - 1) : M) and M, as the toolkit spreads them.
    count = len(frames)
    spread = np.floor(1 + np.arange(segments - 1) * count / max(segments - 1, 1))
    chosen = np.unique(np.append(np.minimum(spread, count), count).astype(int)) - 1
    return [
        Run(f"tre{i + 1:02d}", int(start), len(sequence), sequence.boxes[start])
        for i, start in enumerate(frames[chosen])
    ]


def sre(sequence: Sequence) -> list[Run]:
    """Returns 12 runs whose first box is wrong by 10 % or 20 % (Wu: SRE), cut to the image."""
    x, y, w, h = sequence.boxes[0]
    dx, dy = 0.1 * w, 0.1 * h
    variants = {
        "left": (x - dx, y, w, h),
        "right": (x + dx, y, w, h),
        "up": (x, y - dy, w, h),
        "down": (x, y + dy, w, h),
        "topleft": (x - dx, y - dy, w + dx, h + dy),
        "topright": (x, y - dy, w + dx, h + dy),
        "bottomleft": (x - dx, y, w + dx, h + dy),
        "bottomright": (x, y, w + dx, h + dy),
    }
    for percent in (80, 90, 110, 120):
        grown = np.array([w, h]) * percent / 100
        corner = np.array([x, y]) + (np.array([w, h]) - grown) / 2
        variants[f"scale{percent}"] = (*corner, *grown)
    width, height = sequence.frame_size
    return [
        Run(name, 0, len(sequence), boxes_lib.clip(np.array(box), width, height))
        for name, box in variants.items()
    ]


def start_box(sequence: Sequence, frame: int) -> Array:
    """Returns the box (4,) to start with in a frame: of a polygon, the box of equal area."""
    return _start_boxes(sequence)[frame]


def startable(sequence: Sequence) -> np.ndarray:
    """Returns (N,) bool: the frames whose `start_box` is there, of some size and in the image."""
    boxes = _start_boxes(sequence)
    seen = boxes_lib.clip(boxes, *sequence.frame_size)
    return np.all(boxes[:, 2:] > 1, axis=1) & np.all(seen[:, 2:] > 0, axis=1)  # NaN is not


def first_frame(sequence: Sequence) -> int:
    """Returns the first frame to start in; raises DatasetError without one."""
    frames = np.flatnonzero(startable(sequence))
    if not len(frames):
        raise DatasetError(f"{sequence.name}: no row of the ground truth is a box in the image")
    return int(frames[0])


def _start_boxes(sequence: Sequence) -> Array:
    truth = sequence.ground_truth
    return truth if truth.shape[-1] == 4 else boxes_lib.equal_area_box(truth)
