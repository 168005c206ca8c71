"""Scores folders of results against a benchmark's ground truth.

    dslt score RESULTS_DIR... --dataset otb100 --annotations DIR
    dslt score runs/compact results/ECO --dataset otb --root DIR --attributes --compare ECO

Each RESULTS_DIR is one tracker. Several trackers are compared on the sequences that all of them
have. The policy is printed with the scores: wu, got10k, pysot or vot.
"""

import csv
import io
import sys
from pathlib import Path

from absl import flags

from dslt_jax.benchmarks import datasets, metrics, results
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


def main(values: flags.FlagValues, arguments: list[str]) -> int:
    if not arguments:
        raise UserError("name at least one folder of results: dslt score RESULTS_DIR...")
    if values.dataset is None:
        raise UserError(f"which benchmark? --dataset {' | '.join(datasets.LAYOUTS)}")
    try:
        dataset = datasets.load(values.dataset, values.root, values.annotations)
        policy = metrics.by_name(values.policy or dataset.policy, values.thresholds)
    except ValueError as error:
        raise UserError(str(error)) from None
    problems = list(dataset.notes)
    scores = _score_all(dataset, arguments, policy, problems)
    problems += _keep_common(scores)
    scores.sort(key=lambda score: -score.summary()["auc"])

    print(f"{dataset.name}: {len(scores[0].names)} sequences, {scores[0].frames.sum()} frames")
    print(policy.describe())
    print(_leaderboard(scores))
    if values.attributes:
        print(_groups(scores, scores[0].by_attribute()))
    if values.sequences:
        print(_groups(scores, {name: (name,) for name in scores[0].names}))
    if values.compare:
        print(_comparisons(scores, values.compare))
    if values.csv:
        _write_csv(Path(values.csv), scores)
    for problem in problems:
        print(f"dslt score: {problem}", file=sys.stderr)
    return 1 if len(problems) > len(dataset.notes) else 0


def _score_all(
    dataset: datasets.Dataset,
    folders: list[str],
    policy: metrics.Policy,
    problems: list[str],
) -> list[metrics.Scores]:
    readable = []
    for name in dataset.names:
        try:
            dataset[name]
            readable.append(name)
        except datasets.DatasetError as error:
            problems.append(str(error))
    if not readable:
        raise UserError(f"no sequence of {dataset.name} can be read: {problems[-1]}")
    dataset = dataset.subset(readable)
    scores = []
    for folder in folders:
        try:
            boxes, missing = results.read(folder, dataset)
            problems += missing
            score = metrics.evaluate(dataset, boxes, policy, Path(folder).name)
            problems += [f"{score.tracker}, {problem}" for problem in score.problems]
            scores.append(score)
        except ValueError as error:
            problems.append(str(error))
    if not scores:
        raise UserError("; ".join(problems))
    return scores


def _keep_common(scores: list[metrics.Scores]) -> list[str]:
    """Cuts all scores to the sequences that all have; returns what to say about it."""
    names = results.common(score.names for score in scores)
    if all(len(score.names) == len(names) for score in scores):
        return []
    if not names:
        raise UserError("these trackers have no sequence in common")
    most = max(len(score.names) for score in scores)
    scores[:] = [score.only(names) for score in scores]
    return [f"the trackers are compared on the {len(names)} sequences that all have, not {most}"]


def _leaderboard(scores: list[metrics.Scores]) -> str:
    width = max(len("tracker"), *(len(score.tracker) for score in scores))
    titles = [f"{title:>6}" for title in metrics.MEASURES.values()]
    lines = [f"{'tracker':<{width}}  {'  '.join(titles)}   95 % interval of AUC"]
    for score in scores:
        numbers = [f"{number:6.4f}" for number in score.summary().values()]
        interval = metrics.bootstrap(score.auc)
        lines.append(
            f"{score.tracker:<{width}}  {'  '.join(numbers)}   "
            f"{interval.low:.4f} .. {interval.high:.4f}"
        )
    return "\n".join(lines)


def _groups(scores: list[metrics.Scores], groups: dict[str, tuple[str, ...]]) -> str:
    """A line a group of sequences, AUC/P20 of each tracker."""
    width = max(map(len, groups), default=0) + 6
    lines = ["", " " * width + "".join(f"  {score.tracker[:11]:>11}" for score in scores)]
    for group, names in groups.items():
        count = f" ({len(names)})" if len(names) > 1 else ""
        cells = [score.summary(names) for score in scores]
        pairs = "".join(f"  {cell['auc']:.3f}/{cell['p20']:.3f}" for cell in cells)
        lines.append(f"{group + count:<{width}}{pairs}")
    return "\n".join(lines)


def _comparisons(scores: list[metrics.Scores], base: str) -> str:
    found = [score for score in scores if score.tracker == base]
    if not found:
        known = ", ".join(score.tracker for score in scores)
        raise UserError(f"--compare {base}: the trackers here are {known}")
    lines = ["", f"AUC against {base}: difference, 95 % interval, p, sequences won : lost"]
    for score in scores:
        if score is not found[0]:
            result = metrics.paired(score.auc, found[0].auc)
            mean, low, high = result.difference
            lines.append(
                f"{score.tracker:<12} {mean:+.4f}  {low:+.4f} .. {high:+.4f}  "
                f"p {result.p_value:.4f}  {result.wins} : {result.losses}"
            )
    return "\n".join(lines)


def _write_csv(path: Path, scores: list[metrics.Scores]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["tracker", "sequence", "policy", "frames", *metrics.MEASURES])
    for score in scores:
        table = score.per_sequence()
        for row, name in enumerate(score.names):
            numbers = [f"{table[key][row]:.6f}" for key in metrics.MEASURES]
            writer.writerow([score.tracker, name, score.policy.name, score.frames[row], *numbers])
    try:
        temporary = path.with_name(path.name + ".tmp")
        temporary.write_text(text.getvalue())
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None
