"""Reading a video from the middle on, with the numbers that its frames have from the start."""

import bisect
import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

from dslt_jax.media.container import Video, import_av
from dslt_jax.media.decode import decode
from dslt_jax.media.source import TOLERANCE, Picture

FAR = 30  # frames that are rather decoded than jumped over


class Index(NamedTuple):
    """The frames of a video in the order of display, in ticks of its stream."""

    ticks: list[int]
    keys: list[int]  # of those that can be decoded without others


class Seeker:
    """Jumps to frames of a video file.

    Args:
      connect: opens it.
    """

    def __init__(self, connect: Callable[[], Video]):
        self._connect = connect

    def jump(self, number: int) -> Iterator[Picture] | None:
        """Returns the pictures from a frame on; None where they must be counted from the start."""
        if number < FAR or (index := self._index) is None or number >= len(index.ticks):
            return None
        key = bisect.bisect_right(index.keys, index.ticks[number]) - 1
        if key < 0:
            return None
        pictures = self._pictures(index.keys[key], index.ticks[number])
        first = next(pictures, None)
        return None if first is None else _chain(first, pictures)

    def _pictures(self, key: int, wanted: int) -> Iterator[Picture]:
        """The pictures from one on; none where that very picture does not come."""
        with self._connect() as video:
            video.container.seek(key, stream=video.stream)
            video.packets = video.container.demux(video.stream)
            time = float(wanted * video.stream.time_base - (video.origin or 0))
            started = False
            for picture in decode(video):
                if not started:
                    if picture.time is None or picture.time > time + TOLERANCE:
                        return
                    started = picture.time >= time - TOLERANCE
                if started:
                    yield picture

    @functools.cached_property
    def _index(self) -> Index | None:
        """Read from the packets, none of which is decoded; None where they do not tell."""
        try:
            return self._read_index()
        except (import_av().error.FFmpegError, OSError):
            return None

    def _read_index(self) -> Index | None:
        with self._connect() as video:
            counted = bool(video.stream.frames)
            if not video.has_times or video.origin is None or (counted and not video.is_mp4):
                return None
            packets = [packet for packet in video.packets if packet.size]
            if any(packet.pts is None or packet.is_discard for packet in packets):
                return None
            ticks = sorted(packet.pts for packet in packets)
            keys = sorted(packet.pts for packet in packets if packet.is_keyframe)
            # What is shown before the first key frame, or comes before one, a decoder drops
            # without a word: then packets are no frames.
            if not packets or not packets[0].is_keyframe or packets[0].pts != ticks[0]:
                return None
        distinct = len(set(ticks)) == len(ticks)
        return Index(ticks, keys) if distinct and keys else None


def _chain(first: Picture, rest: Iterator[Picture]) -> Iterator[Picture]:
    yield first
    yield from rest
