"""All that a report shows, as numbers: scores, intervals, curves, groups of sequences."""

import dataclasses
from collections.abc import Mapping
from collections.abc import Sequence as SequenceABC

import numpy as np

from dslt_jax.benchmarks import metrics
from dslt_jax.benchmarks.datasets import Dataset
from dslt_jax.benchmarks.metrics import vot
from dslt_jax.benchmarks.report import names as names_lib
from dslt_jax.benchmarks.results import Results
from dslt_jax.boxes import Array, iou

Segments = Mapping[str, SequenceABC[tuple[int, Array]]]


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


OPE_MEASURES = (
    Measure("auc", "AUC", "mean of the success curve"),
    Measure("p20", "P20", "precision: share of frames whose center is within 20 pixels"),
    Measure("np20", "NP20", "precision with distances in target sizes, at 0.2"),
    Measure("op50", "OP50", "share of frames with an overlap over 0.5"),
    Measure("op75", "OP75", "share of frames with an overlap over 0.75"),
    Measure("ao", "AO", "average overlap"),
)
VOT_MEASURES = (
    Measure("eao", "EAO", "expected average overlap"),
    Measure("accuracy", "A", "accuracy: mean overlap while tracking"),
    Measure("robustness", "R", "failures a sequence, weighted by length", higher=False),
    Measure("reliability", "S", "reliability: exp(-30 failures / frames)"),
    Measure("failures", "Failures", "failures of all sequences, mean of the runs", 1, False),
)


def gather(
    dataset: Dataset,
    results: SequenceABC[Results],
    policy: metrics.Policy | None = None,
    variant: vot.Variant | None = None,
    title: str | None = None,
    protocol: str = "ope",
    segments: SequenceABC[Segments] | None = None,
) -> Report:
    """Scores trackers on the sequences that all of them have.

    Args:
        dataset: the sequences; those without results of every tracker are left out.
        results: the trackers, the first one being that which the others are compared with.
        policy: how to score; the dataset's own by default.
        variant: how to score VOT's runs with resets.
        title: heads the page; by default it names the benchmark.
        protocol: how the trackers were run, one of `protocols.PROTOCOLS`.
        segments: for protocols with several starts a sequence, all of them for each tracker, as
            `metrics.evaluate_segments` takes them; `results` then hold the first of each.

    Raises:
        ValueError: the trackers have no sequence in common, or results cannot be scored.
    """
    names = [name for name in dataset.names if all(name in result.runs for result in results)]
    if not results or not names:
        raise ValueError("these trackers have no sequence in common")
    notes = list(dataset.notes) + _missing(dataset, results, len(names))
    dataset = dataset.subset(names)
    results = names_lib.distinct(results)
    supervised = any(result.supervised for result in results)
    policy = policy or metrics.by_name(dataset.policy)
    variant = variant or vot.Variant()
    if supervised:
        trackers, curves, groups, more = _vot(dataset, results, variant)
    else:
        trackers, curves, groups, more = _ope(dataset, results, policy, segments)
    main = "auc"
    if supervised:
        known = all(np.isfinite(tracker.summary["eao"]) for tracker in trackers)
        main = "eao" if known else "accuracy"
    return Report(
        title=title
        or f"{names_lib.dataset(dataset.name)}: {names_lib.plural(len(results), 'tracker')}",
        policy=variant.describe() if supervised else policy.describe(),
        protocol=protocol,
        dataset=dataset,
        trackers=trackers,
        results=tuple(results),
        measures=VOT_MEASURES if supervised else OPE_MEASURES,
        main=main,
        curves=curves,
        groups=groups,
        supervised=supervised,
        notes=tuple(notes + more),
    )


_Scored = tuple[tuple[Tracker, ...], tuple[Curve, ...], tuple[Group, ...], list[str]]


