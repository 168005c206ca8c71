"""Where targets are in a video, frame by frame, for those who use it further.

A run of `dslt track` is read from its folder; `adapters` has the formats of other tools.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dslt_jax import boxes as boxes_lib
from dslt_jax.app.folder import read_summary
from dslt_jax.app.sinks import COLUMNS, HEADER, box_stem, part_of
from dslt_jax.text import decode

Array = NDArray[np.float64]

MOST_FRAMES = 10_000_000  # of a video, four days of it: a file may say anything


class TracksError(ValueError):
    """A file holds no tracks, or too little for what is to be written; the text says what."""


class Track(NamedTuple):
    """One target; frames where nothing is known of it are left out."""

    name: str  # "" for one that needs none
    frames: NDArray[np.int64]  # (N,) numbers in the video, from 0, rising
    boxes: Array  # (N, 4) x, y, w, h in pixels
    confidence: Array  # (N,)
    lost: NDArray[np.bool_]  # (N,) the box is where it was last seen
    times: Array | None = None  # (N,) seconds from the video's start, where all are known

    def runs(self) -> Iterator[slice]:
        """Yields the stretches of frames, one after the other, in which it is seen."""
        seen = np.flatnonzero(~self.lost)
        for part in np.split(seen, np.flatnonzero(np.diff(self.frames[seen]) > 1) + 1):
            if len(part):
                yield slice(int(part[0]), int(part[-1]) + 1)


class Tracks(NamedTuple):
    """The targets of one video, and what is known of it."""

    tracks: list[Track]
    video: str = "video"  # its name
    size: tuple[int, int] | None = None  # width, height in pixels, where all frames have one
    total: int | None = None  # frames, as far as anyone looked
    goes_on: bool = False  # perhaps, behind them
    fps: float | None = None

    @property
    def length(self) -> int:
        """How many frames the video has, as far as anyone knows."""
        last = max(
            (int(track.frames[-1]) for track in self.tracks if len(track.frames)), default=-1
        )
        return max(self.total or 0, last + 1)

    def clipped(self) -> "Tracks":
        """Returns the tracks with boxes cut to the frame; raises TracksError if that is unknown."""
        if self.size is None or min(self.size) < 1:
            raise TracksError("the frame's size is not known here, or changes: --size WIDTHxHEIGHT")
        cut = [
            track._replace(boxes=boxes_lib.clip(track.boxes, *self.size)) for track in self.tracks
        ]
        return self._replace(tracks=cut)


def keyframes(track: Track, run: slice, tolerance: float) -> list[int]:
    """Returns the frames of a run, as indices, between which boxes move along straight lines.

    Source: Douglas and Peucker, Cartographica 10 (2), 1973, over the four edges at once.

    Args:
      tolerance: in pixels, by which an edge may lie beside the line.
    """
    frames, edges = track.frames, boxes_lib.to_corners(track.boxes)
    kept, open_ends = {run.start, run.stop - 1}, [(run.start, run.stop - 1)]
    while open_ends:
        first, last = open_ends.pop()
        if last - first < 2:
            continue
        between = slice(first + 1, last)
        share = (frames[between] - frames[first]) / (frames[last] - frames[first])
        line = edges[first] + share[:, None] * (edges[last] - edges[first])
        error = np.abs(edges[between] - line).max(axis=1)
        if error.max() > tolerance:
            worst = first + 1 + int(error.argmax())
            kept.add(worst)
            open_ends += [(first, worst), (worst, last)]
    return sorted(kept)


def read_run(path: Path) -> Tracks:
    """Returns the tracks of a run of `dslt track`.

    Args:
      path: its folder, or one of its boxes.csv.

    Raises:
      TracksError: there is no such run, or a line of its tables is none.
    """
    folder = path if path.is_dir() else path.parent
    summary = read_summary(folder)
    if path.is_dir():
        if summary is None or "targets" not in summary:
            raise TracksError(f"{path} has no run of `dslt track`: there is no summary.json of one")
        names = [target["name"] for target in summary["targets"]]
    else:
        names = [path.stem.removeprefix("boxes").removeprefix("_")]
    read = [
        _read_table(name, path if path.is_file() else folder / f"{box_stem(name)}.csv")
        for name in names
    ]
    return Tracks(read, **_about(summary or {}, read))


def read_text(path: Path) -> str:
    """Returns a text file's content; raises TracksError."""
    try:
        return decode(Path(path).read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise TracksError(f"cannot read {path}: {reason}") from None


def _about(summary: dict[str, Any], read: list[Track]) -> dict[str, Any]:
    sizes, track = summary.get("frame_sizes"), read[0]
    last = max(int(track.frames[-1]) for track in read)
    about: dict[str, Any] = {"video": Path(summary.get("input", "video")).name}
    if sizes and len(sizes) == 1:
        about["size"] = sizes[0]["width"], sizes[0]["height"]
    if track.times is not None and (lasts := float(track.times[-1] - track.times[0])) > 0:
        about["fps"] = float(track.frames[-1] - track.frames[0]) / lasts
    if summary:
        limit = summary.get("max_frames") or math.inf
        cut = summary.get("end") or summary.get("frames", limit) >= limit
        whole = summary["status"] in ("done", "incomplete") and not cut
        about |= {"total": last + 1, "goes_on": not whole}
    return about


def _read_table(name: str, path: Path) -> Track:
    """The track of a boxes.csv."""
    there = [file for file in (path, part_of(path)) if file.exists()]
    # A kill leaves a .part, its last line perhaps torn; of a resumed run it has more rows.
    path = max(there, key=lambda file: file.stat().st_size, default=path)
    text = read_text(path)
    if path.suffix == ".part":
        text = text[: text.rfind("\n") + 1]
    rows = [line.split(",") for line in text.splitlines()]
    if not rows or tuple(rows[0]) != COLUMNS:
        raise TracksError(f"{path} is no boxes.csv: its first line is not {HEADER}")
    if len(rows) == 1:
        raise TracksError(f"{path} has no box: there is no line below its first one")
    table = np.array([_numbers(path, i, row) for i, row in enumerate(rows[1:], start=2)])
    frames, confidence, lost, times = (
        table[:, COLUMNS.index(column)] for column in ("frame", "confidence", "lost", "time")
    )
    if (np.diff(frames) <= 0).any():
        line = 3 + int(np.flatnonzero(np.diff(frames) <= 0)[0])
        raise TracksError(f"{path} line {line}: its frame is not behind that of line {line - 1}")
    confidence = np.where(np.isfinite(confidence), confidence, 0.0)  # of a model that has diverged
    known = times if np.isfinite(times).all() else None
    return Track(name, frames.astype(np.int64), table[:, 1:5], confidence, lost > 0, known)


def _numbers(path: Path, line: int, row: list[str]) -> list[float]:
    """The numbers of a line, NaN for empty cells; frame, box and lost are there."""
    try:
        numbers = [float(cell or "nan") for cell in row]
    except ValueError:
        numbers = []
    whole = len(numbers) == len(COLUMNS)
    if not whole or not np.isfinite([*numbers[:5], numbers[COLUMNS.index("lost")]]).all():
        raise TracksError(f"{path} line {line} is '{','.join(row)[:60]}', not {HEADER}")
    if min(numbers[3:5]) <= 0:
        raise TracksError(f"{path} line {line} is '{','.join(row)[:60]}', a box of no size")
    if numbers[0] % 1 or not 0 <= numbers[0] < MOST_FRAMES:
        raise TracksError(
            f"{path} line {line}: '{row[0][:20]}' is no frame's number from 0 to {MOST_FRAMES - 1}"
        )
    return numbers
