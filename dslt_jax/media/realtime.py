"""Frames at the pace of the world: whoever is slow misses some, and none waits in a queue."""

import contextlib
import dataclasses
import threading
import time
from collections.abc import Generator, Iterator

from dslt_jax.media.source import FPS, PATIENCE, Frame, Source


def newest(source: Source) -> Generator[Frame, None, None]:
    """Yields the newest frame each time one is asked for, and each at most once.

    A live source goes at its own pace. Any other is played: its first frame waits until it is
    taken; the clock starts when the next one is asked for, so that nothing is missed while the
    target is learned. The frames between, which nobody took, are missing from the numbers. The last
    one comes in any case.

    Args:
      source: its `iter` would read ahead, which here would be delay.

    Yields:
      frames with `captured`, and with a time.

    Raises:
      FramesError: as iterating the source.
    """
    slot = _Slot()
    thread = threading.Thread(target=_fill, args=(slot, source), name="dslt-live", daemon=True)
    thread.start()
    try:
        while (frame := slot.take()) is not None:
            yield frame
    finally:
        slot.close()
        thread.join(PATIENCE)  # a camera may keep it waiting for a frame that never comes


class _Slot:
    """Room for one frame between the thread that reads and the one that follows."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._frame: Frame | None = None
        self._error: BaseException | None = None
        self._ended = self.closed = False
        self._taken = 0
        self._asking = False

    def put(self, frame: Frame) -> None:
        with self._change:
            self._frame = frame
            self._change.notify_all()

    def take(self) -> Frame | None:
        """Waits for a frame; None behind the last one."""
        with self._change:
            self._asking = True
            self._change.notify_all()
            self._change.wait_for(lambda: self._frame is not None or self._ended)
            frame, self._frame = self._frame, None
            self._asking, self._taken = False, self._taken + 1
            if frame is None and self._error is not None:
                raise self._error
            return frame

    def wait_until_learned(self) -> float:
        """Waits until the second frame is asked for; returns when, on the performance counter."""
        with self._change:
            self._change.wait_for(lambda: self.closed or (self._taken > 0 and self._asking))
            return time.perf_counter()

    def sleep_until(self, moment: float) -> None:
        with self._change:
            self._change.wait_for(lambda: self.closed, max(0.0, moment - time.perf_counter()))

    def end(self, error: BaseException | None) -> None:
        with self._change:
            self._ended, self._error = True, error
            self._change.notify_all()

    def close(self) -> None:
        with self._change:
            self.closed = True
            self._change.notify_all()


def _fill(slot: _Slot, source: Source) -> None:
    error: BaseException | None = None
    try:
        with contextlib.closing(source.frames()) as frames:
            for frame in frames if source.live else _played(slot, frames, source.fps or FPS):
                slot.put(dataclasses.replace(frame, captured=time.perf_counter()))
                if slot.closed:
                    return
    except BaseException as raised:
        error = raised
    finally:
        slot.end(error)


def _played(slot: _Slot, frames: Iterator[Frame], fps: float) -> Iterator[Frame]:
    """Each frame at its time, counted from when the first one was learned."""
    begin = start = None
    for frame in frames:
        shown = frame.index / fps if frame.time is None else frame.time
        if start is None or begin is None:
            start = shown
            yield dataclasses.replace(frame, time=shown)
            begin = slot.wait_until_learned()
            continue
        slot.sleep_until(begin + shown - start)
        yield dataclasses.replace(frame, time=shown)
