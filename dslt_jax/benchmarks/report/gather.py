"""Scores trackers for a report: one pass a sequence, several starts, or VOT's resets."""

from collections.abc import Sequence as SequenceABC

import numpy as np

from dslt_jax.benchmarks import metrics
from dslt_jax.benchmarks.datasets import Dataset
from dslt_jax.benchmarks.metrics import vot
from dslt_jax.benchmarks.report import names as names_lib
from dslt_jax.benchmarks.report.model import Curve, Group, Measure, Report, Tracker
from dslt_jax.benchmarks.results import Results, distinct
from dslt_jax.benchmarks.tables import plural
from dslt_jax.boxes import iou

OPE_MEASURES = (
    Measure("auc", "AUC", "mean of the success curve"),
    Measure("p20", "P20", "precision: share of frames whose center is within 20 pixels"),
    Measure("np20", "NP20", "precision with distances in target sizes, at 0.2"),
    Measure("op50", "OP50", "share of frames with an overlap over 0.5"),
    Measure("op75", "OP75", "share of frames with an overlap over 0.75"),
    Measure("ao", "AO", "average overlap"),
)
UNSUPERVISED_MEASURES = (
    Measure("ao", "AO", "average overlap, sequences weighted by length"),
    Measure("auc", "AUC", "area under the success curve"),
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
    segments: SequenceABC[metrics.Segments] | None = None,
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
    results = distinct(results)
    notes = list(dataset.notes) + _missing(dataset, results, len(names))
    dataset = dataset.subset(names)
    if any(result.supervised for result in results):
        protocol = "supervised"
    supervised = protocol == "supervised"
    policy = policy or metrics.by_name(dataset.policy)
    variant = variant or vot.Variant()
    if supervised:
        trackers, curves, groups, more = _vot(dataset, results, variant)
    elif protocol == "unsupervised":
        variant = vot.Variant(name="toolkit", raster=variant.raster)
        trackers, curves, groups, more = _unsupervised(dataset, results, variant)
    else:
        trackers, curves, groups, more = _ope(dataset, results, policy, segments)
    by_vot = supervised or protocol == "unsupervised"
    measures = {"supervised": VOT_MEASURES, "unsupervised": UNSUPERVISED_MEASURES}
    main = "ao" if protocol == "unsupervised" else "auc"
    if supervised:
        known = all(np.isfinite(tracker.summary["eao"]) for tracker in trackers)
        main = "eao" if known else "accuracy"
    heading = f"{names_lib.dataset(dataset.name)}: {plural(len(results), 'tracker')}"
    return Report(
        title=title or heading,
        policy=variant.describe() if by_vot else policy.describe(),
        protocol=protocol,
        dataset=dataset,
        trackers=trackers,
        results=tuple(results),
        measures=measures.get(protocol, OPE_MEASURES),
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
    segments: SequenceABC[metrics.Segments] | None,
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


def _unsupervised(dataset: Dataset, results: SequenceABC[Results], variant: vot.Variant) -> _Scored:
    """VOT's pass without resets: overlaps with the regions themselves, not with boxes around."""
    trackers, curves = [], []
    for result in results:
        overall, means, success = vot.average_overlap(dataset, result.runs, variant)
        trackers.append(
            Tracker(
                name=result.tracker,
                summary={"ao": overall, "auc": float(success.mean())},
                intervals={"ao": metrics.bootstrap(means)},
                by_sequence={"ao": means},
                overlaps=tuple(vot.overlaps(result.runs[s.name][0], s, variant) for s in dataset),
                fps=_fps(result),
            )
        )
        curves.append(success)
    curve = Curve(
        *("success", "Success", "overlap threshold", "share of frames", "auc"),
        *(np.linspace(0, 1, 100), np.stack(curves)),
    )
    return tuple(trackers), (curve,), (), []


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
    longest = max(3, *(len(score.curve) for score in scores))  # a line has two points
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
            what = plural(len(missing), "sequence")
            lines.append(f"{result.tracker} has no results on {what} ({shown})")
    if lines:
        what = plural(common, "sequence")
        lines.append(f"compared on the {what} that all trackers have, not on {len(some)}")
    return lines
