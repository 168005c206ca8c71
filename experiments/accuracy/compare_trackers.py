"""All systems over one folder in OTB layout: accuracy, speed and cost, beside published boxes.

    python experiments/accuracy/compare_trackers.py --data ../shared/data/otb
    python experiments/accuracy/compare_trackers.py --data DIR --presets mosse,kcf,compact

Every preset is a run of `dslt benchmark` in its own folder of --output/runs, the cheapest first.
The table is written after each, so that the first minutes already show something, and printed last:

    AUC, P20      scored as OTB's toolkit does
    authors' AUC  of the boxes that the system's authors published, on the same sequences
    frames/s      without each first frame; from picture to box, learning included
    first frame   without compiling
    compiling     with an empty cache of programs
    memory        of the process at its peak
    parameters    of the frozen networks

A preset whose weights are not here is named and left out. The same command goes on where it was
stopped. Leaves compare.csv and compare.png (speed against accuracy) in --output; a page of the runs
is made by the command that is printed last. Speeds are of this machine as busy as it was, so
compare those of one sitting.
"""

import csv
import json
import re
from pathlib import Path
from typing import Any

import ablation
import costs
import numpy as np
from absl import app, flags, logging

from dslt_jax import presets
from dslt_jax.app.spec import Spec
from dslt_jax.benchmarks import datasets, metrics, results, runs
from dslt_jax.cli.main import main as dslt

FLAGS = flags.FLAGS
INTERRUPTED = 130
COLUMNS = {  # of the table: title and format
    "tracker": ("tracker", "{}"),
    "sequences": ("n", "{}"),
    "auc": ("AUC", "{:.3f}"),
    "p20": ("P20", "{:.3f}"),
    "authors_auc": ("authors' AUC", "{:.3f}"),
    "fps": ("frames/s", "{:.1f}"),
    "first_frame_seconds": ("first frame, s", "{:.2f}"),
    "compile_seconds": ("compiling, s", "{:.1f}"),
    "memory_mb": ("memory, MB", "{:.0f}"),
    "parameters": ("parameters", "{:,}"),
}
Row = dict[str, Any]


def define_flags(output: str) -> None:
    flags.DEFINE_string("data", "../shared/data/otb", "folder of sequences in OTB layout")
    flags.DEFINE_list("sequences", [], "only these, e.g. Deer,Skiing")
    flags.DEFINE_list("presets", [], f"only these of {', '.join(presets.PRESETS)}")
    flags.DEFINE_string("published", "../shared/results/otb100", "folder of published results")
    flags.DEFINE_string("output", output, "folder of the runs, the table and the figure")
    flags.DEFINE_integer("workers", 1, "processes at once", lower_bound=1)


def usable(names: list[str]) -> tuple[list[str], list[str]]:
    """Returns the presets whose weights are here, cheapest first, and a sentence on each other.

    Raises:
      ValueError: there is no such preset.
    """
    trackers = {name: presets.by_name(name) for name in names}
    found, missing = [], []
    for name in sorted(trackers, key=lambda name: costs.parameters(trackers[name])):
        try:
            Spec(name).describe()
            found.append(name)
        except ValueError as error:  # no weights
            missing.append(f"{name} is left out: {error}")
    return found, missing


def follow(name: str, dataset: datasets.Dataset) -> int:
    """Runs what is not done of a preset; returns the command's status."""
    command = ["dslt", "benchmark", "--dataset=otb", f"--root={FLAGS.data}", f"--preset={name}"]
    command += [f"--output={_run(name)}", f"--sequences={','.join(dataset.names)}"]
    print(f"--- {name}", flush=True)
    return dslt([*command, f"--workers={FLAGS.workers}"])


def score(name: str, dataset: datasets.Dataset) -> Row:
    """Returns a preset's row: scores and speed of its run, costs as they were measured once."""
    found = runs.read(_run(name), dataset)
    mean = metrics.evaluate(dataset, found.boxes, tracker=name).summary()
    seconds = [one.seconds for group in found.runs.values() for one in group]
    later = np.concatenate([s[1:] for s in seconds])
    first = np.mean([s[0] for s in seconds])
    return {
        "tracker": name,
        "sequences": len(found.boxes),
        "auc": mean["auc"],
        "p20": mean["p20"],
        "fps": len(later) / later.sum(),
        "first_frame_seconds": float(first),
    } | measured(name)


def measured(name: str) -> Row:
    """Returns the costs, measured where they were not yet; none where that fails."""
    file = Path(FLAGS.output) / "costs" / f"{name}.json"
    if file.is_file():
        return json.loads(file.read_text())
    try:
        found = costs.apart(name)._asdict()
    except RuntimeError as error:
        print(f"compare_trackers: the costs of {name} cannot be measured: {error}")
        return {}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found))
    return found


