"""What frames come from: a lazy, repeatable stream of pictures, read ahead by one thread."""

import contextlib
import dataclasses
import itertools
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

READ_AHEAD = 4  # frames that wait, decoded, for the tracker
FPS = 25.0  # frames a second of what does not say, such as a folder of images
PATIENCE = 2.0  # seconds to wait for a thread that is not needed any more
TOLERANCE = 0.0005  # seconds: times are shown with three decimals

Image = NDArray[np.uint8]  # (H, W, 3) RGB
T = TypeVar("T")


class FramesError(ValueError):
    """There are no frames, or none beyond this point; the text says which, why and what to do."""


class DamagedFrame(NamedTuple):
    """Stands for a picture that cannot be read; others may follow it."""

    reason: str  # a sentence


@dataclasses.dataclass(frozen=True)
class Frame:
    """One frame of a source."""

    index: int  # from 0
    name: str  # of the file, or the place in the video
    image: Image | DamagedFrame
    seconds: float  # spent on reading and decoding
    time: float | None = None  # seconds from the start of the video, where the source knows
    captured: float | None = None  # when it was there, on `time.perf_counter`, see `realtime`


class Picture(NamedTuple):
    """What a source reads: a frame that has no number yet.

    The image may come as a function that decodes it, so that frames nobody wants cost less.
    """

    name: str
    image: Image | DamagedFrame | Callable[[], Image | DamagedFrame]
    time: float | None = None


class Mark(NamedTuple):
    """A place in a source, as a frame's number or as a time."""

    text: str  # as it was typed, e.g. "--start 1:30"
    value: float  # a frame's number or seconds
    timed: bool  # it is seconds

    def reached(self, index: int, time: float | None) -> bool:
        """Returns whether a frame is here or later; raises FramesError where it has no time."""
        if not self.timed:
            return index >= self.value
        if time is None:
            raise FramesError(
                f"its frames carry no times, so that {self.text} is nowhere: give a frame's number"
            )
        return time >= self.value - TOLERANCE


@dataclasses.dataclass(frozen=True)
class Source:
    """A video, a folder of images or a camera; each iteration reads it anew, a few frames ahead.

    Only what comes through a pipe is read but once.

    Iterating yields `Frame`s and raises FramesError where the rest cannot be read.

    Attributes:
        name: what the user called it, without passwords.
        read: starts reading: yields (name, image[, time]), see `Picture`, and raises FramesError.
        count: how many frames there seem to be; None when nobody knows.
        fps: frames a second; None where the source does not say.
        notes: sentences to tell the user, e.g. that images seem to be missing.
        exact: `count` is no guess, there are no more.
        length: seconds that it announces; None where it does not.
        start: where the wanted part begins; None is the first frame.
        end: where it has ended; None is after the last frame.
        live: its frames come when they come, as those of a camera.
        jump: as `read`, from a frame on; returns None where it cannot.
    """

    name: str
    read: Callable[[], Iterator[tuple]] = dataclasses.field(repr=False)
    count: int | None = None
    fps: float | None = None
    notes: tuple[str, ...] = ()
    exact: bool = False
    length: float | None = None
    start: Mark | None = None
    end: Mark | None = None
    live: bool = False
    jump: Callable[[int], Iterator[tuple] | None] | None = dataclasses.field(
        default=None, repr=False
    )

    def __iter__(self) -> Generator[Frame, None, None]:
        return prefetch(self.frames())

    def frames(self) -> Generator[Frame, None, None]:
        """Yields the frames from `start` on and before `end`, read when they are asked for.

        They are numbered as in the whole source.
        """
        start, end, index, clock = self.start, self.end, -1, time.perf_counter()
        started = start is None
        first, pictures = self._from_start()
        for index, picture in enumerate(itertools.starmap(Picture, pictures), first):
            if end is not None and end.reached(index, picture.time):
                if not started and start is not None:
                    raise FramesError(f"{end.text} does not come after {start.text}")
                return
            started = started or (start is not None and start.reached(index, picture.time))
            if started:
                image = picture.image() if callable(picture.image) else picture.image
                seconds = time.perf_counter() - clock
                yield Frame(index, picture.name, image, seconds, picture.time)
                clock = time.perf_counter()
        if not started and start is not None:
            raise FramesError(f"{self.name} has {index + 1} frames, {start.text} is beyond")

    def _from_start(self) -> tuple[int, Iterator[tuple]]:
        """The pictures from `start` on, or from the beginning, and the number of the first."""
        if self.jump is not None and self.start is not None and not self.start.timed:
            number = int(self.start.value)
            if (pictures := self.jump(number)) is not None:
                return number, pictures
        return 0, self.read()


def prefetch(items: Iterable[T], depth: int = READ_AHEAD) -> Generator[T, None, None]:
    """Yields the items, which a thread fetches up to `depth` ahead; its errors come in their turn.

    The thread ends when the items end or when this generator is closed.
    """
    slots: queue.Queue = queue.Queue(depth)
    closed = threading.Event()
    end = object()

    def put(value: object) -> None:
        while not closed.is_set():
            try:
                return slots.put(value, timeout=0.1)
            except queue.Full:
                continue

    def fill() -> None:
        last: object = end
        try:
            for item in items:
                put((item,))
                if closed.is_set():
                    return
        except BaseException as error:
            last = error
        finally:
            put(last)

    thread = threading.Thread(target=fill, name="dslt-read", daemon=True)
    thread.start()
    try:
        while (value := slots.get()) is not end:
            if isinstance(value, BaseException):
                raise value
            yield value[0]
    finally:
        closed.set()
        thread.join(PATIENCE)  # a camera may keep it waiting for a frame that never comes


def interruptible(call: Callable[[], T]) -> T:
    """Returns what a call returns, from a thread: Ctrl-C would wait for FFmpeg in this one."""
    with contextlib.closing(prefetch(call() for _ in range(1))) as results:
        return next(results)
