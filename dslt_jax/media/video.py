"""Video files and cameras, through PyAV (the extra `video`)."""

import heapq
import os
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from dslt_jax.media.source import DamagedFrame, FramesError, Image, Source

NEEDS_AV = "needs PyAV: pip install 'dslt-jax[video]'"


def import_av() -> types.ModuleType:
    """Returns PyAV; raises ImportError, whose text is the sentence to show, when it is missing."""
    try:
        import av
    except ImportError as error:
        raise ImportError(f"video {NEEDS_AV}") from error
    return av


def open_video(path: str | os.PathLike) -> Source:
    """Returns the frames of a video file, upright as its display rotation says.

    A packet that cannot be decoded is a DamagedFrame at its place. Where the file breaks off
    before the end that it announces, reading raises FramesError after the last frame.

    Raises:
      FramesError: PyAV is missing, or it is not a video or cannot be opened.
    """
    with _open(str(path), f"the video {path}") as container:
        stream = _video_stream(container, f"the video {path}")
        rate = float(stream.average_rate) if stream.average_rate else None
        seconds = _announced_seconds(stream)
        count = stream.frames or (round(seconds * rate) if seconds and rate else None)

    def read() -> Iterator[tuple[str, Image | DamagedFrame]]:
        with _open(str(path), f"the video {path}") as container:
            yield from _decode(container, f"the video {path}")

    return Source(str(path), read, count=count, fps=rate)


def open_camera(number: int) -> Source:
    """Returns a camera's frames, endless; reading raises FramesError when it cannot be opened."""

    def read() -> Iterator[tuple[str, Image | DamagedFrame]]:
        what = f"camera {number}"
        if sys.platform == "darwin":
            file, driver = str(number), "avfoundation"
        elif sys.platform.startswith("linux"):
            file, driver = f"/dev/video{number}", "v4l2"
        else:
            raise FramesError(f"{what}: cameras are read on Linux and macOS only, not here")
        with _open(file, what, driver) as container:
            yield from _decode(container, what)

    return Source(f"camera {number}", read)


def _open(file: str, what: str, driver: str | None = None) -> Any:
    try:
        av = import_av()
    except ImportError:
        raise FramesError(f"{what} {NEEDS_AV}") from None
    try:
        return av.open(file, format=driver)
    except FileNotFoundError:
        raise FramesError(f"{what} does not exist (looked for {file})") from None
    except PermissionError:
        raise FramesError(f"there is no permission to read {what}") from None
    except (av.error.FFmpegError, OSError, ValueError) as error:
        if os.path.isfile(file) and os.path.getsize(file) == 0:
            raise FramesError(f"{what} is empty (0 bytes)") from None
        reason = getattr(error, "strerror", None) or error
        raise FramesError(
            f"{what} cannot be opened: it is no video that FFmpeg reads, or its header or its end "
            f"is missing ({reason})"
        ) from None


def _video_stream(container: Any, what: str) -> Any:
    if not container.streams.video:
        raise FramesError(f"{what} has no pictures, only {_kinds(container)}")
    return container.streams.video[0]


def _kinds(container: Any) -> str:
    return " and ".join(sorted({stream.type for stream in container.streams})) or "nothing"


def _announced_seconds(stream: Any) -> float | None:
    """The video's length as its header says; Matroska keeps it in a tag."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    parts = stream.metadata.get("DURATION", "").split(":")
    try:
        hours, minutes, seconds = map(float, parts)
    except ValueError:
        return None
    return 3600 * hours + 60 * minutes + seconds


def _decode(container: Any, what: str) -> Iterator[tuple[str, Image | DamagedFrame]]:
    """Yields the frames in the order of display; see `open_video`."""
    av = import_av()
    stream = _video_stream(container, what)
    packets = container.demux(stream)
    damaged: list[float] = []  # times of packets that could not be decoded
    read, yielded, last_time = 0, 0, 0.0
    broken = None

    def place(seconds: float) -> str:
        return f"{seconds:.3f} s"

    while broken is None:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError as error:
            broken = error.strerror
            break
        if packet is None:
            break
        read += bool(packet.size)
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            frames = []
            time = packet.pts if packet.pts is not None else packet.dts
            heapq.heappush(damaged, float(time * packet.time_base) if time else last_time)
        for frame in frames:
            last_time = frame.time if frame.time is not None else last_time
            while damaged and damaged[0] < last_time:
                time = heapq.heappop(damaged)
                yield place(time), _damaged(what, time)
                yielded += 1
            yield place(last_time), _upright(frame)
            yielded += 1
    while damaged:
        last_time = heapq.heappop(damaged)
        yield place(last_time), _damaged(what, last_time)
        yielded += 1
    if broken or _is_cut(stream, read, last_time):
        reason = f" ({broken})" if broken else ""
        announced = f" of the {stream.frames} that it announces" if stream.frames else ""
        raise FramesError(
            f"{what} breaks off at {last_time:.2f} s, after {yielded} frames{announced}{reason}: "
            "its tail is missing or damaged"
        )


def _damaged(what: str, time: float) -> DamagedFrame:
    return DamagedFrame(f"{what}: the frame at {time:.3f} s cannot be decoded")


def _upright(frame: Any) -> Image:
    image = frame.to_ndarray(format="rgb24")
    turns = round(frame.rotation / 90)  # anticlockwise
    return np.ascontiguousarray(np.rot90(image, turns)) if turns % 4 else image


def _is_cut(stream: Any, packets: int, last_time: float) -> bool:
    """True where the file holds less than its header announces.

    The header of a trimmed MP4 may count frames that its edit list leaves out, so that there the
    time must be short too.
    """
    rate = float(stream.average_rate) if stream.average_rate else 0.0
    seconds = _announced_seconds(stream)
    start = float((stream.start_time or 0) * stream.time_base) if stream.time_base else 0.0
    short_time = bool(seconds and rate and last_time - start + 2.5 / rate < seconds)
    if not stream.frames:
        return short_time
    short_count = packets < stream.frames
    return short_count and (short_time or "mp4" not in stream.container.format.name)
