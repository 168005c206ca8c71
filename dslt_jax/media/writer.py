"""Video out: H.264 in MP4 where PyAV is installed, otherwise an animated WebP."""

import contextlib
import itertools
import logging
import math
import os
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image as PillowImage

from dslt_jax.media.container import import_av
from dslt_jax.media.pace import Pace
from dslt_jax.media.source import Image

WEBP_FRAMES = 300  # an animated WebP is held in memory until its end: these bound it
WEBP_SIDE = 480  # pixels of the longer side

_LOG = logging.getLogger(__name__)


class Writer(Protocol):
    """Takes frames and leaves a video; all frames get the first one's size."""

    path: Path

    def add(self, image: Image, time: float | None = None) -> None:
        """Appends an (H, W, 3) uint8 RGB frame.

        Args:
          image: the frame.
          time: seconds at which it is shown, counted from anywhere; None: one frame's time after
            the one before.
        """

    def close(self) -> None:
        """Finishes the file, which has its name only now."""

    def abort(self) -> None:
        """Leaves no file."""


def open_writer(stem: str | os.PathLike, fps: float) -> Writer:
    """Returns a writer of `stem`.mp4, or of `stem`.webp where PyAV (the extra `video`) is missing.

    `fps` is the rate of frames that come without times.

    Its methods raise OSError when the disk is full or not writable. The file appears, or is
    replaced, when the writer is closed. Memory stays flat for MP4. WebP keeps at most 300 frames of
    at most 480 pixels: of a longer clip every second, fourth, ... frame, played as fast.
    """
    try:
        import_av()
    except ImportError:
        return WebpWriter(Path(f"{os.fspath(stem)}.webp"), fps)
    return Mp4Writer(Path(f"{os.fspath(stem)}.mp4"), fps)


class Mp4Writer:
    """See `open_writer`. H.264 with 4:2:0 colour needs even sides: an odd one gets a black line."""

    def __init__(self, path: Path, fps: float):
        self.path = path
        self._part = part_of(path)
        self._fps = Fraction(fps).limit_denominator(1001)
        self._pace = Pace(self._fps)
        self._container: Any = None
        self._stream: Any = None

    def add(self, image: Image, time: float | None = None) -> None:
        if self._container is None:
            self._open(image.shape[1], image.shape[0])
        image = fit(image, self._stream.width, self._stream.height)
        frame = import_av().VideoFrame.from_ndarray(image, format="rgb24")
        frame.time_base = self._stream.codec_context.time_base
        frame.pts = round(self._pace.next(time) / frame.time_base)
        self._container.mux(self._stream.encode(frame))

    def _open(self, width: int, height: int) -> None:
        av = import_av()
        self._container = av.open(
            str(self._part), "w", format="mp4", options={"movflags": "faststart"}
        )
        h264 = "libx264" in av.codecs_available
        self._stream = self._container.add_stream("libx264" if h264 else "mpeg4", rate=self._fps)
        self._stream.codec_context.time_base = _time_base(self._fps)
        self._stream.width, self._stream.height = width + width % 2, height + height % 2
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.max_b_frames = 0  # they would put lengths on other frames
        self._stream.options = {"preset": "veryfast", "crf": "21"} if h264 else {"qscale": "4"}

    def close(self) -> None:
        if self._container is None:
            return
        try:
            packets = self._stream.encode()
            if packets:  # the last one, whose length nothing else says
                last, end = packets[-1], self._pace.next(None)
                last.duration = round(end / last.time_base) - last.pts
            self._container.mux(packets)
            self._container.close()
            os.replace(self._part, self.path)
        except BaseException:
            self.abort()
            raise
        self._container = None

    def abort(self) -> None:
        if self._container is not None:
            container, self._container = self._container, None
            with contextlib.suppress(OSError):  # what made us give up, once more
                container.close()
            self._part.unlink(missing_ok=True)


class WebpWriter:
    """See `open_writer`."""

    def __init__(self, path: Path, fps: float):
        self.path = path
        self._pace = Pace(Fraction(fps).limit_denominator(1001))
        self._frames: list[PillowImage.Image] = []
        self._times: list[Fraction] = []  # of the frames, and of the end
        self._stride = 1
        self._count = 0

    def add(self, image: Image, time: float | None = None) -> None:
        moment = self._pace.next(time)
        if self._count % self._stride == 0:
            if len(self._frames) == WEBP_FRAMES:
                self._frames, self._times = self._frames[::2], self._times[::2]
                self._stride *= 2
            if self._count % self._stride == 0:
                self._frames.append(self._shrink(image))
                self._times.append(moment)
        self._count += 1

    def _shrink(self, image: Image) -> PillowImage.Image:
        if self._frames:
            size = self._frames[0].size
        else:
            height, width = image.shape[:2]
            scale = max(1.0, max(height, width) / WEBP_SIDE)
            size = (max(1, round(width / scale)), max(1, round(height / scale)))
        return PillowImage.fromarray(fit(image, *size))

    def close(self) -> None:
        if not self._frames:
            return
        if self._stride > 1:
            _LOG.warning(
                "%s has every %dth frame only, as it must fit in memory: "
                "pip install 'dslt-jax[video]' for an MP4 with all of them",
                self.path,
                self._stride,
            )
        part = part_of(self.path)
        try:
            self._frames[0].save(
                part,
                format="WEBP",
                save_all=True,
                append_images=self._frames[1:],
                duration=self._durations(),
                quality=75,
                method=1,
            )
            os.replace(part, self.path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        finally:
            self.abort()

    def _durations(self) -> list[int]:
        """Milliseconds of each frame, whose roundings do not add up."""
        ends = [round(1000 * time) for time in (*self._times, self._pace.next(None))]
        return [after - before for before, after in itertools.pairwise(ends)]

    def abort(self) -> None:
        self._frames = []


def fit(image: Image, width: int, height: int) -> Image:
    """Returns the frame in the given size: padded by a line, or scaled whole between black bars."""
    h, w = image.shape[:2]
    if (w, h) == (width, height):
        return image
    canvas = np.zeros((height, width, 3), np.uint8)
    if 0 <= width - w <= 1 and 0 <= height - h <= 1:
        canvas[:h, :w] = image
        return canvas
    scale = min(width / w, height / h)
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    scaled = PillowImage.fromarray(image).resize(size, PillowImage.Resampling.BICUBIC)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    canvas[top : top + size[1], left : left + size[0]] = np.asarray(scaled)
    return canvas


def _time_base(fps: Fraction) -> Fraction:
    """The ticks of an MP4: milliseconds and frames are whole numbers of them, where that is few."""
    ticks = math.lcm(fps.numerator, 1000)
    return Fraction(1, ticks if ticks < 1 << 16 else 60000)  # MPEG-4 has 16 bits for them


def part_of(path: Path) -> Path:
    """Returns what a file is called until it is whole."""
    return path.with_name(path.name + ".part")
