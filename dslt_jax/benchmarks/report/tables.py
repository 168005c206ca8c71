"""The report's tables for a paper and for a spreadsheet: LaTeX and CSV."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from dslt_jax.benchmarks.report.files import leave, save
from dslt_jax.benchmarks.report.model import Measure, Report

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def write_tables(report: Report, folder: Path) -> list[Path]:
    """Writes leaderboard and attributes as .tex and .csv, sequences as .csv; returns the paths.

    Raises:
        ReportError: a file cannot be written.
    """
    texts = {"leaderboard.csv": leaderboard_csv(report), "leaderboard.tex": leaderboard_tex(report)}
    if report.groups:
        texts |= {
            "attributes.csv": attributes_csv(report),
            "attributes.tex": attributes_tex(report),
        }
    texts["sequences.csv"] = sequences_csv(report)
    written = [_save(folder / name, text) for name, text in texts.items()]
    return leave(folder, written, ["attributes.csv", "attributes.tex"])


def leaderboard_csv(report: Report) -> str:
    """Returns a row a tracker, best first: every measure, intervals, frames a second."""
    intervals = [m.key for m in report.measures if m.key in report.trackers[0].intervals]
    bounds = [f"{key}_{end}" for key in intervals for end in ("low", "high")]
    keys = [measure.key for measure in report.measures]
    rows: list[list[object]] = [["tracker", "policy", *keys, *bounds, "fps"]]
    for i in report.ranked(report.main):
        tracker = report.trackers[i]
        scores = [_number(tracker.summary[key]) for key in keys]
        ends = [_number(end) for key in intervals for end in tracker.intervals[key][1:]]
        fps = "" if tracker.fps is None else f"{tracker.fps:.3f}"
        rows.append([tracker.name, report.policy, *scores, *ends, fps])
    return _csv(rows)


def attributes_csv(report: Report) -> str:
    """Returns a row an attribute and tracker: every measure of it."""
    keys = list(report.groups[0].values)
    rows: list[list[object]] = [["attribute", "sequences", "tracker", *keys]]
    for group in report.groups:
        for t, tracker in enumerate(report.trackers):
            scores = [_number(group.values[key][t]) for key in keys]
            rows.append([group.code, group.count, tracker.name, *scores])
    return _csv(rows)


def sequences_csv(report: Report) -> str:
    """Returns a row a sequence and tracker: every measure of it."""
    keys = list(report.trackers[0].by_sequence)
    rows: list[list[object]] = [["sequence", "frames", "tracker", *keys]]
    for s, sequence in enumerate(report.dataset):
        for tracker in report.trackers:
            scores = [_number(tracker.by_sequence[key][s]) for key in keys]
            rows.append([sequence.name, len(sequence), tracker.name, *scores])
    return _csv(rows)


def leaderboard_tex(report: Report) -> str:
    """Returns a booktabs table, best first; the best number bold, the second underlined."""
    order = report.ranked(report.main)
    columns = []
    for measure in report.measures:
        scores = [report.trackers[i].summary[measure.key] for i in order]
        columns.append(_emphasised(scores, measure))
    rows = [
        [_escape(report.trackers[i].name), *(column[row] for column in columns)]
        for row, i in enumerate(order)
    ]
    return _tex(["Tracker", *(measure.title for measure in report.measures)], rows, report.policy)


def attributes_tex(report: Report) -> str:
    """Returns a booktabs table of the main measure: a row a tracker, a column an attribute."""
    order = report.ranked(report.main)
    measure = report.measure(report.main)
    columns = [
        _emphasised([float(group.values[report.main][i]) for i in order], measure)
        for group in report.groups
    ]
    rows = [
        [_escape(report.trackers[i].name), *(column[row] for column in columns)]
        for row, i in enumerate(order)
    ]
    head = ["Tracker", *(f"{_escape(group.code)} ({group.count})" for group in report.groups)]
    return _tex(head, rows, f"{measure.title}, {report.policy}")


def _emphasised(scores: Sequence[float], measure: Measure) -> list[str]:
    """Formats numbers; those that print like the best are bold, like the second underlined."""
    texts = [f"{score:.{measure.digits}f}" if math.isfinite(score) else "--" for score in scores]
    printed = sorted({float(text) for text in texts if text != "--"}, reverse=measure.higher)
    marks = dict(zip(printed[:2], (r"\textbf{%s}", r"\underline{%s}"), strict=False))
    return [text if text == "--" else marks.get(float(text), "%s") % text for text in texts]


def _tex(head: Sequence[str], rows: Iterable[Sequence[str]], comment: str) -> str:
    lines = [
        f"% {comment}",
        r"% needs \usepackage{booktabs}",
        rf"\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}",
        r"\toprule",
        " & ".join(head) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _number(value: float | np.floating) -> str:
    return f"{value:.6f}" if math.isfinite(value) else ""


def _save(path: Path, text: str) -> Path:
    return save(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
