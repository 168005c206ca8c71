"""Records of a run, made up."""

import numpy as np

from dslt_jax.app.loop import Record
from dslt_jax.media.source import DamagedFrame, Frame
from dslt_jax.types import Observation


def record(
    index,
    boxes=((1, 2, 30, 40),),
    lost=False,
    damaged=False,
    seconds=0.01,
    compiled=0.0,
    learned=0.0,
    time=None,
    size=(48, 64),
):
    image = np.full((*size, 3), 100, np.uint8)
    boxes = np.array(boxes, np.float32)
    seen = Observation(boxes, np.full(len(boxes), 0.5), np.full(len(boxes), lost))
    frame = Frame(index, "", DamagedFrame("bad") if damaged else image, 0.002, time)
    return Record(frame, image, seen, seconds, compiled, lambda: learned)
