"""The frames of what is open in the page: any frame of a file, or the newest ones of a camera."""

import collections
import contextlib
import dataclasses
import io
import threading
import time
from collections.abc import Generator

import numpy as np
from PIL import Image as PillowImage

from dslt_jax.media import realtime
from dslt_jax.media.source import DamagedFrame, Frame, FramesError, Image, Mark, Source

MEMORY = 96 * 2**20  # bytes of frames that are kept because they were just looked at
MOST_PIXELS = 1280  # of the longer side of a frame that is shown
NEAR = 50  # frames that are rather read on than jumped over
PATIENCE = 10.0  # seconds to wait for a camera


class Clip:
    """Frames that can be read again, by their numbers.

    Args:
      source: finite.

    Raises:
      FramesError: its first frame cannot be read.
    """

    live = False

    def __init__(self, source: Source):
        self.source, self.count = source, source.count  # it may be a guess until the end was seen
        self._lock = threading.Lock()
        self._stream: Generator[Frame, None, None] | None = None
        self._next = 0
        self._kept: collections.OrderedDict[int, Frame] = collections.OrderedDict()
        self._bytes = 0
        self.size = size_of(self.frame(0))

    def frame(self, number: int | None) -> Frame:
        """Returns a frame; raises FramesError where there is none, or it cannot be read."""
        number = number or 0
        with self._lock:
            if number in self._kept:
                self._kept.move_to_end(number)
                return self._kept[number]
            if self._stream is None or not self._next <= number < self._next + NEAR:
                self._jump(number)
            assert self._stream is not None
            try:
                for frame in self._stream:
                    self._next = frame.index + 1
                    self._keep(frame)
                    if frame.index == number:
                        return frame
            except BaseException:
                self._stream = None  # it has ended, and knows nothing of how many frames there are
                raise
            self._stream, self.count = None, self._next
            raise FramesError(
                f"{self.source.name} has {self._next} frames, frame {number} is beyond"
            )

    def looked_at(self, frame: Frame) -> None:
        """Nothing needs to be kept: it can be read again."""

    def frames(self, number: int) -> Generator[Frame, None, None]:
        """Yields the frames from one on, on their own: others may look elsewhere meanwhile."""
        return iter(self._from(number))

    def _from(self, number: int) -> Source:
        return dataclasses.replace(self.source, start=Mark(f"frame {number}", number, timed=False))

    def _jump(self, number: int) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream = self._from(number).frames()
        self._next = number

    def _keep(self, frame: Frame) -> None:
        if isinstance(frame.image, DamagedFrame):
            return
        if (before := self._kept.pop(frame.index, None)) is not None:
            self._bytes -= np.asarray(before.image).nbytes
        self._kept[frame.index] = frame
        self._bytes += frame.image.nbytes
        while self._bytes > MEMORY and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= np.asarray(oldest.image).nbytes

    def close(self) -> None:
        with self._lock:
            if self._stream is not None:
                self._stream.close()
            self._stream = None


class Live:
    """Frames that come and go.

    Args:
      source: what never waits, such as a camera.

    Raises:
      FramesError: no frame came.
    """

    live = True
    SHOWN = 8  # frames that were looked at last: on one of them a box may be dragged

    def __init__(self, source: Source):
        self.source = source
        self._change = threading.Condition()
        self._newest: Frame | None = None
        self._shown: collections.OrderedDict[int, Frame] = collections.OrderedDict()
        self._closed = False
        self._problem = ""
        self._thread = threading.Thread(target=self._read, name="dslt-page-live", daemon=True)
        self._thread.start()
        try:
            self.size = size_of(self._after(-1))
        except FramesError:
            self.close()
            raise

    def frame(self, number: int | None = None) -> Frame:
        """Returns one of the frames that were looked at just now, or with None the newest."""
        with self._change:
            if number is not None:
                if number not in self._shown:
                    raise FramesError(f"frame {number} of the camera is gone: take a newer one")
                return self._shown[number]
            if self._newest is None:
                raise FramesError(self._problem or f"{self.source.name} has sent no frame")
            newest = self._newest
        self.looked_at(newest)
        return newest

    def looked_at(self, frame: Frame) -> None:
        """Keeps a frame, as somebody may drag a box on it."""
        with self._change:
            self._shown[frame.index] = frame
            while len(self._shown) > self.SHOWN:
                self._shown.popitem(last=False)

    def frames(self, number: int) -> Generator[Frame, None, None]:
        """Yields a frame that was looked at, and then always the newest."""
        frame = self.frame(number)
        while True:
            yield frame
            try:
                frame = self._after(frame.index)
            except EOFError:
                return

    def _after(self, number: int) -> Frame:
        """Waits for a frame that can be read behind that number; EOFError behind the last one."""
        end = time.monotonic() + PATIENCE

        def there() -> bool:
            return self._closed or (self._newest is not None and self._newest.index > number)

        with self._change:
            if not self._change.wait_for(there, end - time.monotonic()):
                raise FramesError(f"{self.source.name} has sent no frame for {PATIENCE:g} seconds")
            if self._newest is not None and self._newest.index > number:
                return self._newest
            if self._problem:
                raise FramesError(self._problem)
            if number < 0:
                raise FramesError(f"{self.source.name} has no frames")
            raise EOFError

    def _read(self) -> None:
        try:
            with contextlib.closing(realtime.newest(self.source)) as frames:
                for frame in frames:
                    with self._change:
                        if self._closed:
                            return
                        if not isinstance(frame.image, DamagedFrame):
                            self._newest = frame
                            self._change.notify_all()
        except FramesError as error:
            self._problem = str(error)
        finally:
            self.close()

    def close(self) -> None:
        with self._change:
            self._closed = True
            self._change.notify_all()


def image_of(frame: Frame) -> Image:
    """Returns the image of a frame; raises FramesError where it is damaged."""
    if isinstance(frame.image, DamagedFrame):
        raise FramesError(frame.image.reason)
    return frame.image


def jpeg(image: Image) -> bytes:
    """Returns an image as the page shows it; a large one is made smaller."""
    picture = PillowImage.fromarray(image)
    picture.thumbnail((MOST_PIXELS, MOST_PIXELS), reducing_gap=2.0)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=85)
    return stream.getvalue()


def size_of(frame: Frame) -> tuple[int, int]:
    """Returns width and height of a frame; raises FramesError where it is damaged."""
    height, width = image_of(frame).shape[:2]
    return width, height


def open_clip(source: Source) -> Clip | Live:
    """Returns the frames of a source as the page looks at them."""
    return Live(source) if source.live else Clip(source)
