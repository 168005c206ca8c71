"""The report as one HTML page that needs nothing else: its style, its scripts, its data."""

import html
import json
import math
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from dslt_jax.benchmarks import reference as reference_lib
from dslt_jax.benchmarks.report import frames, names, tracks
from dslt_jax.benchmarks.report.files import save
from dslt_jax.benchmarks.report.model import Report, Tracker
from dslt_jax.version import __version__

SCRIPTS = (
    "base.js",
    "charts.js",
    "sortable.js",
    "tables.js",
    "tracks.js",
    "player.js",
    "main.js",
)
CURVE_STEPS = 10_000  # curves are kept as whole numbers of this part
UNDEFINED = -1


def write_page(
    report: Report, folder: Path, *, reference: bool = False, embed_frames: bool = False
) -> Path:
    """Writes `index.html` and returns its path.

    Args:
        report: what to show.
        folder: where the page goes; images of the benchmark are linked from there.
        reference: whether to show published numbers of this benchmark.
        embed_frames: whether small copies of the images are part of the page.

    Raises:
        ReportError: the page cannot be written.
    """
    text = render(report, folder, reference=reference, embed_frames=embed_frames)
    return save(folder / "index.html", lambda path: path.write_text(text, encoding="utf-8"))


def render(
    report: Report, folder: Path, *, reference: bool = False, embed_frames: bool = False
) -> str:
    """Returns the page's HTML; arguments as for `write_page`."""
    # Targets in the same folder (Jogging-1, Jogging-2) share their images.
    embedded: dict[str, str] = {}
    sequences = []
    for index, sequence in enumerate(report.dataset):
        widths, track = tracks.packed(report, index)
        images = frames.links(sequence, folder)
        if images and embed_frames:
            key = f"{images['folder']}{sequence.start}+{len(sequence)}"
            if key not in embedded:
                embedded[key] = _json(frames.thumbnails(sequence))
            images = {"embedded": list(embedded).index(key)}
        sequences.append(
            {
                "name": sequence.name,
                "frames": len(sequence),
                "start": sequence.start,
                "attributes": list(sequence.attributes),
                "size": frames.view_size(sequence),
                "images": images,
                "widths": widths,
                "track": track,
            }
        )
    data = {
        "title": report.title,
        "version": __version__,
        "dataset": names.dataset(report.dataset.name),
        "policy": report.policy,
        "protocol": names.protocol(report.protocol),
        "notes": report.notes,
        "supervised": report.supervised,
        "main": report.main,
        "measures": [vars(measure) for measure in report.measures],
        "trackers": [_tracker(tracker, i) for i, tracker in enumerate(report.trackers)],
        "sequences": sequences,
        "groups": [
            {"code": g.code, "name": g.name, "count": g.count, "values": _lists(g.values)}
            for g in report.groups
        ],
        "curves": [_curve(report, i) for i in range(len(report.curves))],
        "failures": tracks.failures(report),
        "lost": {"under": tracks.LOST_UNDER, "frames": tracks.LOST_FRAMES},
        "reference": _reference(report) if reference else None,
    }
    images_html = "".join(
        f'<script type="application/json" id="frames-{i}">{text}</script>\n'
        for i, text in enumerate(embedded.values())
    )
    parts = {
        "title": html.escape(report.title),
        "style": _static("page.css"),
        "data": _json(data),
        "images": images_html,
        "script": "\n".join(_static(name) for name in SCRIPTS),
    }
    before, *rest = _static("page.html").split("{{")
    slots = (slot.split("}}", 1) for slot in rest)
    return before + "".join(parts[name] + after for name, after in slots)


def _static(name: str) -> str:
    static = resources.files("dslt_jax.benchmarks.report").joinpath("static", name)
    return static.read_text(encoding="utf-8")


def _tracker(tracker: Tracker, index: int) -> dict[str, Any]:
    against = tracker.against
    return {
        "name": tracker.name,
        "color": names.color(index),
        "dash": names.dash(index),
        "fps": tracker.fps,
        "summary": dict(tracker.summary),
        "intervals": {key: [i.low, i.high] for key, i in tracker.intervals.items()},
        "sequences": _lists(tracker.by_sequence),
        "against": against
        and {
            "difference": list(against.difference),
            "p": against.p_value,
            "wins": against.wins,
            "losses": against.losses,
        },
    }


def _curve(report: Report, index: int) -> dict[str, Any]:
    curve = report.curves[index]
    values = curve.y if curve.by_sequence is None else curve.by_sequence
    whole = np.where(np.isnan(values), UNDEFINED, np.round(values * CURVE_STEPS))
    return {
        "key": curve.key,
        "title": curve.title,
        "xTitle": curve.x_title,
        "yTitle": curve.y_title,
        "measure": curve.measure,
        "x": curve.x.tolist(),
        "y": whole.astype(int).tolist(),
        "bySequence": curve.by_sequence is not None,
        "band": curve.band,
        "steps": CURVE_STEPS,
    }


def _reference(report: Report) -> dict[str, Any]:
    found = reference_lib.find(report.dataset.name)
    keys = [m.key for m in report.measures if any(m.key in row for row in found.values())]
    rows = [
        {
            "tracker": tracker,
            "values": [row[key].value if key in row else None for key in keys],
            "kind": ", ".join(sorted({number.kind for number in row.values()})),
            "source": "; ".join(sorted({number.source for number in row.values()})),
        }
        for tracker, row in found.items()
    ]
    return {"keys": keys, "rows": rows}


def _lists(values: Mapping[str, np.ndarray]) -> dict[str, list[float]]:
    return {key: np.round(array, 6).tolist() for key, array in values.items()}


def _json(value: object) -> str:
    """Returns JSON that can stand inside a script element; NaN is null."""
    text = json.dumps(_finite(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c")


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
