"""What frames come from: a lazy, repeatable stream of pictures, read ahead by one thread."""

import dataclasses
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

READ_AHEAD = 4  # frames that wait, decoded, for the tracker

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


@dataclasses.dataclass(frozen=True)
class Source:
    """A video, a folder of images or a camera; each iteration reads it anew, a few frames ahead.

    Iterating yields `Frame`s and raises FramesError where the rest cannot be read.

    Attributes:
        name: what the user called it.
        read: starts reading: yields (name, picture) pairs and raises FramesError.
        count: how many frames there seem to be; None when nobody knows.
        fps: frames a second; None where the source does not say.
        notes: sentences to tell the user, e.g. that images seem to be missing.
    """

    name: str
    read: Callable[[], Iterator[tuple[str, Image | DamagedFrame]]] = dataclasses.field(repr=False)
    count: int | None = None
    fps: float | None = None
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Generator[Frame, None, None]:
        return prefetch(self._timed())

    def _timed(self) -> Iterator[Frame]:
        pictures = self.read()
        index = 0
        while True:
            start = time.perf_counter()
            pair = next(pictures, None)
            if pair is None:
                return
            yield Frame(index, *pair, time.perf_counter() - start)
            index += 1


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
        thread.join(timeout=2.0)  # a camera may keep it waiting for a frame that never comes
