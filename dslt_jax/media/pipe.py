"""Videos through a pipe: a FIFO, `<(...)`, standard input. They are opened once and read once."""

import os
import re
import stat
from collections.abc import Iterator

from dslt_jax.media import container
from dslt_jax.media.container import Video
from dslt_jax.media.decode import decode
from dslt_jax.media.source import FramesError, Picture, Source, interruptible
from dslt_jax.media.video import described

STANDARD_INPUT = 0  # its descriptor

_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/([0-9]+)", re.ASCII)


def is_pipe(path: str) -> bool:
    """Returns whether a path, or "-" for standard input, is read from its beginning to its end."""
    try:
        number = _descriptor(path)
        mode = (os.stat(path) if number is None else os.fstat(number)).st_mode
    except OSError:
        return path == "-"  # closed, which opening says
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or (number is not None and stat.S_ISCHR(mode))


def open_pipe(path: str) -> Source:
    """Returns the frames of a video that comes through a pipe.

    Waits until somebody writes into it. A second iteration raises FramesError.

    Args:
      path: a FIFO, a file descriptor's path, e.g. /dev/fd/63, or "-", which is standard input.

    Raises:
      FramesError: PyAV is missing, nothing comes, or it is no video that can be read in one go.
    """
    number = _descriptor(path)
    name = "standard input" if number == STANDARD_INPUT else path
    what = f"the video from {name}"
    opened = [_open(path, number, what)]

    def read() -> Iterator[Picture]:
        if not opened:
            raise FramesError(f"{what} came through a pipe and can be read only once")
        with opened.pop() as video:
            yield from decode(video)

    return described(name, read, opened[0])


def _descriptor(path: str) -> int | None:
    if path in ("-", "/dev/stdin"):
        return STANDARD_INPUT
    found = _DESCRIPTOR.fullmatch(path)
    return int(found[1]) if found else None


def _open(path: str, number: int | None, what: str) -> Video:
    if number is not None and os.isatty(number):
        raise FramesError(f"{what} is a terminal: a video is sent to it with | or <")
    try:
        if number is None:
            file = open(path, "rb", buffering=0)  # noqa: SIM115
        else:  # the caller's, which stays open
            file = open(number, "rb", buffering=0, closefd=False)  # noqa: SIM115
    except OSError as error:
        raise FramesError(f"{what} cannot be opened: {error.strerror}") from None

    def explain(error: Exception) -> str:
        return (
            f"{what} cannot be read: nothing came, or no video that FFmpeg reads in one go "
            f"({container.reason(error)})"
        )

    def unwound(error: Exception) -> str:
        if not is_mp4:
            return explain(error)
        return (
            f"{what} cannot be read: it has its index at its end, and a pipe cannot be wound back; "
            "give the file itself, or send another format, such as .ts or .mkv"
        )

    # The writer may keep both waiting.
    video = interruptible(lambda: container.connect(file, what, explain, file.close))
    is_mp4 = video.is_mp4
    return interruptible(lambda: container.peek(video, unwound))
