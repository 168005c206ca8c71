"""Results that are something else than x, y, w, h in pixels, as their numbers tell."""

import numpy as np

from dslt_jax import boxes as boxes_lib
from dslt_jax.benchmarks.datasets import Sequence
from dslt_jax.boxes import Array

_BETTER = 0.3  # of the mean overlap: so much more tells that boxes were written as corners


def doubt(sequence: Sequence, boxes: Array) -> str | None:
    """Returns what is to be said of a sequence's results (N, 4), read as 0-based x, y, w, h."""
    origin = sequence.origin
    count = min(len(boxes), len(sequence))
    boxes, truth = np.asarray(boxes, np.float64)[:count], sequence.boxes[:count]
    known = np.isfinite(boxes).all(axis=1) & (truth[:, 2:] > 0).all(axis=1)
    boxes, truth = boxes[known], truth[known]
    if not len(boxes):
        return None
    written = boxes + np.array([origin, origin, 0, 0])
    if written.min() >= 0 and written.max() <= 1 and (written % 1).any():
        return "all numbers lie from 0 to 1, as fractions of the frame: pixels are scored"
    corners = boxes - (0, 0, origin, origin)
    corners[:, 2:] -= corners[:, :2]
    if (corners[:, 2:] <= 0).any():
        return None
    given, other = (boxes_lib.iou(one, truth).mean() for one in (boxes, corners))
    if other < given + _BETTER:
        return None
    return (
        f"as x1,y1,x2,y2 they would overlap the truth by {other:.2f} on the average, as x,y,w,h "
        f"they do by {given:.2f}: x,y,w,h is scored"
    )
