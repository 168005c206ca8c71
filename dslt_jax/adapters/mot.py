"""MOTChallenge's text, which TrackEval, py-motmetrics and most trackers of many targets read.

A line is frame,id,x,y,w,h,confidence,-1,-1,-1; frames and ids count from 1. Boxes are written as
they are, from 0, as other tools of today do; MOTChallenge's own truth counts pixels from 1, which
is what `origin` is for. A frame where a target is lost has no line.
"""

from pathlib import Path

import numpy as np

from dslt_jax.app.tracks import MOST_FRAMES, Track, Tracks, TracksError, read_text
from dslt_jax.stand_ins import HEAD, not_the_file

LEAST = 1e-4  # confidence of a box that is written


def write(tracks: Tracks, *, origin: float = 0.0) -> str:
    """Returns the file's text; ids are the targets' places, from 1.

    Args:
      origin: coordinate of the first pixel's edge in the file.
    """
    lines = []
    for number, track in enumerate(tracks.tracks, start=1):
        for i in np.flatnonzero(~track.lost):
            x, y, w, h = track.boxes[i] + (origin, origin, 0, 0)
            frame, confidence = track.frames[i] + 1, track.confidence[i]
            # A confidence of 0 would say that the box is not to be counted.
            row = f"{x:.3f},{y:.3f},{w:.3f},{h:.3f},{max(confidence, LEAST):.4f}"
            lines.append((frame, number, f"{frame},{number},{row},-1,-1,-1\n"))
    return "".join(line for _, _, line in sorted(lines))


def read(path: Path, *, origin: float = 0.0) -> Tracks:
    """Returns the tracks of a file of results or of truth; what truth leaves out is left out.

    Raises:
      TracksError: it cannot be read, or a line is none.
    """
    path = Path(path)
    text = read_text(path)
    if says := not_the_file(text[:HEAD].encode()):
        raise TracksError(f"{path} {says}")
    lines = enumerate(text.splitlines(), start=1)
    rows = [_row(path, i, line) for i, line in lines if line.strip()]
    if not rows:
        raise TracksError(f"{path} has no line frame,id,x,y,w,h in it")
    table = np.array(rows)
    table = table[np.lexsort((table[:, 0], table[:, 1]))]
    tracks = []
    for number in np.unique(table[:, 1]):
        own = table[table[:, 1] == number]
        own = own[own[:, 6] != 0]  # truth marks so what is not to be counted
        frames = own[:, 0].astype(np.int64) - 1
        if (np.diff(frames) == 0).any():
            twice = frames[np.flatnonzero(np.diff(frames) == 0)[0]] + 1
            if number < 0:
                raise TracksError(
                    f"{path} has detections, which belong to no target (id {_name(number)}): give "
                    "a tracker's results or the truth, such as gt/gt.txt"
                )
            raise TracksError(f"{path} has two boxes of target {_name(number)} in frame {twice}")
        if len(own):
            boxes = own[:, 2:6] - (origin, origin, 0, 0)
            lost = np.zeros(len(own), bool)
            tracks.append(Track(_name(number), frames, boxes, own[:, 6], lost))
    if not tracks:
        raise TracksError(f"{path} has no box that counts: every confidence in it is 0")
    return Tracks(tracks, video=path.stem)


def _name(number: float) -> str:
    return f"{number:.0f}" if number % 1 == 0 else f"{number}"


def _row(path: Path, number: int, line: str) -> list[float]:
    """Frame, id, x, y, w, h and confidence, 1 where there is none."""
    try:
        row = [float(word) for word in line.replace(",", " ").split()]
    except ValueError:
        row = []
    if number == 1 and len(row) == 4:
        raise TracksError(
            f"line {number} of {path} is '{line[:60]}', x,y,w,h, as a truth of one target has it, "
            "not frame,id,x,y,w,h: number its lines first "
            f"(awk '{{print NR \",1,\" $0}}' {path.name} | grep -vi nan > mot.txt)"
        )
    if number == 1 and not row and "frame" in line.lower():
        raise TracksError(
            f"line 1 of {path} is a header, '{line[:60]}': remove it where the columns are "
            "frame,id,x,y,w,h, as they must be"
        )
    sound = len(row) >= 6 and np.isfinite(row[:7]).all() and not row[0] % 1
    if not sound or not 1 <= row[0] <= MOST_FRAMES:
        raise TracksError(
            f"line {number} of {path} is '{line[:60]}', not frame,id,x,y,w,h[,confidence,...] with "
            f"frames from 1 to {MOST_FRAMES}"
        )
    row = [*row, 1.0][:7]
    if row[6] != 0 and min(row[4:6]) <= 0:
        raise TracksError(
            f"line {number} of {path} is '{line[:60]}', a box of no size: width and height must be "
            "above 0, unless its confidence is 0"
        )
    return row
