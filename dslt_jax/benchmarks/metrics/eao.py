"""VOT's expected average overlap: runs cut at their failures, averaged over runs of each length."""

from collections.abc import Sequence as SequenceABC
from typing import NamedTuple

import numpy as np

from dslt_jax.benchmarks import trajectory as trajectory_lib
from dslt_jax.benchmarks.trajectory import Trajectory
from dslt_jax.boxes import Array

SKIP = 5  # frames between a failure and the next start


class Fragment(NamedTuple):
    """A run from a start to its failure or its end."""

    overlaps: Array  # (L,), undefined ones are 0
    failed: bool
    weight: float


def fragments(
    run: Trajectory, values: Array, variant: str, marked: np.ndarray, repetitions: int
) -> list[Fragment]:
    """Cuts a run at its failures, as the toolkit that `variant` names does (see `vot`).

    `values` (N,) are its overlaps, `marked` (N,) the frames that weigh, `repetitions` how many runs
    of the sequence there are.
    """
    lost = np.flatnonzero(run.codes == trajectory_lib.FAILURE).tolist()
    starts = np.flatnonzero(run.codes == trajectory_lib.INITIALIZATION).tolist()
    defined = np.nan_to_num(values)
    if variant == "toolkit":
        cuts = [(start, end, True) for start, end in zip(starts, lost, strict=False)]
        if not len(lost):
            cuts = [(0, len(run), False)]
        elif len(starts) > len(lost):
            cuts.append((starts[-1], len(run), False))
        return [Fragment(defined[a:b], failed, 1.0) for a, b, failed in cuts]
    # Where the truth is absent a run starts later than it should.
    planned = [0, *(i + SKIP for i in lost if i + SKIP <= len(run))]
    points = [next((start for start in starts if start >= i), i) for i in planned]
    found = []
    for i, start in enumerate(points):
        last = i == len(points) - 1
        end = len(run) if last else points[i + 1] + 1
        if end > start:
            share = marked[start:end].mean()
            found.append(Fragment(defined[start:end], not last, share / repetitions))
    return found


def expected_overlaps(fragments: SequenceABC[Fragment]) -> Array:
    """Returns (L,): the weighted mean of fragments' mean overlap over frames 2 .. N, N = 1 .. L.

    A failed fragment goes on with zeros; one that ended with its sequence is left out of longer N.
    """
    longest = max(len(fragment.overlaps) for fragment in fragments)
    total, weights = np.zeros(longest), np.zeros(longest)
    for values, failed, weight in fragments:
        padded = np.zeros(longest)
        padded[: len(values)] = values
        end = longest if failed else len(values)
        mean = np.cumsum(padded[1:end]) / np.arange(1, end)
        # Position 0 has no frame to average: the toolkits put the first overlap there.
        total[:end] += weight * np.concatenate([padded[:1], mean])
        weights[:end] += weight
    return np.where(weights > 0, total / np.where(weights > 0, weights, 1), np.nan)
