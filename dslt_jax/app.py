"""The run loop: frames in, one record a frame out, to whoever wants it.

source = open_frames("clip.mp4")
tracker = make_tracker(config, params, targets=1)
for record in follow(source, tracker, [box]):
    print(record.frame.index, record.seen.boxes[0])
"""

import contextlib
import functools
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from dslt_jax import tracker as core
from dslt_jax.config import TrackerConfig
from dslt_jax.media.overlay import Observation
from dslt_jax.media.source import DamagedFrame, Frame, FramesError, Image


class Tracker(NamedTuple):
    """Any tracker of N targets in one stream of frames."""

    init: Callable[[Image, np.ndarray], Any]  # frame (H, W, 3) uint8, boxes (N, 4) -> state
    step: Callable[[Any, Image], tuple[Any, Observation]]  # state, frame -> state, observation


class Record(NamedTuple):
    """What happened at one frame."""

    frame: Frame
    image: Image  # the frame's image, of a damaged frame the last good one
    seen: Observation  # NumPy arrays
    seconds: float  # from the frame in memory to the boxes in memory
    compile_seconds: float  # the part of `seconds` that JAX traced and compiled

    @property
    def damaged(self) -> str | None:
        """Why the frame could not be read."""
        picture = self.frame.image
        return picture.reason if isinstance(picture, DamagedFrame) else None


class Sink(Protocol):
    """Takes the records of a run, e.g. to write them down."""

    def write(self, record: Record) -> None:
        """Takes one record."""

    def close(self) -> None:
        """Ends, also after an error, and keeps what was written."""


def make_tracker(config: TrackerConfig, params: Any, targets: int) -> Tracker:
    """Returns DSLT for one target, or for several at once in one program."""
    many = targets > 1

    def start(image: Image, boxes: np.ndarray) -> Any:
        if many:
            state = core.init_many(config, params, jnp.asarray(image), jnp.asarray(boxes))
        else:
            state = core.init(config, params, jnp.asarray(image), jnp.asarray(boxes[0]))
        return jax.block_until_ready(state)

    def advance(state: Any, image: Image) -> tuple[Any, Observation]:
        step = core.step_many if many else core.step
        state, out = step(config, params, state, jnp.asarray(image))
        seen = (out.box, out.confidence, out.lost, out.response, out.search_box)
        # The state is waited for too: learning belongs to this frame's time.
        seen = jax.device_get(jax.block_until_ready((state, seen))[1])
        return state, Observation(*(seen if many else (field[None] for field in seen)))

    return Tracker(start, advance)


def follow(
    frames: Iterable[Frame], tracker: Tracker, boxes: ArrayLike
) -> Generator[Record, None, None]:
    """Yields a record a frame: the first holds the given boxes, the others what was found.

    At a damaged frame the last boxes are repeated, as lost and with confidence 0.

    Args:
      frames: in order, e.g. a `Source`.
      tracker: see `make_tracker`.
      boxes: (N, 4) x, y, w, h on the first frame.

    Raises:
      FramesError: there is no frame, the first one is damaged, or the rest cannot be read.
    """
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    clock = _compile_clock()
    state = image = None
    for frame in frames:
        start, compiled = time.perf_counter(), clock[0]
        if isinstance(frame.image, DamagedFrame):
            if image is None:
                raise FramesError(f"the first frame cannot be read: {frame.image.reason}")
            seen = Observation(boxes, np.zeros(len(boxes)), np.ones(len(boxes), bool))
        elif image is None:
            image = frame.image
            state = tracker.init(image, boxes)
            seen = Observation(boxes, np.ones(len(boxes)), np.zeros(len(boxes), bool))
        else:
            image = frame.image
            state, seen = tracker.step(state, image)
            boxes = np.asarray(seen.boxes)
        seconds = time.perf_counter() - start
        yield Record(frame, image, seen, seconds, min(seconds, clock[0] - compiled))
    if image is None:
        raise FramesError("there are no frames")


def run(records: Generator[Record, None, None], sinks: Sequence[Sink]) -> None:
    """Hands each record to every sink, and closes all sinks whatever happens.

    Raises:
      what reading, tracking or a sink raised, KeyboardInterrupt included.
    """
    with contextlib.ExitStack() as stack:
        for sink in sinks:
            stack.callback(sink.close)
        stack.enter_context(contextlib.closing(records))
        for record in records:
            for sink in sinks:
                sink.write(record)


@functools.cache
def _compile_clock() -> list[float]:
    """Seconds that this process has spent on tracing and compiling, counted from the first call."""
    clock = [0.0]

    def listen(event: str, duration_secs: float, **details: str | int) -> None:
        if event.startswith("/jax/core/compile/"):
            clock[0] += duration_secs

    jax.monitoring.register_event_duration_secs_listener(listen)
    return clock
