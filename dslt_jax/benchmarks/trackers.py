"""Which tracker a benchmark runs: a description that travels to any process and is built there."""

import abc
import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dslt_jax import tracker as core
from dslt_jax.backbones import weights
from dslt_jax.boxes import Array
from dslt_jax.config import TrackerConfig


class Tracker(abc.ABC):
    """What the protocols drive. Frames are (H, W, 3) uint8 RGB, boxes (4,) x, y, w, h.

    `init` forgets everything before it: results may not depend on which sequences came earlier.
    """

    @abc.abstractmethod
    def init(self, frame: np.ndarray, box: Array) -> None:
        """Learns the target in the first frame."""

    @abc.abstractmethod
    def step(self, frame: np.ndarray) -> tuple[Array, float]:
        """Returns the box (4,) in the next frame and a confidence."""

    def warm_up(self, frame: np.ndarray, box: Array) -> None:  # noqa: B027
        """Does what is needed once for frames of this size, such as compiling; it is not timed."""


class TrackerSpec(abc.ABC):
    """A tracker before it is built; hashable, and light enough to send to another machine."""

    @abc.abstractmethod
    def describe(self) -> dict[str, Any]:
        """Returns all that decides the results, as JSON values.

        Raises:
          ValueError: something that it needs is not there, such as weights.
        """

    @abc.abstractmethod
    def build(self) -> Tracker:
        """Returns the tracker, ready to start; raises what keeps it from being so."""


@dataclasses.dataclass(frozen=True)
class Dslt(TrackerSpec):
    """DSLT with a config and a weights file, or the embedded or cached weights."""

    config: TrackerConfig
    weights: str | None = None

    def describe(self) -> dict[str, Any]:
        """Returns the config and the SHA-256 of the weights file; raises WeightsError."""
        source = Path(self.weights or weights.stored_path(self.config.backbone))
        if not source.is_file():
            weights.load_params(self.config, self.weights)  # says what to do
        with open(source, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"name": "dslt", "config": dataclasses.asdict(self.config), "weights": digest}

    def build(self) -> Tracker:
        """Loads the weights; raises WeightsError."""
        return DsltTracker(self.config, weights.load_params(self.config, self.weights))


class DsltTracker(Tracker):
    """DSLT behind the protocols' interface."""

    def __init__(self, config: TrackerConfig, params: core.Params):
        self._config, self._params = config, params
        self._state: core.State | None = None
        self._warm: set[tuple[int, ...]] = set()

    def init(self, frame: np.ndarray, box: Array) -> None:
        start = jnp.asarray(box, jnp.float32)
        state = core.init(self._config, self._params, jnp.asarray(frame), start)
        self._state = jax.block_until_ready(state)

    def step(self, frame: np.ndarray) -> tuple[Array, float]:
        if self._state is None:
            raise RuntimeError("step before init")
        state, out = core.step(self._config, self._params, self._state, jnp.asarray(frame))
        # Learning belongs to this frame's time, so the state is waited for too.
        self._state = jax.block_until_ready(state)
        box, confidence = jax.device_get((out.box, out.confidence))
        return np.asarray(box, np.float64), float(confidence)

    def warm_up(self, frame: np.ndarray, box: Array) -> None:
        if frame.shape not in self._warm:
            self.init(frame, box)
            self.step(frame)
            self._warm.add(frame.shape)
