"""The report's plots for a paper, as PDF and PNG (extra `report`)."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dslt_jax.benchmarks.report import names
from dslt_jax.benchmarks.report.files import ReportError, leave, save
from dslt_jax.benchmarks.report.model import Curve, Report, Tracker

# All that a report may have.
PLOTS = ["success", "precision", "eao", "attributes", "speed", "accuracy_robustness", "eao_ranking"]
NAMES = [f"{plot}{suffix}" for plot in PLOTS for suffix in (".pdf", ".png")]
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "lines.linewidth": 1.5,
    "pdf.fonttype": 42,
    "savefig.dpi": 200,
}


def write_figures(report: Report, folder: Path) -> list[Path]:
    """Writes every plot of the report as .pdf and .png and returns the paths.

    Raises:
        ReportError: matplotlib is not installed or a file cannot be written.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise ReportError("figures need matplotlib: pip install 'dslt-jax[report]'") from None
    plots: dict[str, Callable[[Any], None]] = {
        curve.key: functools.partial(_curve, report=report, curve=curve) for curve in report.curves
    }
    if len(report.groups) >= 3:
        plots["attributes"] = functools.partial(_radar, report=report)
    # A plot without a point has no limits.
    if any(tracker.fps and _known(tracker, report.main) for tracker in report.trackers):
        plots["speed"] = functools.partial(_speed, report=report)
    if report.supervised and any(_known(tracker, "accuracy") for tracker in report.trackers):
        plots["accuracy_robustness"] = functools.partial(_accuracy_robustness, report=report)
    if report.supervised and any(_known(tracker, "eao") for tracker in report.trackers):
        plots["eao_ranking"] = functools.partial(_eao_ranking, report=report)
    written = []
    with matplotlib.rc_context(STYLE):
        for name, draw in plots.items():
            figure = Figure(figsize=(5.2, 3.9), layout="constrained")
            draw(figure)
            for suffix in (".pdf", ".png"):
                # Without the date the same results give the same bytes.
                metadata = {"CreationDate": None} if suffix == ".pdf" else {}
                write = functools.partial(figure.savefig, metadata=metadata)
                written.append(save(folder / f"{name}{suffix}", write))
    return leave(folder, written, NAMES)


def _known(tracker: Tracker, measure: str) -> bool:
    return bool(np.isfinite(tracker.summary[measure]))


def _text(name: str) -> str:
    """A name as plain text: a $ begins mathematics, and what begins with _ is in no legend."""
    return (f" {name}" if name.startswith("_") else name).replace("$", r"\$")


def _line(index: int) -> dict[str, Any]:
    style = {"": "-", "7 3": "--", "2 3": ":"}[names.dash(index)]
    return {"color": names.color(index), "linestyle": style}


def _curve(figure: Any, report: Report, curve: Curve) -> None:
    axes = figure.add_subplot(xlabel=curve.x_title, ylabel=curve.y_title, title=curve.title)
    for i in report.ranked(curve.measure):
        score = report.trackers[i].summary[curve.measure]
        label = _text(report.trackers[i].name)
        if np.isfinite(score):
            label += f" [{score:.3f}]"
        axes.plot(curve.x, curve.y[i], label=label, **_line(i))
    if curve.band:
        axes.axvspan(*curve.band, color="#888888", alpha=0.12, linewidth=0)
    axes.set_xlim(curve.x[0], curve.x[-1])
    axes.set_ylim(0, 1)
    # Where the papers have it: success falls, precision rises.
    places = {"success": "lower left", "precision": "lower right"}
    axes.legend(loc=places.get(curve.key, "upper right"))


def _radar(figure: Any, report: Report) -> None:
    axes = figure.add_subplot(projection="polar")
    count = len(report.groups)
    angles = np.arange(count + 1) * 2 * np.pi / count
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    for i in report.ranked(report.main):
        values = [group.values[report.main][i] for group in report.groups]
        axes.plot(angles, [*values, values[0]], label=_text(report.trackers[i].name), **_line(i))
    axes.set_rlabel_position(180 / count)
    axes.tick_params(axis="x", pad=7)
    axes.tick_params(axis="y", labelsize=7, labelcolor="#777777")
    axes.set_xticks(angles[:-1], [f"{_text(g.code)} ({g.count})" for g in report.groups])
    title = f"{report.measure(report.main).title} by attribute"
    axes.set_title(title, pad=14)
    axes.legend(loc="upper left", bbox_to_anchor=(1.18, 1.05))


def _scatter(figure: Any, report: Report, x: list[float | None], y_key: str) -> Any:
    axes = figure.add_subplot(ylabel=report.measure(y_key).title)
    for i, tracker in enumerate(report.trackers):
        if x[i] is not None and _known(tracker, y_key):
            point = (x[i], tracker.summary[y_key])
            axes.plot(*point, "o", color=names.color(i), markersize=6)
            axes.annotate(
                _text(tracker.name), point, xytext=(5, 4), textcoords="offset points", fontsize=7.5
            )
    axes.margins(0.12)
    return axes


def _speed(figure: Any, report: Report) -> None:
    axes = _scatter(figure, report, [tracker.fps for tracker in report.trackers], report.main)
    known = [tracker.fps for tracker in report.trackers if tracker.fps]
    axes.set_xlim(min(known) / 2, max(known) * 3)  # before the scale, which takes no single point
    axes.set_xscale("log")
    axes.set_xlabel("frames a second")
    axes.set_title("Speed and accuracy")


def _accuracy_robustness(figure: Any, report: Report) -> None:
    x: list[float | None] = [tracker.summary["reliability"] for tracker in report.trackers]
    axes = _scatter(figure, report, x, "accuracy")
    axes.set_xlabel("reliability (S = 30)")
    axes.set_ylabel("accuracy")
    axes.set_xlim(0, 1)
    axes.set_title("A-R plot")


def _eao_ranking(figure: Any, report: Report) -> None:
    order = [i for i in report.ranked("eao") if _known(report.trackers[i], "eao")]
    axes = figure.add_subplot(xlabel="rank", ylabel="EAO", title="Expected average overlap")
    for rank, i in enumerate(order, start=1):
        tracker = report.trackers[i]
        label = f"{_text(tracker.name)} [{tracker.summary['eao']:.3f}]"
        axes.plot(rank, tracker.summary["eao"], "o", color=names.color(i), label=label)
    # The best tracker stands at the right, as in the challenge's plots.
    axes.set_xlim(len(order) + 0.5, 0.5)
    axes.set_xticks(range(1, len(order) + 1))
    axes.legend(loc="upper left")
