"""Scores as text: leaderboard, groups of sequences, comparisons, CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from dslt_jax.benchmarks import metrics
from dslt_jax.benchmarks.metrics import vot


def plural(count: int, word: str) -> str:
    """Returns e.g. "1 tracker", "2 trackers"."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def leaderboard(scores: Sequence[metrics.Scores]) -> str:
    """Returns a line a tracker: the mean of each measure and the 95 % interval of AUC."""
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


def pooled(scores: Sequence[metrics.Scores]) -> str:
    """Returns a line a tracker: GOT-10k's measures over all frames but each first."""
    width = max(len("tracker"), *(len(score.tracker) for score in scores))
    lines = ["", f"{'all frames':<{width}}      AO    SR50    SR75"]
    for score in scores:
        numbers = "  ".join(f"{number:6.4f}" for number in score.pooled.values())
        lines.append(f"{score.tracker:<{width}}  {numbers}")
    return "\n".join(lines)


def groups(scores: Sequence[metrics.Scores], members: Mapping[str, Sequence[str]]) -> str:
    """Returns a line a group of sequences: AUC/P20 of each tracker."""
    width = max(map(len, members), default=0) + 6
    columns = [max(11, len(score.tracker)) for score in scores]
    titles = zip(scores, columns, strict=True)
    lines = ["", " " * width + "".join(f"  {score.tracker:>{column}}" for score, column in titles)]
    for group, names in members.items():
        count = f" ({len(names)})" if len(names) > 1 else ""
        cells = [score.summary(names) for score in scores]
        pairs = "".join(
            "  " + f"{cell['auc']:.3f}/{cell['p20']:.3f}".rjust(column)
            for cell, column in zip(cells, columns, strict=True)
        )
        lines.append(f"{group + count:<{width}}{pairs}")
    return "\n".join(lines)


def comparisons(scores: Sequence[metrics.Scores], base: metrics.Scores) -> str:
    """Returns a line a tracker: AUC against `base` on the same sequences."""
    width = max(len(score.tracker) for score in scores)
    lines = ["", f"AUC against {base.tracker}: difference, 95 % interval, p, sequences won : lost"]
    for score in scores:
        if score is not base:
            result = metrics.paired(score.auc, base.auc)
            mean, low, high = result.difference
            lines.append(
                f"{score.tracker:<{width}}  {mean:+.4f}  {low:+.4f} .. {high:+.4f}  "
                f"p {result.p_value:.4f}  {result.wins} : {result.losses}"
            )
    return "\n".join(lines)


def vot_leaderboard(scores: Sequence[vot.VotScores]) -> str:
    """Returns a line a tracker: the measures of VOT's supervised experiment."""
    titles = ("EAO", "A", "R", "reliability", "failures", "per 100")
    width = max(len("tracker"), *(len(score.tracker) for score in scores))
    lines = [f"{'tracker':<{width}}" + "".join(f"  {title:>11}" for title in titles)]
    for score in scores:
        numbers = "".join(f"  {number:11.4f}" for number in score.summary().values())
        lines.append(f"{score.tracker:<{width}}{numbers}")
    return "\n".join(lines)


def to_csv(scores: Sequence[metrics.Scores]) -> str:
    """Returns a row a tracker and sequence, every measure with six decimals."""
    header = ("tracker", "sequence", "policy", "frames", *metrics.MEASURES)
    rows = []
    for score in scores:
        table = score.per_sequence()
        for row, name in enumerate(score.names):
            numbers = (float(table[key][row]) for key in metrics.MEASURES)
            rows.append((score.tracker, name, score.policy.name, score.frames[row], *numbers))
    return csv_text(header, rows)


def vot_to_csv(scores: Sequence[vot.VotScores]) -> str:
    """Returns a row a tracker and sequence of VOT's supervised experiment."""
    rows = []
    for score in scores:
        table = (score.lengths, score.accuracy_by_sequence, score.failures_by_sequence)
        for name, frames, accuracy, failures in zip(score.names, *table, strict=True):
            rows.append((score.tracker, name, frames, float(accuracy), float(failures)))
    return csv_text(("tracker", "sequence", "frames", "accuracy", "failures"), rows)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Returns a table as CSV, its floats with six decimals."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([f"{cell:.6f}" if isinstance(cell, float) else cell for cell in row])
    return text.getvalue()
