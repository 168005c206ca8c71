"""VOT's measures of supervised runs: accuracy, robustness, reliability, expected average overlap.

Two toolkits define them a little differently; `Variant` names the choices.
- matlab (votchallenge/vot-toolkit, VOT-2016; pysot has the same EAO): overlaps are averaged over
  the repetitions frame by frame and then over all frames; EAO fragments run from one start to the
  next one inclusive, undefined overlaps are 0, a fragment weighs 1 / repetitions times the share of
  its frames with the tag; EAO is the mean over lengths low .. high.
- toolkit (votchallenge/toolkit, Python): a sequence's accuracy is the mean over its repetitions and
  sequences weigh by length; fragments end before the failure and all weigh 1; EAO is the mean over
  curve positions low .. high counted from 0, that is lengths low + 1 .. high + 1.

A frame without truth has no overlap: accuracy leaves it out, EAO takes it for 0. With resets the
Python toolkit takes it for 0 in accuracy too.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as SequenceABC

import numpy as np

from dslt_jax import boxes as boxes_lib
from dslt_jax.benchmarks import trajectory as trajectory_lib
from dslt_jax.benchmarks.datasets import Dataset, Sequence
from dslt_jax.benchmarks.metrics import eao as eao_lib
from dslt_jax.benchmarks.metrics.raster import raster_iou
from dslt_jax.benchmarks.trajectory import Trajectory
from dslt_jax.boxes import Array

# Lengths over which EAO is averaged: half the mass of the sequences' lengths around their mode.
INTERVALS = {
    "vot2016": (108, 371),
    "vot2017": (100, 356),
    "vot2018": (100, 356),
    "vot2019": (46, 291),
}


@dataclasses.dataclass(frozen=True)
class Variant:
    """How to measure.

    Attributes:
        name: matlab or toolkit.
        raster: whether overlaps count pixels, as both toolkits do; otherwise they are exact.
        bounded: whether only what lies in the image counts (VOT-2016 and later).
        burnin: frames after each start that accuracy leaves out.
        sensitivity: S of the reliability exp(-S F / N).
    """

    name: str = "matlab"
    raster: bool = True
    bounded: bool = True
    burnin: int = 10
    sensitivity: float = 30.0

    def describe(self) -> str:
        """Returns one line that says what was chosen."""
        return (
            f"policy vot ({self.name}): {'pixel' if self.raster else 'exact'} overlap, "
            f"{'bounded by the image' if self.bounded else 'unbounded'}, burn-in {self.burnin}, "
            f"sensitivity {self.sensitivity:g}"
        )


@dataclasses.dataclass(frozen=True)
class VotScores:
    """A tracker's supervised scores on S sequences.

    Attributes:
        tracker, dataset, variant, names: what was measured, and how.
        lengths: (S,) frames.
        accuracy_by_sequence: (S,) mean overlap of the valid frames, NaN where there is none.
        failures_by_sequence: (S,) failures, mean over repetitions.
        accuracy: mean overlap of the tracker, as the variant defines it.
        failures: failures of all sequences together, mean over repetitions.
        robustness: mean number of failures a sequence, weighted by length.
        reliability: exp(-S F / N), F failures in N frames; with `accuracy` a point of the A-R plot.
        eao: expected average overlap.
        interval: the lengths (low, high) of `eao`.
        curve: (L,) expected overlap of runs of 1 .. L frames, NaN where no run is that long.
    """

    tracker: str
    dataset: str
    variant: Variant
    names: tuple[str, ...]
    lengths: np.ndarray
    accuracy_by_sequence: Array
    failures_by_sequence: Array
    accuracy: float
    failures: float
    robustness: float
    reliability: float
    eao: float
    interval: tuple[int, int]
    curve: Array

    def summary(self) -> dict[str, float]:
        """Returns the numbers of a leaderboard."""
        return {
            "eao": self.eao,
            "accuracy": self.accuracy,
            "robustness": self.robustness,
            "reliability": self.reliability,
            "failures": self.failures,
            "failures_per_100_frames": 100 * self.failures / float(self.lengths.sum()),
        }


def overlaps(trajectory: Trajectory, sequence: Sequence, variant: Variant) -> Array:
    """Returns the overlap (N,) with the ground truth, NaN in frames without a region or a truth."""
    overlap = raster_iou if variant.raster else boxes_lib.polygon_iou
    bounds = sequence.frame_size if variant.bounded else None
    values = overlap(trajectory.regions, sequence.ground_truth, bounds)
    defined = (trajectory.codes == trajectory_lib.TRACKED) & _present(sequence)
    return np.where(defined, values, np.nan)


def evaluate(
    dataset: Dataset | Iterable[Sequence],
    runs: Mapping[str, SequenceABC[Trajectory]],
    variant: Variant | None = None,
    interval: tuple[int, int] | None = None,
    tag: str | None = None,
    tracker: str = "",
) -> VotScores:
    """Scores supervised runs.

    Args:
        dataset: the sequences.
        runs: sequence name -> the repetitions' trajectories.
        variant: how to measure; VOT-2016's MATLAB toolkit by default.
        interval: lengths of EAO; by default the dataset's in INTERVALS, else VOT-2016's.
        tag: measure accuracy, failures and EAO on the frames with this tag only; "empty" are the
            frames without any tag.
        tracker: a name to keep with the scores.

    Raises:
        ValueError: no sequence has runs, or a run's length is not its sequence's.
    """
    variant = variant or Variant()
    name = getattr(dataset, "name", "")
    interval = interval or INTERVALS.get(name, INTERVALS["vot2016"])
    sequences = [sequence for sequence in dataset if runs.get(sequence.name)]
    if not sequences:
        raise ValueError(f"{tracker or 'the tracker'} has no runs on any of the sequences")
    accuracies, pooled, failures, fragments = [], [], [], []
    for sequence in sequences:
        marked = _marked(sequence, tag)
        group = runs[sequence.name]
        for run in group:
            if len(run) != len(sequence):
                raise ValueError(f"{sequence.name}: {len(run)} rows for {len(sequence)} frames")
        raw = [overlaps(run, sequence, variant) for run in group]
        if variant.name == "toolkit":  # it does not ask here whether there is a truth
            unknown = [(run.codes == trajectory_lib.TRACKED) & ~_present(sequence) for run in group]
            raw = [np.where(u, 0, values) for u, values in zip(unknown, raw, strict=True)]
        pairs = list(zip(group, raw, strict=True))
        valid = [_valid(run, values, variant, marked) for run, values in pairs]
        accuracies.append(_nanmean([_nanmean(values) for values in valid]))
        pooled.append(_mean_over_runs(np.stack(valid)))
        lost = [((run.codes == trajectory_lib.FAILURE) & marked).sum() for run in group]
        failures.append(float(np.mean(lost)))
        for run, values in pairs:
            fragments += eao_lib.fragments(run, values, variant.name, marked, len(group))

    lengths = np.array([len(sequence) for sequence in sequences])
    accuracy = np.array(accuracies)
    if variant.name == "matlab":
        overall = _nanmean(np.concatenate(pooled))
    else:
        overall = float(np.nan_to_num(accuracy) @ lengths / lengths.sum())
    curve = eao_lib.expected_overlaps(fragments)
    first = interval[0] - (variant.name == "matlab")
    last = interval[1] - (variant.name == "matlab")
    total = float(np.sum(failures))
    robustness = float(np.array(failures) @ lengths / lengths.sum())
    per_frame = total / lengths.sum() if variant.name == "matlab" else robustness / lengths.mean()
    return VotScores(
        tracker=tracker,
        dataset=name,
        variant=variant,
        names=tuple(sequence.name for sequence in sequences),
        lengths=lengths,
        accuracy_by_sequence=accuracy,
        failures_by_sequence=np.array(failures),
        accuracy=overall,
        failures=total,
        robustness=robustness,
        reliability=float(np.exp(-variant.sensitivity * per_frame)),
        eao=_nanmean(curve[first : last + 1]),
        interval=interval,
        curve=curve,
    )


def average_overlap(
    dataset: Dataset | Iterable[Sequence],
    runs: Mapping[str, SequenceABC[Trajectory]],
    variant: Variant | None = None,
) -> tuple[float, Array, Array]:
    """Scores unsupervised runs.

    Returns:
        The average overlap, the mean over sequences weighted by length, without the burn-in; each
        sequence's (S,); and the success curve (100,): the share of frames over 0, 1/99, .. 1, in
        which the frame of the start counts as a failure and only the last threshold may be equal.
        Frames without truth count in none of them.
    """
    variant = variant or Variant(name="toolkit")
    thresholds = np.linspace(0, 1, 100)
    means, lengths, curves = [], [], []
    for sequence in dataset:
        group = runs.get(sequence.name, ())
        if not group:
            continue
        marked = np.ones(len(sequence), bool)
        raw = [overlaps(run, sequence, variant) for run in group]
        valid = [_valid(run, v, variant, marked) for run, v in zip(group, raw, strict=True)]
        means.append(_nanmean([_nanmean(values) for values in valid]))
        lengths.append(len(sequence))
        defined = np.nan_to_num(np.stack(raw)[:, _present(sequence)])[..., None]
        over = np.where(thresholds == 1, defined >= thresholds, defined > thresholds)
        curves.append(over.mean(axis=(0, 1)))
    if not means:
        raise ValueError("there are no runs on any of the sequences")
    overall = float(np.average(np.nan_to_num(means), weights=lengths))
    return overall, np.array(means), np.mean(curves, axis=0)


def _valid(run: Trajectory, values: Array, variant: Variant, marked: np.ndarray) -> Array:
    """Returns overlaps that count for accuracy, NaN elsewhere: no burn-in, only marked frames."""
    values = np.where(marked, values, np.nan)
    for start in np.flatnonzero(run.codes == trajectory_lib.INITIALIZATION):
        values[start : start + variant.burnin] = np.nan
    return values


def _present(sequence: Sequence) -> np.ndarray:
    return np.asarray(np.isfinite(sequence.ground_truth).all(axis=1))


def _marked(sequence: Sequence, tag: str | None) -> np.ndarray:
    if tag is None:
        return np.ones(len(sequence), bool)
    if tag == "empty":
        return ~np.any([*sequence.tags.values(), np.zeros(len(sequence), bool)], axis=0)
    return np.asarray(sequence.tags.get(tag, np.zeros(len(sequence), bool)), bool)


def _nanmean(values: Array | list[float]) -> float:
    values = np.asarray(values, np.float64)
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else float("nan")


def _mean_over_runs(values: Array) -> Array:
    """Returns the mean (N,) of (R, N) over the runs in which a frame is defined."""
    count = (~np.isnan(values)).sum(axis=0)
    total = np.nansum(values, axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
