"""Scores folders of results against a benchmark's ground truth.

    dslt score RESULTS_DIR... --dataset otb100 --annotations DIR
    dslt score runs/compact results/ECO --dataset otb --root DIR --attributes --compare ECO

Each RESULTS_DIR is one tracker. Several trackers are compared on the sequences that all of them
have. The policy is printed with the scores: wu, got10k, pysot or vot. Results of VOT's supervised
experiment get accuracy, robustness and expected average overlap.
"""

import sys
from pathlib import Path

from absl import flags

from dslt_jax.benchmarks import datasets, metrics, results, tables
from dslt_jax.benchmarks.metrics import vot
from dslt_jax.cli.main import UserError

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    "dataset", None, f"which benchmark: {', '.join(datasets.LAYOUTS)}", flag_values=FLAGS
)
flags.DEFINE_string("root", None, "the benchmark's folder", flag_values=FLAGS)
flags.DEFINE_string(
    "annotations", None, "a folder of annotations, when there are no images", flag_values=FLAGS
)
flags.DEFINE_enum(
    "policy",
    None,
    list(metrics.POLICIES),
    "the toolkit to score as; otherwise the benchmark's own",
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "thresholds", None, "overlap thresholds of the success curve, e.g. 21 or 101", flag_values=FLAGS
)
flags.DEFINE_boolean("attributes", False, "print AUC/P20 for each attribute", flag_values=FLAGS)
flags.DEFINE_boolean("sequences", False, "print AUC/P20 for each sequence", flag_values=FLAGS)
flags.DEFINE_string(
    "compare", None, "compare every tracker with this one, sequence by sequence", flag_values=FLAGS
)
flags.DEFINE_string(
    "csv", None, "also write every sequence's scores to this file", flag_values=FLAGS
)
flags.DEFINE_enum(
    "format", "auto", ["auto", *results.FORMATS], "how the results are written", flag_values=FLAGS
)
flags.DEFINE_string("experiment", "baseline", "which folder of VOT results", flag_values=FLAGS)
flags.DEFINE_boolean(
    "exact", False, "VOT: exact overlap of polygons instead of pixels", flag_values=FLAGS
)
flags.DEFINE_enum(
    "toolkit", "matlab", ["matlab", "toolkit"], "VOT: which toolkit's measures", flag_values=FLAGS
)


def main(values: flags.FlagValues, arguments: list[str]) -> int:
    if not arguments:
        raise UserError("name at least one folder of results: dslt score RESULTS_DIR...")
    if values.dataset is None:
        raise UserError(f"which benchmark? --dataset {' | '.join(datasets.LAYOUTS)}")
    problems: list[str] = []
    try:
        dataset = datasets.load(values.dataset, values.root, values.annotations)
        policy = metrics.by_name(values.policy or dataset.policy, values.thresholds)
        dataset = _readable(dataset, problems)
    except ValueError as error:
        raise UserError(str(error)) from None
    read = []
    for folder in arguments:
        try:
            read.append(results.read(folder, dataset, values.format, values.experiment))
            problems += read[-1].problems
        except (results.ResultsError, datasets.DatasetError) as error:
            problems.append(str(error))
    if not read:
        raise UserError("; ".join(problems))
    names = results.common(result.runs for result in read)
    if not names:
        raise UserError("these trackers have no sequence in common")
    notes = list(dataset.notes)
    most = max(len(result.runs) for result in read)
    if len(names) < most:
        notes.append(f"compared on the {len(names)} sequences that all trackers have, not {most}")
    dataset = dataset.subset(names)
    print(f"{dataset.name}: {len(names)} sequences, {sum(map(len, dataset))} frames")
    try:
        if any(result.supervised for result in read):
            _print_supervised(values, dataset, read, notes)
        elif all(result.format == "vot" for result in read):
            _print_unsupervised(values, dataset, read)
        else:
            _print_scores(values, dataset, read, policy, notes)
    except ValueError as error:
        raise UserError(str(error)) from None
    for line in notes + problems:
        print(f"dslt score: {line}", file=sys.stderr)
    return 1 if problems else 0


def _readable(dataset: datasets.Dataset, problems: list[str]) -> datasets.Dataset:
    """Leaves out the sequences whose annotations cannot be read."""
    names = []
    for name in dataset.names:
        try:
            names.append(dataset[name].name)
        except datasets.DatasetError as error:
            problems.append(str(error))
    if not names:
        raise UserError(f"no sequence of {dataset.name} can be read: {problems[0]}")
    return dataset.subset(names)


def _print_scores(
    values: flags.FlagValues,
    dataset: datasets.Dataset,
    read: list[results.Results],
    policy: metrics.Policy,
    notes: list[str],
) -> None:
    scores = [metrics.evaluate(dataset, result.boxes, policy, result.tracker) for result in read]
    scores.sort(key=lambda score: -score.summary()["auc"])
    notes += [f"{score.tracker}, {line}" for score in scores for line in score.problems]
    print(policy.describe())
    print(tables.leaderboard(scores))
    if policy.name == "got10k":
        print(tables.pooled(scores))
    if values.attributes:
        print(tables.groups(scores, scores[0].by_attribute()))
    if values.sequences:
        print(tables.groups(scores, {name: (name,) for name in scores[0].names}))
    if values.compare:
        base = [score for score in scores if score.tracker == values.compare]
        if not base:
            known = ", ".join(score.tracker for score in scores)
            raise UserError(f"--compare {values.compare}: the trackers here are {known}")
        print(tables.comparisons(scores, base[0]))
    if values.csv:
        _write(Path(values.csv), tables.to_csv(scores))


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


def _print_unsupervised(
    values: flags.FlagValues, dataset: datasets.Dataset, read: list[results.Results]
) -> None:
    variant = vot.Variant(name="toolkit", raster=not values.exact)
    print(f"{variant.describe()}, one pass without resets")
    print("average overlap, area under the success curve")
    for result in read:
        overlap, _, success = vot.average_overlap(dataset, result.runs, variant)
        print(f"{result.tracker}  {overlap:.4f}  {success.mean():.4f}")


def _write(path: Path, text: str) -> None:
    try:
        temporary = path.with_name(path.name + ".tmp")
        temporary.write_text(text)
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None
