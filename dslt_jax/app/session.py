"""The one stateful face of the library: frames in, observations out.

    session = Session(tracker, params)
    session.init(frame, boxes)
    seen = session.step(frame)          the boxes; what they teach is learned behind

The command line, the benchmarks' protocols and the adapters drive this, and this drives any
tracker.
"""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dslt_jax import arguments, tracking
from dslt_jax.app.resize import Canvas
from dslt_jax.multi_target import many
from dslt_jax.types import Observation, Output, Params, Tracker


class Session:
    """Follows N targets through a stream of frames; N is settled by `init`.

    Args:
      tracker: of one target; for several it is used as `many`.
      params: of its backbone.
      key: of every random choice; None is `jax.random.key(0)`.
    """

    def __init__(self, tracker: Tracker, params: Params, *, key: jax.Array | None = None):
        self.tracker, self._params, self._key = tracker, params, key
        self._state: Any = None
        self._canvas: Canvas | None = None
        self._many = False
        self._warm: set[tuple[int, ...]] = set()
        self._watch = ThreadPoolExecutor(1, "dslt-learn")
        self._learning: Future[float] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What is copied or written to a file, in mid-video too: all but the thread."""
        self.wait()
        kept = {name: value for name, value in vars(self).items() if name != "_watch"}
        return kept | {"_warm": set(), "_learning": None}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        vars(self).update(kept, _watch=ThreadPoolExecutor(1, "dslt-learn"))

    def init(self, frame: Any, boxes: Any) -> Observation:
        """Learns the targets in a frame, and forgets everything before it.

        Args:
          frame: as of `tracking.init`; boxes: (N, 4) x, y, w, h, or (4,) of one.

        Returns:
          the given boxes, sure; when they are learned and no later frame of this size has to wait
          for a program.

        Raises:
          ValueError: as `tracking.init`.
        """
        if self._learning is not None:
            self._learning.exception()  # it ends; what went wrong in it is forgotten
        self._state, self._learning = None, None
        boxes = np.asarray(arguments.check_boxes(boxes, None), np.float32)
        frame = arguments.check_frame(frame)
        self._many = len(boxes) > 1
        start = boxes if self._many else boxes[0]
        tracker, params = self._driven, self._params
        state = tracking.init(tracker, params, frame, start, key=self._key)
        self._learn(state)
        if (shape := (*frame.shape, len(boxes))) not in self._warm:
            # What the next frames need is compiled while this one is learned.
            sight, _ = tracking.locate(tracker, params, state, frame)
            spare = _copy(state)
            jax.block_until_ready(tracking.learn(tracker, params, spare, sight, donate=True))
            self._warm.add(shape)
        self.wait()
        self._state, self._canvas = state, Canvas(frame)
        return Observation(boxes, np.ones(len(boxes)), np.zeros(len(boxes), bool))

    def step(self, frame: Any) -> Observation:
        """Finds the targets in the next frame.

        Args:
          frame: (H, W, 3) uint8 RGB. One of another size than the first is scaled for the tracker,
            see `resize`; its boxes are in its own pixels.

        Returns:
          when the boxes are there. Learning from them goes on behind; the next `step` waits for it.
        """
        if self._state is None or self._canvas is None:
            raise RuntimeError("step before init")
        self.wait()
        if not self._canvas.holds(frame):
            frame = np.asarray(arguments.check_frame(frame))
        shown, place = self._canvas.fit(frame)
        sight, out = tracking.locate(self._driven, self._params, self._state, shown)
        seen = place.back(self._observe(out))
        self._state, _ = tracking.learn(self._driven, self._params, self._state, sight, donate=True)
        self._learn(self._state)
        return seen

    def wait(self) -> float:
        """Waits until the last frame is learned; returns the seconds that took behind `step`."""
        return self._learning.result() if self._learning else 0.0

    def warm_up(self, frame: Any, boxes: Any) -> None:
        """Compiles what frames of this size need, so that no later frame pays for it."""
        boxes, frame = arguments.check_boxes(boxes, None), arguments.check_frame(frame)
        if (*frame.shape, len(boxes)) not in self._warm:
            self.init(frame, boxes)
            self._state, self._learning = None, None

    @property
    def _driven(self) -> Tracker:
        return many(self.tracker) if self._many else self.tracker

    def _learn(self, state: Any) -> None:
        """Notes that a state is on its way."""
        self._learning = self._watch.submit(_seconds_until, state, time.perf_counter())

    def _observe(self, out: Output) -> Observation:
        seen = jax.device_get((out.box, out.confidence, out.lost, out.response, out.search_box))
        return Observation(*(seen if self._many else (field[None] for field in seen)))


@jax.jit
def _copy(state: Any) -> Any:
    return jax.tree.map(jnp.copy, state)


def _seconds_until(state: Any, start: float) -> float:
    jax.block_until_ready(state)
    return time.perf_counter() - start
