"""Scores folders of results against a benchmark's ground truth.

    dslt score RESULTS_DIR... --dataset otb100 --annotations DIR
    dslt score runs/compact results/ECO --dataset otb --root DIR --attributes --compare ECO
    dslt score runs/compact --dataset otb --root DIR --sequences Deer,Skiing --per_sequence

Each RESULTS_DIR is one tracker, called as its folder is; two of one name are told apart by what
differs in their paths. Several trackers are compared on the sequences that all of them have. The
policy is printed with the scores: wu, got10k, pysot or vot. Runs of `dslt benchmark` are scored by
their protocol, tre and sre over all of their starts. Results of VOT's supervised experiment get
accuracy, robustness and expected average overlap.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from absl import flags

from dslt_jax.benchmarks import datasets, metrics, results, tables
from dslt_jax.benchmarks.metrics import vot
from dslt_jax.benchmarks.tables import plural
from dslt_jax.cli import paths, scoring
from dslt_jax.cli.main import UserError

FLAGS = flags.FlagValues()
scoring.define_flags(FLAGS, "the benchmark's folder")
flags.DEFINE_boolean("attributes", False, "print AUC/P20 for each attribute", flag_values=FLAGS)
flags.DEFINE_boolean("per_sequence", False, "print AUC/P20 for each sequence", flag_values=FLAGS)
flags.DEFINE_string(
    "compare", None, "compare every tracker with this one, sequence by sequence", flag_values=FLAGS
)
paths.define("csv", None, "also write every sequence's scores to this file", FLAGS)
flags.DEFINE_boolean(
    "exact", False, "VOT: exact overlap of polygons instead of pixels", flag_values=FLAGS
)
flags.DEFINE_enum(
    "toolkit", "matlab", ["matlab", "toolkit"], "VOT: which toolkit's measures", flag_values=FLAGS
)

NOT_VOT = ("attributes", "per_sequence", "compare", "policy", "thresholds")


def main(values: flags.FlagValues, arguments: list[str]) -> int:
    folders = scoring.check_flags("score", values, arguments)
    try:
        dataset, faults = scoring.load(
            "score", values, values.dataset, values.root, values.annotations
        )
        policy = metrics.by_name(values.policy or dataset.policy, values.thresholds)
    except ValueError as error:
        raise UserError(str(error)) from None

    segments: dict[Path | None, metrics.Segments] = {}

    def reader(folder: str) -> results.Results:
        if not scoring.is_run(folder):
            return results.read(folder, dataset, values.format, values.experiment)
        found, parts = scoring.read_run(folder, dataset)
        segments.update({found.path: parts} if parts else {})
        return found

    read, problems = scoring.read("score", folders, reader, faults)
    problems += [line for result in read for line in result.problems]
    names = results.common(result.runs for result in read)
    if not names:
        raise scoring.refusal(
            "score", ["these trackers have no sequence in common", *problems, *faults]
        )
    notes = list(dataset.notes)
    most = max(len(result.runs) for result in read)
    if len(names) < most:
        notes.append(
            f"compared on the {plural(len(names), 'sequence')} that all trackers have, not {most}"
        )
    dataset = dataset.subset(names)
    frames = sum(map(len, dataset))
    print(f"{dataset.name}: {plural(len(names), 'sequence')}, {plural(frames, 'frame')}")
    try:
        if any(result.supervised for result in read):
            problems += scoring.left_out(values, NOT_VOT, "VOT's experiments")
            _print_supervised(values, dataset, read, notes)
        elif all(result.format == "vot" for result in read):
            problems += scoring.left_out(values, NOT_VOT, "VOT's experiments")
            problems += scoring.left_out(values, ["toolkit"], "a pass without resets")
            _print_unsupervised(values, dataset, read)
        else:
            problems += scoring.left_out(values, ["exact", "toolkit"], "boxes of one pass")
            _print_scores(values, dataset, read, segments, policy, notes)
    except ValueError as error:
        raise scoring.refusal("score", [str(error), *problems, *faults]) from None
    scoring.tell("score", [*notes, *problems, *faults])
    return 1 if problems or faults else 0


def _print_scores(
    values: flags.FlagValues,
    dataset: datasets.Dataset,
    read: list[results.Results],
    segments: Mapping[Path | None, metrics.Segments],
    policy: metrics.Policy,
    notes: list[str],
) -> None:
    scores = [
        metrics.evaluate_segments(dataset, segments[result.path], policy, result.tracker)
        if result.path in segments
        else metrics.evaluate(dataset, result.boxes, policy, result.tracker)
        for result in read
    ]
    scores.sort(key=lambda score: -score.summary()["auc"])
    notes += [f"{score.tracker}, {line}" for score in scores for line in score.problems]
    print(policy.describe())
    print(tables.leaderboard(scores))
    if policy.name == "got10k":
        print(tables.pooled(scores))
    if values.attributes:
        print(tables.groups(scores, scores[0].by_attribute()))
    if values.per_sequence:
        print(tables.groups(scores, {name: (name,) for name in scores[0].names}))
    if values.compare:
        path = Path(os.path.abspath(paths.local(values.compare)))
        same = [r.tracker for r in read if values.compare == r.tracker or path == r.path]
        base = [score for score in scores if score.tracker in same]
        if not base:
            known = ", ".join(score.tracker for score in scores)
            raise UserError(f"--compare {values.compare}: the trackers here are {known}")
        print(tables.comparisons(scores, base[0]))
    if values.csv:
        _write(values.csv, tables.to_csv(scores))


def _print_supervised(
    values: flags.FlagValues,
    dataset: datasets.Dataset,
    read: list[results.Results],
    notes: list[str],
) -> None:
    variant = vot.Variant(name=values.toolkit, raster=not values.exact)
    scores = [
        vot.evaluate(dataset, result.runs, variant, tracker=result.tracker) for result in read
    ]
    scores.sort(key=lambda score: -score.eao)
    low, high = scores[0].interval
    if scores[0].lengths.max() < low:
        notes.append(f"EAO needs sequences of {low} frames or more, here none is that long")
    print(f"{variant.describe()}, EAO over lengths {low} .. {high}")
    print(tables.vot_leaderboard(scores))
    if values.csv:
        _write(values.csv, tables.vot_to_csv(scores))


def _print_unsupervised(
    values: flags.FlagValues, dataset: datasets.Dataset, read: list[results.Results]
) -> None:
    variant = vot.Variant(name="toolkit", raster=not values.exact)
    print(f"{variant.describe()}, one pass without resets")
    print("average overlap, area under the success curve")
    rows = []
    for result in read:
        overlap, means, success = vot.average_overlap(dataset, result.runs, variant)
        print(f"{result.tracker}  {overlap:.4f}  {success.mean():.4f}")
        for sequence, mean in zip(dataset, means, strict=True):
            rows.append((result.tracker, sequence.name, len(sequence), float(mean)))
    if values.csv:
        header = ("tracker", "sequence", "frames", "average_overlap")
        _write(values.csv, tables.csv_text(header, rows))


def _write(path: str, text: str) -> None:
    try:
        paths.write(path, text)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None
