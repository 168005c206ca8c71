"""The browser's own camera: its pictures come one by one, and the newest is what counts."""

import contextlib
import io
import queue
import time
from collections.abc import Iterator

import numpy as np
from PIL import Image as PillowImage

from dslt_jax.media.container import MOST_PIXELS
from dslt_jax.media.source import FramesError, Picture, Source

PATIENCE = 10.0  # seconds without a picture after which the browser has gone
MOST_BYTES = 8 * 2**20  # of a picture


class Pushed:
    """A live source that is handed its pictures."""

    def __init__(self) -> None:
        self._pictures: queue.Queue[np.ndarray] = queue.Queue(2)
        self.source = Source("the browser's camera", self._read, live=True)

    def put(self, jpeg: bytes) -> None:
        """Takes the next picture; raises FramesError where it is no JPEG."""
        try:
            with PillowImage.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise ValueError
                image = np.asarray(picture.convert("RGB"))
        except (OSError, ValueError, PillowImage.DecompressionBombError):
            raise FramesError("what the browser's camera has sent is no JPEG") from None
        while True:
            try:
                return self._pictures.put_nowait(image)
            except queue.Full:
                self._drop()

    def _drop(self) -> None:
        with contextlib.suppress(queue.Empty):
            self._pictures.get_nowait()

    def _read(self) -> Iterator[Picture]:
        start = None
        while True:
            try:
                image = self._pictures.get(timeout=PATIENCE)
            except queue.Empty:
                raise FramesError(
                    f"the browser's camera has sent no picture for {PATIENCE:g} seconds"
                ) from None
            start = start or time.monotonic()
            now = time.monotonic() - start
            yield Picture(f"{now:.3f} s", image, now)