def _ope(
    dataset: Dataset,
    results: SequenceABC[Results],
    policy: metrics.Policy,
    segments: SequenceABC[Segments] | None,
) -> _Scored:
    if segments:
        pairs = zip(results, segments, strict=True)
        scores = [metrics.evaluate_segments(dataset, s, policy, r.tracker) for r, s in pairs]
    else:
        scores = [metrics.evaluate(dataset, r.boxes, policy, r.tracker) for r in results]
    trackers = []
    for result, score in zip(results, scores, strict=True):
        overlaps = []
        for sequence in dataset:
            aligned, _ = metrics.align(sequence, result.boxes[sequence.name])
            overlap = np.where(np.isnan(aligned).any(axis=1), 0, iou(aligned, sequence.boxes))
            overlaps.append(np.where(np.isnan(sequence.boxes).any(axis=1), np.nan, overlap))
        against = None if score is scores[0] else metrics.paired(score.auc, scores[0].auc)
        trackers.append(
            Tracker(
                name=result.tracker,
                summary=score.summary(),
                intervals={key: metrics.bootstrap(getattr(score, key)) for key in ("auc", "p20")},
                by_sequence=score.per_sequence(),
                overlaps=tuple(overlaps),
                fps=_fps(result),
                against=against,
            )
        )
    success = np.stack([score.success for score in scores])
    precision = np.stack([score.precision for score in scores])
    pixels = np.arange(precision.shape[2], dtype=float)
    curves = (
        Curve(
            *("success", "Success", "overlap threshold", "success rate", "auc"),
            *(policy.overlaps, success.mean(axis=1), success),
        ),
        Curve(
            *("precision", "Precision", "location error threshold (pixels)", "precision", "p20"),
            *(pixels, precision.mean(axis=1), precision),
        ),
    )
    groups = []
    for code, members in scores[0].by_attribute().items():
        cells = [score.summary(members) for score in scores]
        values = {key: np.array([cell[key] for cell in cells]) for key in metrics.MEASURES}
        groups.append(Group(code, names_lib.attribute(code), len(members), values))
    problems = ["the player shows each sequence's first start"] if segments else []
    problems += [f"{score.tracker}, {line}" for score in scores for line in score.problems]
    return tuple(trackers), curves, tuple(groups), problems


def _vot(dataset: Dataset, results: SequenceABC[Results], variant: vot.Variant) -> _Scored:
    scores = [vot.evaluate(dataset, r.runs, variant, tracker=r.tracker) for r in results]
    trackers = []
    for result, score in zip(results, scores, strict=True):
        overlaps = [vot.overlaps(result.runs[s.name][0], s, variant) for s in dataset]
        failures = np.array(metrics.bootstrap(score.failures_by_sequence)) * len(score.names)
        intervals = {"failures": metrics.Interval(*failures.tolist())}
        by_sequence = {
            "accuracy": score.accuracy_by_sequence,
            "failures": score.failures_by_sequence,
        }
        rest = (score.summary(), intervals, by_sequence, tuple(overlaps), _fps(result))
        trackers.append(Tracker(result.tracker, *rest))
    longest = max(len(score.curve) for score in scores)
    curve = np.full((len(scores), longest), np.nan)
    for row, score in zip(curve, scores, strict=True):
        row[: len(score.curve)] = score.curve
    title = "Expected average overlap"
    lengths = np.arange(1.0, longest + 1)
    interval = scores[0].interval
    curves = (
        Curve(
            *("eao", title, "sequence length", "expected overlap", "eao"),
            # A run of one frame has no overlap to expect.
            *(lengths[1:], curve[:, 1:], None, interval),
        ),
    )
    groups = []
    for tag in sorted({tag for sequence in dataset for tag in sequence.tags}):
        marked = [sequence for sequence in dataset if sequence.tags.get(tag, np.zeros(1)).any()]
        cells = [vot.evaluate(dataset, r.runs, variant, tag=tag).summary() for r in results]
        keys = ("eao", "accuracy", "failures")
        values = {key: np.array([cell[key] for cell in cells]) for key in keys}
        groups.append(Group(tag, names_lib.attribute(tag), len(marked), values))
    notes = []
    if not all(np.isfinite(score.eao) for score in scores):
        notes.append(f"EAO needs runs of {interval[0]} to {interval[1]} frames, here are too few")
    return tuple(trackers), curves, tuple(groups), notes


def _fps(result: Results) -> float | None:
    seconds = np.concatenate([run.seconds for group in result.runs.values() for run in group])
    seconds = seconds[~np.isnan(seconds)]
    return float(len(seconds) / seconds.sum()) if seconds.sum() > 0 else None


def _missing(dataset: Dataset, results: SequenceABC[Results], common: int) -> list[str]:
    """Says which trackers lack sequences that others have."""
    some = [name for name in dataset.names if any(name in result.runs for result in results)]
    lines = []
    for result in results:
        missing = [name for name in some if name not in result.runs]
        if missing:
            shown = ", ".join(missing[:4]) + (", ..." if len(missing) > 4 else "")
            what = names_lib.plural(len(missing), "sequence")
            lines.append(f"{result.tracker} has no results on {what} ({shown})")
    if lines:
        what = names_lib.plural(common, "sequence")
        lines.append(f"compared on the {what} that all trackers have, not on {len(some)}")
    return lines
