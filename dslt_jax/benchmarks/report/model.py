"""What a report is made of: numbers and boxes, nothing about how they are shown."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from dslt_jax.benchmarks import metrics
from dslt_jax.benchmarks.datasets import Dataset
from dslt_jax.benchmarks.results import Results
from dslt_jax.boxes import Array


@dataclasses.dataclass(frozen=True)
class Measure:
    """A column of scores: key, title, meaning, digits shown, whether more is better."""

    key: str
    title: str
    meaning: str
    digits: int = 3
    higher: bool = True


@dataclasses.dataclass(frozen=True)
class Tracker:
    """A tracker's row of the leaderboard.

    Attributes:
        name: its name, unlike every other one's.
        summary: measure -> score over all sequences.
        intervals: measure -> 95 % bootstrap interval over sequences, where there is one.
        by_sequence: measure -> (S,) scores.
        overlaps: for each sequence (N,) the overlap of each frame, NaN where there is none.
        fps: frames a second over all frames whose time is known; None when none is.
        against: AUC compared with the first tracker's, sequence by sequence.
    """

    name: str
    summary: Mapping[str, float]
    intervals: Mapping[str, metrics.Interval]
    by_sequence: Mapping[str, Array]
    overlaps: tuple[Array, ...]
    fps: float | None
    against: metrics.Comparison | None = None


@dataclasses.dataclass(frozen=True)
class Curve:
    """One plot of the papers: a line a tracker.

    Attributes:
        key, title, x_title, y_title: how to call it.
        measure: the one its legend ranks by.
        x: (K,) positions.
        y: (T, K) mean curves, NaN where undefined.
        by_sequence: (T, S, K), or None where a curve is not a mean over sequences.
        band: the part of x that the measure is about.
    """

    key: str
    title: str
    x_title: str
    y_title: str
    measure: str
    x: Array
    y: Array
    by_sequence: Array | None = None
    band: tuple[int, int] | None = None


@dataclasses.dataclass(frozen=True)
class Group:
    """Sequences with one attribute, or frames with one tag: measure -> (T,) scores on them."""

    code: str
    name: str
    count: int
    values: Mapping[str, Array]


@dataclasses.dataclass(frozen=True)
class Report:
    """T trackers on the S sequences of `dataset`.

    Attributes:
        title, policy: what is compared and how it was scored, each one line.
        protocol: how the trackers were run.
        dataset: the sequences that all trackers have.
        trackers: in the order they were given.
        results: the boxes of each, in the same order.
        measures: columns of the leaderboard.
        main: the measure that ranks: AUC or EAO; accuracy where runs are too short for EAO.
        groups: attributes or tags.
        supervised: whether these are VOT's runs with resets.
        notes: sentences to tell the reader.
    """

    title: str
    policy: str
    protocol: str
    dataset: Dataset
    trackers: tuple[Tracker, ...]
    results: tuple[Results, ...]
    measures: tuple[Measure, ...]
    main: str
    curves: tuple[Curve, ...]
    groups: tuple[Group, ...]
    supervised: bool
    notes: tuple[str, ...]

    def measure(self, key: str) -> Measure:
        """Returns the measure of that key."""
        return next(measure for measure in self.measures if measure.key == key)

    def ranked(self, key: str) -> list[int]:
        """Returns the trackers' positions from the best to the worst by a measure."""
        sign = -1 if self.measure(key).higher else 1
        scores = [sign * tracker.summary[key] for tracker in self.trackers]
        return [int(i) for i in np.argsort(np.nan_to_num(scores, nan=np.inf), kind="stable")]
