"""When the frames of a video that is written are shown."""

from fractions import Fraction

_LEAST = Fraction(1, 1000)  # seconds between two frames
_UNSTEADY = Fraction(1, 1000)  # seconds by which times are rounded in some files


class Pace:
    """Gives frames their times: exact multiples of 1 / fps where theirs are about that.

    Args:
      fps: frames a second.
    """

    def __init__(self, fps: Fraction):
        self._fps = fps
        self._last: Fraction | None = None
        self._offset: Fraction | None = None  # of the times that are given

    def next(self, time: float | None) -> Fraction:
        """Returns seconds from the first frame, after those of the one before.

        Args:
          time: seconds from anywhere; None: one frame's time later.
        """
        last = self._last
        moment = Fraction(0) if last is None else last + 1 / self._fps
        if time is not None:
            given = Fraction(time)
            if self._offset is None:
                self._offset = given - moment
            moment = given - self._offset
            steady = round(moment * self._fps) / self._fps
            moment = steady if abs(steady - moment) <= _UNSTEADY else moment
        if last is not None:
            moment = max(moment, last + _LEAST)
        self._last = moment
        return moment
