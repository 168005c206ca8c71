"""The README's figure: accuracy against speed, ours and trackers that people know.

    python experiments/pictures/accuracy_speed.py

Reads docs/data/scores.csv and docs/data/published.csv, which name the source of every figure, and
leaves docs/images/accuracy_speed.png. Accuracy is the AUC on the 17 targets of OTB-100 that the
README names, scored alike for all. Speed is not alike: ours is measured here, that of others is
what their papers print, of their own machines, many with a GPU.
"""

import csv
from pathlib import Path

import matplotlib
import numpy as np
from absl import app, flags

matplotlib.use("agg")
from matplotlib import pyplot
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

DOCS = Path(__file__).parents[2] / "docs"
OURS, GPU, CPU = "#d1495b", "#30638e", "#3d8b6f"
# Where a label may stand beside its mark, the best first: offset in points, and how it is aligned.
PLACES = [
    ((0, 5), "center", "bottom"),
    ((0, -6), "center", "top"),
    ((6, 0), "left", "center"),
    ((-6, 0), "right", "center"),
    ((5, 4), "left", "bottom"),
    ((-5, -4), "right", "top"),
    ((5, -4), "left", "top"),
    ((-5, 4), "right", "bottom"),
    ((0, -14), "center", "top"),
    ((0, 13), "center", "bottom"),
]

FLAGS = flags.FLAGS
flags.DEFINE_string("data", str(DOCS / "data"), "the folder of scores.csv and published.csv")
flags.DEFINE_string("output", str(DOCS / "images" / "accuracy_speed.png"), "the file to write")


def read(path: Path) -> list[dict[str, str]]:
    """Returns the rows that have both accuracy and speed."""
    with path.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["auc"] and row["fps"]]


def around(axes, place: tuple[float, float]) -> Bbox:
    """Returns what a mark covers."""
    x, y = axes.transData.transform(place)
    return Bbox.from_extents(x - 7, y - 7, x + 7, y + 7)


def write(axes, text: str, place: tuple[float, float], taken: list[Bbox], **style) -> Bbox:
    """Writes a label where it lies on nothing that is taken, nor near another's, if it can."""
    own = around(axes, place)
    others = [box for box in taken if not np.array_equal(box.extents, own.extents)]

    def lies(option) -> tuple[int, Annotation]:
        offset, ha, va = option
        label = axes.annotate(
            text, place, offset, textcoords="offset points", ha=ha, va=va, **style
        )
        extent = label.get_window_extent()
        inside = axes.bbox.contains(*extent.min) and axes.bbox.contains(*extent.max)
        near = extent.padded(8).count_overlaps(others)  # it might be taken for theirs
        hidden = extent.count_overlaps(others)
        return 100 * (not inside) + 10 * hidden + near, label

    labels = [lies(option) for option in PLACES]
    best = min(labels, key=lambda found: found[0])[1]
    for _, label in labels:
        if label is not best:
            label.remove()
    return best.get_window_extent()


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    data = Path(FLAGS.data)
    # Who has no speed, measured or printed, cannot be placed.
    ours, others = (
        [row for row in read(data / f"{name}.csv") if row["fps"]]
        for name in ("scores", "published")
    )
    figure, axes = pyplot.subplots(figsize=(8.4, 5.4), layout="constrained")
    groups = [
        (ours, OURS, "o", "dslt_jax, on a CPU (measured)"),
        ([row for row in others if row["machine"] == "CPU"], CPU, "s", "others, CPU (printed)"),
        ([row for row in others if row["machine"] == "GPU"], GPU, "^", "others, GPU (printed)"),
    ]
    for rows, color, marker, label in groups:
        speeds, scores = ([float(row[key]) for row in rows] for key in ("fps", "auc"))
        axes.scatter(speeds, scores, s=46, color=color, marker=marker, label=label, zorder=3)
    axes.set(
        xscale="log",
        xlim=(0.2, 1200),
        ylim=(0.24, 0.76),
        xlabel="frames a second",
        ylabel="AUC, one pass over 17 targets of OTB-100",
    )
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.25)
    legend = axes.legend(loc="lower left", fontsize=8)
    figure.canvas.draw()
    taken = [legend.get_window_extent()]
    marks = [(row, color, rows is ours) for rows, color, *_ in groups for row in rows]
    taken += [around(axes, (float(row["fps"]), float(row["auc"]))) for row, *_ in marks]
    for row, color, own in marks:
        style = {"color": color, "fontsize": 7.5, "fontweight": "bold" if own else "normal"}
        place = float(row["fps"]), float(row["auc"])
        taken.append(write(axes, row["tracker"], place, taken, **style))
    path = Path(FLAGS.output)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    print(f"{path}: {len(ours)} of ours, {len(others)} others, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    app.run(main)
