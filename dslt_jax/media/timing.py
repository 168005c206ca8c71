"""When frames are shown: seconds from the start of the video, which never go back."""

import time
from fractions import Fraction
from typing import Any

from dslt_jax.media.container import Video
from dslt_jax.media.source import FPS

_UNSTEADY = 2  # frames that times may go back in one part; more is another part, put behind it


class Timeline:
    """The times of one video, which is read from its first packet on.

    Attributes:
        last: seconds at which the latest frame is shown; None before it, or where nobody knows.
        packets: how many were read.
        end: presentation time, in seconds, at which what was read ends.
    """

    def __init__(self, video: Video, live: bool):
        self.last: float | None = None
        self.packets = 0
        self.end = 0.0
        self._in_order = video.container.format.name == "avi"  # what it calls display is decoding
        self._origin = None if self._in_order else video.origin
        self._step = 1 / (video.rate or FPS)
        self._shift = 0.0
        self._has_times, self._live = video.has_times, live
        self._arrival: float | None = None  # of the first frame

    def take(self, packet: Any) -> None:
        """Counts a packet that was read."""
        if packet.size:
            self.packets += 1
            if packet.pts is not None and packet.time_base:
                begin = float(packet.pts * packet.time_base)
                length = float((packet.duration or 0) * packet.time_base)
                self.end = max(self.end, begin + (length or self._step))

    def at(self, frame: Any) -> float | None:
        """Returns the time of the next frame in the order of display."""
        now = self._time(frame)
        if now is not None and self.last is not None and now < self.last:
            if now >= self.last - _UNSTEADY * self._step:
                now = self.last
            else:
                self._shift += self.last + self._step - now
                now = self.last + self._step
        self.last = now if now is None else round(now, 6)
        return self.last

    def of(self, packet: Any) -> float:
        """Returns the time of a packet that cannot be decoded."""
        ticks = packet.dts if packet.pts is None else packet.pts
        known = self._has_times and ticks is not None and packet.time_base
        return self._since(ticks * packet.time_base) if known else self.last or 0.0

    def _time(self, frame: Any) -> float | None:
        if not self._has_times:
            return self._now() if self._live else None
        ticks = frame.dts if self._in_order else frame.pts
        if ticks is None or not frame.time_base:
            return None if self.last is None else self.last + self._step
        return self._since(ticks * frame.time_base)

    def _since(self, moment: Fraction) -> float:
        if self._origin is None:
            self._origin = moment
        return float(moment - self._origin) + self._shift

    def _now(self) -> float:
        if self._arrival is None:
            self._arrival = time.monotonic()
        return time.monotonic() - self._arrival