def published(dataset: datasets.Dataset) -> list[Row]:
    """Returns a row for each folder of published boxes, scored on the same sequences."""
    rows: list[Row] = []
    folder = Path(FLAGS.published)
    if not folder.is_dir():
        print(f"no published results in {folder}: nothing to compare with")
        return rows
    for path in sorted(p for p in folder.iterdir() if p.is_dir()):
        try:
            boxes = results.read(path, dataset).boxes
        except results.ResultsError as error:
            print(error)
            continue
        mean = metrics.evaluate(dataset, boxes, tracker=path.name).summary()
        name = f"{path.name}, published boxes"
        rows.append({"tracker": name, "sequences": len(boxes)} | mean)
    return rows


def report(ours: list[Row], others: list[Row]) -> str:
    """Writes the table, draws the figure, and returns the table as text."""
    authors = {_plain(row["tracker"].split(",")[0]): row["auc"] for row in others}
    ours = [row | {"authors_auc": authors.get(_plain(row["tracker"]))} for row in ours]
    rows = sorted([*ours, *others], key=lambda row: -row["auc"])
    with (Path(FLAGS.output) / "compare.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(COLUMNS), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    cells = [[title for title, _ in COLUMNS.values()]]
    for row in rows:
        pairs = ((row.get(key), text) for key, (_, text) in COLUMNS.items())
        cells.append(["" if value is None else text.format(value) for value, text in pairs])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    draw(ours)
    lines = []
    for line in cells:
        name, *numbers = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        lines.append("  ".join([name.strip().ljust(widths[0]), *numbers]).rstrip())
    return "\n".join(lines)


def draw(ours: list[Row]) -> None:
    """Speed against accuracy; an open circle is the authors' boxes, at our speed."""
    figure, axis = ablation.pyplot().subplots(figsize=(6, 4.5), layout="constrained")
    for row in ours:
        point = row["fps"], row["auc"]
        (dot,) = axis.plot(*point, "o", markersize=6)
        axis.annotate(row["tracker"], point, xytext=(5, 4), textcoords="offset points")
        if row["authors_auc"] is not None:
            both = [row["auc"], row["authors_auc"]]
            color = dot.get_color()
            axis.plot([row["fps"]] * 2, both, color=color, linewidth=0.8)
            axis.plot(row["fps"], row["authors_auc"], "o", color=color, markerfacecolor="white")
    axis.set(xscale="log", xlabel="frames a second", ylabel="success AUC")
    axis.set_title("open circles: the authors' published boxes", fontsize=9)
    axis.margins(0.12)
    exponents = np.log10([row["fps"] for row in ours])
    axis.set_xlim(10 ** np.floor(exponents.min()), 10 ** (np.floor(exponents.max()) + 1))
    figure.savefig(Path(FLAGS.output) / "compare.png", dpi=100)
    ablation.pyplot().close(figure)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    logging.set_verbosity(logging.WARNING)
    ablation.pyplot()
    dataset = ablation.load_dataset()
    try:
        names, missing = usable(FLAGS.presets or list(presets.PRESETS))
    except ValueError as error:
        raise SystemExit(f"compare_trackers: {error}") from None
    for sentence in missing:
        print(f"compare_trackers: {sentence}")
    others, ours, problems, table = published(dataset), [], [], ""
    try:
        for name in names:
            status = follow(name, dataset)
            if status > 128:  # Ctrl-C or another signal ended it, and ends this too
                raise SystemExit(status)
            if status:
                problems.append(f"{name} is not complete")
            try:
                ours.append(score(name, dataset))
            except ValueError as error:  # it has no results
                print(f"compare_trackers: {name}: {error}")
                continue
            table = report(ours, others)
    except (KeyboardInterrupt, SystemExit) as stop:
        print(table)
        raise SystemExit(getattr(stop, "code", INTERRUPTED)) from None
    if ours:
        print(table)
        folders = " ".join(str(_run(row["tracker"])) for row in ours)
        print(f"{FLAGS.output}/compare.csv, {FLAGS.output}/compare.png")
        print(f"a page of them: dslt report {folders} --output {FLAGS.output}/report")
    if problems or not ours:
        raise SystemExit(
            f"compare_trackers: {'; '.join(problems) or 'there is nothing to compare'}"
        )


def _run(name: str) -> Path:
    return Path(FLAGS.output) / "runs" / name


def _plain(name: str) -> str:
    return re.sub(r"\W|_", "", name).lower()


if __name__ == "__main__":
    define_flags("runs/compare")
    app.run(main)
