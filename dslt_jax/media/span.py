"""The part of a source that is wanted: from a frame or a time on, until another."""

import dataclasses
import math
import re

from dslt_jax.media.source import TOLERANCE, FramesError, Mark, Source

MOST = 2**53  # frames; no video comes near it
_UNITS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def cut(source: Source, start: str | int | None = None, end: str | int | None = None) -> Source:
    """Returns the source from `start` on and before `end`; its frames keep their numbers.

    Args:
      source: the whole.
      start, end: a frame's number, "120", or a time, "12.5s", "1:30" or "00:01:30.5"; None is
        the source's own.

    Raises:
      FramesError: a text is neither, a time is given where frames have none, the end does not come
        after the start, or the start is beyond the end. Where only reading tells, iterating raises
        it.
    """
    marks = [_mark("--start", start), _mark("--end", end)]
    first, last = marks
    for mark in filter(None, marks):
        if mark.timed and source.exact and source.fps is None:
            raise FramesError(
                f"{source.name} holds images, which have no times: "
                f"{mark.text} must be the number of a frame"
            )
    if first and last and first.timed == last.timed and last.value <= first.value:
        raise FramesError(f"{last.text} does not come after {first.text}: no frame is left")
    if last and last.value == 0:
        raise FramesError(f"{last.text} is the beginning: no frame is left")
    if first and not first.timed and source.exact and first.value >= (source.count or 0):
        raise FramesError(f"{source.name} has {source.count} frames, {first.text} is beyond")
    # Headers leave out how long the last frame lasts: what is less far off, reading tells.
    if first and first.timed and source.length and first.value > 2 * source.length + 10:
        raise FramesError(f"{source.name} lasts {source.length:.2f} s, {first.text} is beyond")
    return dataclasses.replace(source, start=first, end=last, count=_count(source, first, last))


def _count(source: Source, start: Mark | None, end: Mark | None) -> int | None:
    """How many frames there seem to be between the marks; None when nobody knows."""
    if source.fps is None and any(mark and mark.timed for mark in (start, end)):
        return None

    def number(mark: Mark) -> int:
        frames = (mark.value - TOLERANCE) * (source.fps or 0) if mark.timed else mark.value
        return math.ceil(min(frames, MOST))

    ends = [number(end)] if end else []
    ends += [] if source.count is None else [source.count]
    return max(0, min(ends) - (number(start) if start else 0)) if ends else None


def _mark(flag: str, value: str | int | None) -> Mark | None:
    """What a user typed, as a place in a source."""
    if value is None:
        return None
    typed = str(value)
    text, name = typed.strip().lower(), f"{flag} {typed}"
    if re.fullmatch(r"[0-9]+", text):
        return Mark(name, min(float(text), MOST), timed=False)
    if unit := re.fullmatch(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*(ms|sec|s|min|m|h)", text):
        return Mark(name, float(unit[1]) * _UNITS[unit[2]], timed=True)
    if clock := re.fullmatch(r"(?:([0-9]+):)?([0-9]+):([0-9]{1,2}(?:\.[0-9]*)?)", text):
        hours, minutes, seconds = int(clock[1] or 0), int(clock[2]), float(clock[3])
        if seconds < 60 and (minutes < 60 or clock[1] is None):
            return Mark(name, 3600 * hours + 60 * minutes + seconds, timed=True)
    hint = f": a time needs its unit, {text}s" if re.fullmatch(r"[0-9]*\.[0-9]+", text) else ""
    raise FramesError(
        f"{name} is neither a frame's number, e.g. 120, nor a time, e.g. 12.5s or 1:30{hint}"
    )
