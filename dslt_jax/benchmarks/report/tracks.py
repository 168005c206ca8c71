"""Every box of every tracker in a form small enough for a page, and where trackers fail."""

import base64
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from dslt_jax.benchmarks import metrics, trajectory
from dslt_jax.benchmarks.datasets import Sequence
from dslt_jax.benchmarks.report.model import Report
from dslt_jax.benchmarks.results import Results
from dslt_jax.boxes import Array

STEPS = 2  # of a pixel: boxes are kept to half a pixel
ABSENT = -32768  # int16 for a coordinate that is not there
NO_OVERLAP = 255  # uint8 for a frame without overlap; otherwise hundredths
LEVEL = 6  # of zlib; 9 takes eleven times as long for 2 % less
LOST_UNDER = 0.2  # overlap of a frame that counts as lost
LOST_FRAMES = 5  # such frames in a row that make a failure


class Failure(NamedTuple):
    """A tracker lost a target: frames first .. first + length - 1 of a sequence, all from 0."""

    tracker: int
    sequence: int
    first: int
    length: int


def packed(report: Report, index: int) -> tuple[list[int], str]:
    """Returns a sequence's regions and overlaps.

    Returns:
        The numbers a frame of each region, 4 or 8, of the ground truth and then of each tracker;
        and base64 of zlib of: low bytes, then high bytes of the int16 differences between frames,
        coordinate by coordinate, in half pixels; then each tracker's overlaps, a byte a frame, as
        differences too.
    """
    sequence = report.dataset[index]
    regions = [sequence.ground_truth, *(_regions(r, sequence) for r in report.results)]
    columns = np.concatenate([values.T for values in regions])
    scaled = np.clip(np.round(columns * STEPS), ABSENT + 1, 32767)
    whole = np.where(np.isnan(scaled), ABSENT, scaled).astype(np.int16)
    steps = np.diff(whole, axis=1, prepend=np.int16(0)).astype("<i2").tobytes()
    overlaps = np.stack([tracker.overlaps[index] for tracker in report.trackers])
    percent = np.where(np.isnan(overlaps), NO_OVERLAP, np.round(100 * overlaps)).astype(np.uint8)
    changes = np.diff(percent, axis=1, prepend=np.uint8(0)).tobytes()
    data = zlib.compress(steps[0::2] + steps[1::2] + changes, LEVEL)
    return [values.shape[1] for values in regions], base64.b64encode(data).decode("ascii")


def failures(report: Report) -> list[Failure]:
    """Returns where trackers lose targets, the longest of each first.

    With VOT's resets these are the toolkit's failures; otherwise LOST_FRAMES or more frames in a
    row with an overlap under LOST_UNDER. Frames without ground truth neither start nor end one.
    """
    found = []
    for t, tracker in enumerate(report.trackers):
        for s, name in enumerate(report.dataset.names):
            if report.supervised:
                codes = report.results[t].runs[name][0].codes
                at = np.flatnonzero(codes == trajectory.FAILURE)
                found += [Failure(t, s, int(first), 1) for first in at]
            else:
                spans = lost_spans(tracker.overlaps[s])
                found += [Failure(t, s, first, length) for first, length in spans]
    return sorted(found, key=lambda f: (f.tracker, -f.length, f.sequence, f.first))


def lost_spans(overlaps: Array) -> Iterator[tuple[int, int]]:
    """Yields (first frame, number of frames) of the failures in overlaps (N,)."""
    frames = np.flatnonzero(~np.isnan(overlaps))
    lost = np.concatenate([[False], overlaps[frames] < LOST_UNDER, [False]])
    edges = np.flatnonzero(lost[1:] != lost[:-1])
    for start, stop in edges.reshape(-1, 2):
        if stop - start >= LOST_FRAMES:
            first, last = int(frames[start]), int(frames[stop - 1])
            yield first, last - first + 1


def _regions(result: Results, sequence: Sequence) -> Array:
    regions = result.runs[sequence.name][0].regions
    if regions.shape[1] == 4:
        return metrics.align(sequence, regions)[0]
    whole = np.full((len(sequence), regions.shape[1]), np.nan)
    whole[: len(regions)] = regions[: len(sequence)]
    return whole
