"""The run loop: frames in, one record a frame out, to whoever wants it.

session = Session(tracker, params)
for record in follow(open_frames("clip.mp4"), session, [box]):
    print(record.frame.index, record.seen.boxes[0])
"""

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import NamedTuple, Protocol

import jax
import numpy as np
from numpy.typing import ArrayLike

from dslt_jax.app.session import Session
from dslt_jax.media.source import DamagedFrame, Frame, FramesError, Image
from dslt_jax.types import Observation


class Record(NamedTuple):
    """What happened at one frame; out as soon as its boxes are there, while they are learned."""

    frame: Frame
    image: Image  # the frame's image, of a damaged frame the last good one
    seen: Observation
    seconds: float  # from the frame in memory to the boxes in memory
    compile_seconds: float  # the part of `seconds` that JAX traced and compiled
    learning: Callable[[], float]  # waits until the boxes are learned; the seconds that took
    latency: float | None = None  # seconds from when the frame was captured, see `realtime`

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


def follow(
    frames: Iterable[Frame], session: Session, boxes: ArrayLike
) -> Generator[Record, None, None]:
    """Yields a record a frame: the first holds the given boxes, the others what was found.

    At a damaged frame the last boxes are repeated, as lost and with confidence 0.

    Args:
      frames: in order, e.g. a `Source`.
      session: or what has its `init`, `step` and `wait`.
      boxes: (N, 4) x, y, w, h on the first frame.

    Raises:
      FramesError: there is no frame, the first one is damaged, or the rest cannot be read.
    """
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    image = None
    for frame in frames:
        start, compiled = time.perf_counter(), compile_clock()
        first, learning = False, _nothing
        if isinstance(frame.image, DamagedFrame):
            if image is None:
                raise FramesError(f"the first frame cannot be read: {frame.image.reason}")
            seen = Observation(boxes, np.zeros(len(boxes)), np.ones(len(boxes), bool))
        else:
            first, image, learning = image is None, frame.image, session.wait
            seen = session.init(image, boxes) if first else session.step(image)
        boxes = seen.boxes
        end = time.perf_counter()
        seconds = end - start
        latency = None if first or frame.captured is None else end - frame.captured
        compiling = min(seconds, compile_clock() - compiled)
        yield Record(frame, image, seen, seconds, compiling, learning, latency)
    if image is None:
        raise FramesError("there are no frames")


def begun(records: Generator[Record, None, None]) -> Generator[Record, None, None]:
    """Returns the records once the first of them is there; raises what that raises."""
    first = next(records)

    def all_of_them():
        with contextlib.closing(records):
            yield first
            yield from records

    return all_of_them()


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


def compile_clock() -> float:
    """Returns the seconds that the calling thread has spent on tracing and compiling.

    They count from the first call in this process.
    """
    return getattr(_clocks(), "seconds", 0.0)


@functools.cache
def _clocks() -> threading.local:
    clocks = threading.local()

    def listen(event: str, duration_secs: float, **details: str | int) -> None:
        if event.startswith("/jax/core/compile/"):  # called in the thread that compiles
            clocks.seconds = getattr(clocks, "seconds", 0.0) + duration_secs

    jax.monitoring.register_event_duration_secs_listener(listen)
    return clocks


def _nothing() -> float:
    """The learning of a damaged frame."""
    return 0.0
