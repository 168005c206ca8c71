"""Live streams: where the connection breaks, a new one goes on."""

import time
from collections.abc import Callable, Iterator

from dslt_jax.media.container import Video
from dslt_jax.media.decode import BrokenOff, decode
from dslt_jax.media.source import DamagedFrame, FramesError, Picture

PAUSES = (0.0, 1.0, 2.0, 4.0, 8.0)  # seconds before each attempt to connect again
MOST_BREAKS = 3  # within a minute; more is no stream to follow


def follow(video: Video, connect: Callable[[], Video], *, ends: bool = True) -> Iterator[Picture]:
    """Yields the pictures of a live stream; times go on while it is away.

    Args:
      video: opened, nothing read yet.
      connect: opens it again.
      ends: it may end, as a file does that a server hands out; otherwise an end is a connection
        that was closed, as by a camera that starts anew.

    Raises:
      BrokenOff: it cannot be reached again, or breaks again and again.
    """
    shift = last = 0.0
    arrived = time.monotonic()
    breaks: list[float] = []
    while True:
        try:
            with video:
                for picture in decode(video, live=True):
                    arrived = time.monotonic()
                    if picture.time is not None:
                        last = picture.time + shift
                        picture = picture._replace(time=last, name=f"{last:.3f} s")
                    yield picture
            if ends:
                return
            broken = BrokenOff("the connection was closed")
        except BrokenOff as error:
            broken = error
        breaks = [at for at in breaks if at > time.monotonic() - 60] + [time.monotonic()]
        if len(breaks) > MOST_BREAKS:
            raise broken
        video = _again(connect, broken)
        shift = last + time.monotonic() - arrived
        yield Picture(f"{shift:.3f} s", DamagedFrame(f"{broken}; it was connected again"), shift)


def _again(connect: Callable[[], Video], broken: BrokenOff) -> Video:
    for pause in PAUSES:
        time.sleep(pause)
        try:
            return connect()
        except FramesError as error:
            failure = error
    raise BrokenOff(f"{broken}, and then {failure}")
