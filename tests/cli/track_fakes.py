"""What the tests of `dslt track` run it on: a small clip, and a session that needs no network."""

import numpy as np
from PIL import Image

from dslt_jax.app.resize import Canvas
from dslt_jax.types import Observation

COUNT, WIDTH, HEIGHT = 8, 64, 48


def scene(index):
    draw = np.random.default_rng(0)
    blocks = draw.integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    return np.roll(blocks.repeat(8, 0).repeat(8, 1), index, axis=1)


def write(folder):
    """Writes the clip as images into a new folder, and returns it."""
    folder.mkdir()
    for index in range(COUNT):
        Image.fromarray(scene(index)).save(folder / f"{index}.png")
    return folder


class Drifting:
    """Stands for a session: every box moves by a pixel a frame."""

    def __init__(self, fail_at=None, error=None):
        self.fail_at, self.error = fail_at, error

    def init(self, frame, boxes):
        self.boxes, self.canvas = boxes, Canvas(frame)
        if boxes[0, 0] == self.fail_at:
            raise self.error
        return Observation(boxes, np.ones(len(boxes)), np.zeros(len(boxes), bool))

    def step(self, frame):
        self.boxes = boxes = self.boxes + np.array([1, 0, 0, 0], np.float32)
        if boxes[0, 0] == self.fail_at:
            raise self.error
        count = len(boxes)
        _, place = self.canvas.fit(frame)  # as a session does
        seen = Observation(
            boxes,
            np.full(count, 0.75),
            np.zeros(count, bool),
            np.full((count, 8, 8), 0.5, np.float32),
            boxes + np.array([-10, -10, 20, 20], np.float32),
        )
        return place.back(seen)

    def wait(self):
        return 0.0
