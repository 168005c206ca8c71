"""What a run that ended early left in its folder, and where another goes on from there.

The state of a tracker is not kept: it starts again from the boxes of the last row in which it
followed something. Rows are read from the tables of boxes, whole ones or the .part of a run that
was killed.
"""

import dataclasses
import itertools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dslt_jax import boxes as boxes_lib
from dslt_jax.app.sinks import COLUMNS, HEADER, box_stem, part_of
from dslt_jax.media.source import DamagedFrame, Frame

_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"  # a spreadsheet leaves out zeros
_ROW = re.compile(rf"[0-9]+(,{_NUMBER}){{5}},[01],{_NUMBER},({_NUMBER})?")
_LOST = COLUMNS.index("lost")


# Where a run is to end: one that resumes it may go further.
ENDS = ("end", "max_frames")


class ResumeError(ValueError):
    """A folder holds no run that these settings could go on with; the text says why."""


@dataclasses.dataclass(frozen=True)
class Kept:
    """The good part of a run that ended early."""

    rows: Mapping[str, Sequence[str]]  # of boxes.csv by target, as many of each, one or more
    summary: Mapping[str, Any]  # of the run before

    @property
    def frame(self) -> int:
        """The frame of the last row, in which the tracker starts again."""
        return _number(next(iter(self.rows.values()))[-1])

    @property
    def count(self) -> int:
        """How many frames have a row."""
        return len(next(iter(self.rows.values())))

    @property
    def boxes(self) -> NDArray[np.float32]:
        """The boxes of the last row (N, 4)."""
        last = [rows[-1].split(",")[1:5] for rows in self.rows.values()]
        return np.array(last, np.float32)

    @property
    def lost(self) -> dict[str, int]:
        """In how many frames each target is lost."""
        return {name: sum(map(_is_lost, rows)) for name, rows in self.rows.items()}

    @property
    def lost_now(self) -> list[str]:
        """The targets that are lost where the tracker starts again."""
        return [name for name, rows in self.rows.items() if _is_lost(rows[-1])]

    @property
    def damaged(self) -> list[dict[str, Any]]:
        """The damaged frames among them, as far as they were written down."""
        noted = self.summary.get("damaged_frames", [])
        return [one for one in noted if one["frame"] <= self.frame]


def check(summary: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Checks that a run with this summary was asked for the same, but for its end.

    Args:
      summary: what `folder.read_summary` gives.
      asked: JSON values.

    Raises:
      ResumeError: it was not; the text names each difference.
    """
    if "start_image" not in summary:
        raise ResumeError(
            "the run to be resumed is of an older version, which kept too little for that"
        )
    names = [name for name in asked if name not in ENDS]
    differing = [name for name in names if not _same(name, summary.get(name), asked[name])]
    if differing:
        told = "; ".join(_difference(name, summary.get(name), asked[name]) for name in differing)
        raise ResumeError(f"the run to be resumed was another: {_short(told, 1000)}")


def same_end(summary: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Returns whether a run with this summary was to end where this one is; both as of `check`."""
    return all(summary.get(name) == asked.get(name) for name in ENDS)


def read(folder: Path, names: Sequence[str], summary: Mapping[str, Any]) -> Kept | None:
    """Returns the rows that all targets have, up to the last in which one of them was followed.

    Args:
      folder: of the run.
      names: of the targets.
      summary: its summary.

    Returns:
      what can be kept; None if that is nothing.

    Raises:
      ResumeError: the files have other columns, were changed or cannot be read.
    """
    rows = {name: _rows(folder / f"{box_stem(name)}.csv") for name in names}
    fewest, most = (by(rows, key=lambda name: len(rows[name])) for by in (min, max))
    count = len(rows[fewest])
    if not count and len(rows[most]) > 1:  # of one frame they are written one after the other
        raise ResumeError(
            f"{folder} has {len(rows[most])} rows of target {most}, but {box_stem(fewest)}.csv has "
            "none: put it back, or begin anew without --resume"
        )
    while count and all(_is_lost(table[count - 1]) for table in rows.values()):
        count -= 1
    if not count:
        return None
    return Kept({name: table[:count] for name, table in rows.items()}, summary)


def go_on(kept: Kept, frames: Iterator[Frame]) -> tuple[Iterator[Frame], NDArray[np.float64]]:
    """Returns the frames from the last kept one on, and the boxes (N, 4) to learn there.

    Args:
      kept: of the run before.
      frames: as that run had them.

    Raises:
      ResumeError: the frame is not there, or cannot be read.
    """
    last = None
    for last in frames:
        if last.index >= kept.frame:
            break
    if last is not None and last.index < kept.frame:
        raise ResumeError(
            f"the frames end with {last.index} now, the run before came to {kept.frame}: give a "
            "later end, or begin anew without --resume"
        )
    if last is None or isinstance(last.image, DamagedFrame):
        raise ResumeError(f"frame {kept.frame}, the last of the run before, cannot be read again")
    height, width = last.image.shape[:2]
    return itertools.chain([last], frames), boxes_lib.clip(kept.boxes, width, height)


def _rows(path: Path) -> list[str]:
    """The whole rows of a table or of its .part, whichever has more."""
    return max((_good_rows(file, whole=file == path) for file in (path, part_of(path))), key=len)


def _good_rows(path: Path, *, whole: bool) -> list[str]:
    """The rows before the first that is torn, as a power cut may leave it in a .part."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ResumeError(f"cannot read {path}: {error.strerror}") from None
    header, _, rest = text.partition("\n")
    if rest and header != HEADER:
        shown = header[: 2 * len(HEADER)]
        raise ResumeError(f"{path} has the columns {shown} of another version, not {HEADER}")
    lines = rest.split("\n")[:-1]  # what has no line's end is torn
    good: list[str] = []
    for line in lines:
        if not _ROW.fullmatch(line) or (good and _number(line) != _number(good[-1]) + 1):
            break
        good.append(line)
    if len(good) < len(lines) and whole:
        line = _short(lines[len(good)], 60)
        raise ResumeError(
            f"{path}, line {len(good) + 2}, '{line}', is not the row that was written there: "
            "put it right, or begin anew without --resume"
        )
    return good


def _number(row: str) -> int:
    return int(row.split(",")[0])


def _is_lost(row: str) -> bool:
    return row.split(",")[_LOST] == "1"


def _same(name: str, before: Any, now: Any) -> bool:
    """Returns whether both ask for the same; a path may be written in another way."""
    if name == "input" and isinstance(before, str) and isinstance(now, str):
        return before == now or os.path.realpath(before) == os.path.realpath(now)
    return before == now


def _difference(name: str, before: Any, now: Any) -> str:
    if name == "start_image":
        return "its start frame is another picture"
    if isinstance(before, dict) and isinstance(now, dict):
        keys = sorted(key for key in before | now if before.get(key) != now.get(key))
        return "; ".join(
            _difference(f"{name}.{key}", before.get(key), now.get(key)) for key in keys
        )
    return f"{name} was {_short(before)}, now {_short(now)}"


def _short(value: Any, most: int = 200) -> str:
    text = str(value)
    return text if len(text) <= most else f"{text[:most]}…"
