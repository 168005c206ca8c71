"""From packets to pictures: in the order of display, timed, and with what is lost."""

import functools
import heapq
import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from dslt_jax.media.container import Video, import_av, reason
from dslt_jax.media.source import DamagedFrame, FramesError, Image, Picture
from dslt_jax.media.timing import Timeline


class BrokenOff(FramesError):
    """A video ends before it should."""


def decode(video: Video, live: bool = False) -> Iterator[Picture]:
    """Yields the pictures of a video, upright as its display rotation says.

    A packet that cannot be decoded is a DamagedFrame at its place.

    Args:
      video: opened, nothing read yet.
      live: frames without times of their own have those at which they come.

    Raises:
      BrokenOff: after the last frame, where the video breaks off before the end that it announces.
    """
    timeline = Timeline(video, live)
    yielded, because = 0, ""
    try:
        for picture in _pictures(video, timeline):
            yield picture
            yielded += 1
    except _errors() as error:
        because = f" ({reason(error)})"
    if because or _is_cut(video, timeline):
        announced = video.stream.frames
        of_these = f" of the {announced} that it announces" if announced else ""
        raise BrokenOff(
            f"{video.what} breaks off at {timeline.last or 0.0:.2f} s, after {yielded} frames"
            f"{of_these}{because}: {video.when_cut}"
        )


def _pictures(video: Video, timeline: Timeline) -> Iterator[Picture]:
    damaged: list[float] = []  # times of packets that could not be decoded
    flushed, number, failure = False, 0, None

    def lost(before: float | None) -> Iterator[Picture]:
        while damaged and before is not None and damaged[0] < before:
            time = heapq.heappop(damaged)
            text = f"{video.what}: the frame at {time:.3f} s cannot be decoded"
            yield Picture(f"{time:.3f} s", DamagedFrame(text), time)

    def good(frames: Iterable[Any]) -> Iterator[Picture]:
        nonlocal number
        for frame in frames:
            now = timeline.at(frame)
            yield from lost(now)
            name = f"frame {number}" if now is None else f"{now:.3f} s"
            yield Picture(name, functools.partial(_upright, frame), now)
            number += 1

    while True:
        try:
            packet = next(video.packets, None)
        except _errors() as error:
            failure = error
            break
        if packet is None:
            break
        timeline.take(packet)
        flushed = not packet.size
        try:
            frames = packet.decode()
        except _errors():
            frames = []
            heapq.heappush(damaged, timeline.of(packet))
        yield from good(frames)
    if not flushed:  # what the decoder has kept back until it knew the order
        try:
            frames = video.stream.codec_context.decode(None)
        except _errors():
            frames = []
        yield from good(frames)
    yield from lost(math.inf)
    if failure is not None:
        raise failure


def _errors() -> tuple[type[Exception], ...]:
    """What reading and decoding raise."""
    return import_av().error.FFmpegError, OSError


def _upright(frame: Any) -> Image:
    image = frame.to_ndarray(format="rgb24")
    matrix = next((one for one in frame.side_data if one.type.name == "DISPLAYMATRIX"), None)
    if matrix is None:
        return image
    # A pixel x, y is shown at a x + c y, b x + d y; a picture is turned by quarters, or mirrored.
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
    if abs(a) + abs(d) < abs(b) + abs(c):
        image, a, d = image.swapaxes(0, 1), c, b
    return np.ascontiguousarray(image[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])


def _is_cut(video: Video, timeline: Timeline) -> bool:
    """True where the file holds less than its header announces.

    The header of a trimmed MP4 may count frames that its edit list leaves out, so that there the
    time must be short too.
    """
    end, rate, frames = video.announced_end, video.rate, video.stream.frames
    short_time = bool(end and rate and timeline.end + 1.5 / rate < end)
    if not frames:
        return short_time
    return timeline.packets < frames and (short_time or not video.is_mp4)
