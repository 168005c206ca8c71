"""Cheap trackers whose boxes are a function of the frames, for the tests of benchmark runs."""

import dataclasses
import os
import signal
import time

import numpy as np

from dslt_jax.types import Observation


@dataclasses.dataclass(frozen=True)
class Fake:
    """Instead of an `app.spec.Spec`: a tracker that drifts with the brightness of the frames.

    Attributes:
        speed: pixels a frame; it decides the results.
        cost: seconds a frame.
        fails_at: raises in a frame of about this red value, as `layouts.images` numbers them.
        dies_at: its process is killed there.
        absent: it cannot be built.
    """

    speed: float = 1.0
    cost: float = 0.0
    fails_at: int = -9
    dies_at: int = -9
    absent: bool = False

    def describe(self):
        return {"name": "fake", "config": {"speed": self.speed}, "weights": "0" * 64}

    def build(self):
        if self.absent:
            raise ValueError("its weights are not here")
        return Drift(self)


class Drift:
    """Instead of an `app.session.Session`."""

    def __init__(self, spec):
        self.spec, self.warmed = spec, []

    def warm_up(self, frame, boxes):
        self.warmed.append(frame.shape)

    def init(self, frame, boxes):
        self.boxes = np.array(boxes, np.float64)
        assert self.boxes.shape == (1, 4)

    def step(self, frame):
        time.sleep(self.spec.cost)
        red = frame[..., 0].mean()  # JPEG changes it by one
        if abs(red - self.spec.fails_at) <= 1:
            raise RuntimeError(f"cannot bear the red of {self.spec.fails_at}")
        if abs(red - self.spec.dies_at) <= 1:
            os.kill(os.getpid(), signal.SIGKILL)
        move = self.spec.speed * np.sin(frame.mean() * np.array([[1.0, 1.7, 0, 0]]))
        self.boxes = self.boxes + move
        return Observation(self.boxes, np.cos([frame.mean()]), np.zeros(1, bool))

    def wait(self):
        return 0.0
