"""Targets that come one after the other, each followed for itself: what VOT and TraX ask for."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from numpy.typing import ArrayLike

from dslt_jax.app.session import Session
from dslt_jax.app.spec import Spec
from dslt_jax.media.depth import Depth
from dslt_jax.media.images import read_image, sequence_depth
from dslt_jax.weights import store

WARM_UP = (360, 480)  # the frame that programs are compiled for; another size costs the crop again


class Found(NamedTuple):
    """A target in a frame."""

    box: tuple[float, float, float, float]  # x, y, w, h
    confidence: float


class Files:
    """Reads the image files of one sequence after the other, each with the depth of its folder."""

    def __init__(self) -> None:
        self._depth: Depth | None = None

    def read(self, path: str | os.PathLike, *, first: bool) -> np.ndarray:
        """Returns (H, W, 3) uint8 RGB; raises ImageError, a ValueError, where it is no image."""
        if first:  # which alone may be dark
            beside = sorted(Path(path).parent.glob(f"*{Path(path).suffix}"))
            self._depth = sequence_depth(beside or [path])
        return read_image(path, self._depth)


class Targets:
    """Follows any number of targets through one stream of frames.

    What they need is compiled when it is made, so that no frame waits for it.
    """

    def __init__(self, spec: Spec):
        self._tracker, self._seed = spec.tracker(), spec.seed
        self._params = store.load_params(self._tracker, spec.weights)
        self._sessions = [self._session()]
        self._used = 0
        height, width = WARM_UP
        blank = np.zeros((height, width, 3), np.uint8)
        self._sessions[0].warm_up(blank, [[200.0, 150.0, 60.0, 50.0]])

    def start(self, image: np.ndarray, boxes: Sequence[ArrayLike]) -> list[Found]:
        """Forgets all targets and learns those in `boxes`, each (4,) x, y, w, h.

        Raises:
          ValueError: a box is not in the image (H, W, 3) uint8 RGB.
        """
        self._used = 0
        return self.follow(image, boxes)

    def follow(self, image: np.ndarray, boxes: Sequence[ArrayLike] = ()) -> list[Found]:
        """Finds all in the next frame, and learns those that come with it.

        Returns:
          those that there were, in their order, then those that came.

        Raises:
          ValueError: as `start`.
        """
        seen = [session.step(image) for session in self._sessions[: self._used]]
        for box in boxes:
            if self._used == len(self._sessions):
                self._sessions.append(self._session())
            seen.append(self._sessions[self._used].init(image, box))
            self._used += 1
        return [
            Found(tuple(map(float, one.boxes[0])), float(one.confidence[0]))  # type: ignore[arg-type]
            for one in seen
        ]

    def _session(self) -> Session:
        return Session(self._tracker, self._params, key=jax.random.key(self._seed))
