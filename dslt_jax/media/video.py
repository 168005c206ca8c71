"""Video files and cameras, through PyAV (the extra `video`)."""

import dataclasses
import os
import re
import sys
from collections.abc import Callable, Iterator

from dslt_jax.media.container import Video, connect, reason
from dslt_jax.media.decode import decode
from dslt_jax.media.seek import Seeker
from dslt_jax.media.source import FramesError, Picture, Source
from dslt_jax.stand_ins import stand_in


def is_film(path: str | os.PathLike) -> bool:
    """Returns whether a file begins as the containers of most videos do, whatever its name."""
    with open(path, "rb") as file:
        return re.match(rb".{4}ftyp|\x1aE\xdf\xa3|RIFF.{4}AVI ", file.read(12), re.S) is not None


def open_video(path: str | os.PathLike) -> Source:
    """Returns the frames of a video file, upright as its display rotation says.

    A packet that cannot be decoded is a DamagedFrame at its place. Where the file breaks off
    before the end that it announces, reading raises FramesError after the last frame.

    Raises:
      FramesError: PyAV is missing, or it is not a video or cannot be opened.
    """
    file, what = os.fspath(path), f"the video {path}"

    def opened() -> Video:
        return connect(file, what, lambda error: _explain(file, what, error))

    def read() -> Iterator[Picture]:
        with opened() as video:
            yield from decode(video)

    with opened() as video:
        source = described(str(path), read, video)
    return dataclasses.replace(source, jump=Seeker(opened).jump)


def described(name: str, read: Callable[[], Iterator[Picture]], video: Video) -> Source:
    """Returns a source with what the header of an open video says of its frames."""
    return Source(
        name,
        read,
        count=video.count,
        fps=video.rate,
        notes=_notes(video),
        exact=bool(video.stream.frames) and video.is_mp4,
        length=None if video.is_stream else video.length,
    )


def _notes(video: Video) -> tuple[str, ...]:
    notes: tuple[str, ...] = (video.note,) if video.note else ()
    if abs(video.stretch - 1) > 0.01:
        notes += (
            f"{video.what} has pixels of {float(video.stretch):.3g} to 1: players stretch it so, "
            "and a box is in its own pixels",
        )
    if video.bits != 16:  # of fewer, FFmpeg knows which are the upper ones
        return notes
    return (
        *notes,
        f"{video.what} has 16 bits: shown as 8 bits by dropping the lower 8; if it fills fewer, as "
        "12, give its frames as images, whose depth is found (ffmpeg -i clip.mkv frames/%06d.png)",
    )


def open_camera(number: int) -> Source:
    """Returns a camera's frames, endless; reading raises FramesError when it cannot be opened."""

    def read() -> Iterator[Picture]:
        what = f"camera {number}"
        if sys.platform == "darwin":
            file, driver = str(number), "avfoundation"
        elif sys.platform.startswith("linux"):
            file, driver = f"/dev/video{number}", "v4l2"
        else:
            raise FramesError(f"{what}: cameras are read on Linux and macOS only, not here")
        with connect(file, what, lambda error: _explain(file, what, error), format=driver) as video:
            yield from decode(video, live=True)

    return Source(f"camera {number}", read, live=True)


def _explain(file: str, what: str, error: Exception) -> str:
    """Says why a file cannot be opened."""
    if isinstance(error, FileNotFoundError):
        return f"{what} does not exist (looked for {file})"
    if isinstance(error, PermissionError):
        return f"there is no permission to read {what}"
    if os.path.isfile(file) and os.path.getsize(file) == 0:
        return f"{what} is empty (0 bytes)"
    if os.path.isfile(file) and (says := stand_in(file)):
        return f"{what} {says}"
    return (
        f"{what} cannot be opened: it is no video that FFmpeg reads, or its header or its end "
        f"is missing ({reason(error)})"
    )
