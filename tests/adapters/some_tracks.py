"""Two tracks of a video of 40 frames: one is lost for a while, one ends before the video does."""

import numpy as np

from dslt_jax.app.tracks import Track, Tracks

LOST = slice(10, 15)  # frames of the first one


def tracks():
    frames = np.arange(40)
    step = np.minimum(frames, 20)[:, None]  # it stops in frame 20
    boxes = np.array([10.0, 20.0, 30.0, 24.0]) + step * np.array([2.0, 1.0, 0.0, 0.5])
    lost = np.zeros(40, bool)
    lost[LOST] = True
    boxes[LOST] = boxes[LOST.start - 1]  # held
    first = Track("left", frames, boxes, np.where(lost, 0.1, 0.9), lost)
    other = np.tile([-4.0, 60.0, 20.0, 70.0], (6, 1))  # over the frame's edges
    second = Track("2", np.arange(4, 10), other, np.full(6, 0.8), np.zeros(6, bool))
    return Tracks([first, second], "clip.mp4", size=(160, 120), total=40, fps=20.0)
