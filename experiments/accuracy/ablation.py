"""Variants of a tracker over a folder in OTB layout, and how they compare: for the ablations.

Each variant is a run of `dslt benchmark` in a folder of its own, so that an ablation which was
stopped goes on where it was.
"""

import csv
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from absl import flags

from dslt_jax.benchmarks import datasets, metrics, runs
from dslt_jax.benchmarks.metrics import compare
from dslt_jax.cli import common
from dslt_jax.cli.main import main as dslt

FLAGS = flags.FLAGS


class Variant(NamedTuple):
    """A tracker that differs from the preset in some settings."""

    name: str
    settings: tuple[str, ...]


def define_flags(output: str) -> None:
    """Adds the flags that the ablations share."""
    flags.DEFINE_string("data", "../shared/data/otb", "folder of sequences in OTB layout")
    flags.DEFINE_list("sequences", [], "only these, e.g. Deer,Skiing")
    flags.DEFINE_string("output", output, "folder of the runs, the tables and the figures")
    flags.DEFINE_integer("workers", 2, "processes at once", lower_bound=1)
    common.define_tracker_flags(FLAGS)


def load_dataset() -> datasets.Dataset:
    """The sequences asked for; raises SystemExit with the reason when there are none."""
    try:
        dataset = datasets.load("otb", FLAGS.data)
        return dataset.subset(FLAGS.sequences) if FLAGS.sequences else dataset
    except ValueError as error:
        raise SystemExit(str(error)) from None


def track(variant: Variant, dataset: datasets.Dataset) -> metrics.Scores:
    """Runs what is not done of a variant and returns its scores."""
    folder = Path(FLAGS.output) / "runs" / re.sub(r"[^\w.=-]+", "_", variant.name)
    command = ["dslt", "benchmark", "--dataset=otb", f"--root={FLAGS.data}", f"--output={folder}"]
    command += [f"--sequences={','.join(dataset.names)}", f"--workers={FLAGS.workers}"]
    command += [f"--preset={FLAGS.preset}"]
    command += [f"--set={setting}" for setting in (*FLAGS["set"].value, *variant.settings)]
    command += [f"--weights={FLAGS.weights}"] if FLAGS.weights else []
    command += [f"--seed={FLAGS.seed}", f"--keep_compiled={FLAGS.keep_compiled}"]
    print(f"--- {variant.name}: {' '.join(variant.settings) or 'the preset'}", flush=True)
    status = dslt(command)
    if status:
        raise SystemExit(status)
    return metrics.evaluate(dataset, runs.read(folder, dataset).boxes, tracker=variant.name)


def report(scores: dict[str, metrics.Scores], reference: str, more: dict[str, list]) -> None:
    """Prints and writes table.csv: means, and the reference's lead with its 95 % interval.

    Args:
      scores: by variant, on the same sequences.
      more: other columns, a value a variant.
    """
    rows = []
    for i, (name, one) in enumerate(scores.items()):
        lead = compare.paired(scores[reference].auc, one.auc)
        mean = one.summary()
        row = {"variant": name, "AUC": f"{mean['auc']:.3f}", "P20": f"{mean['p20']:.3f}"}
        row |= {
            f"lead of {reference}": f"{lead.difference.mean:+.3f}",
            "95 %": f"{lead.difference.low:+.3f} .. {lead.difference.high:+.3f}",
            "p": f"{lead.p_value:.3f}",
        }
        rows.append(row | {title: values[i] for title, values in more.items()})
    with (Path(FLAGS.output) / "table.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    widths = {key: max(len(key), *(len(str(row[key])) for row in rows)) for key in rows[0]}
    print(" | ".join(f"{key:{width}}" for key, width in widths.items()))
    for row in rows:
        print(" | ".join(f"{row[key]!s:{width}}" for key, width in widths.items()))
    count = len(next(iter(scores.values())).auc)
    print(f"{count} sequences, one pass, preset {FLAGS.preset}; {FLAGS.output}/table.csv")


def success_plot(axis, scores: dict[str, metrics.Scores]) -> None:
    """Draws success over the overlap threshold, a curve a variant, best first."""
    thresholds = np.linspace(0, 1, 21)
    for name, one in sorted(scores.items(), key=lambda item: -item[1].summary()["auc"]):
        axis.plot(thresholds, one.success_curve(), label=f"{name} [{one.summary()['auc']:.3f}]")
    axis.set(title="success", xlabel="overlap threshold", ylabel="share of frames", ylim=(0, 1))
    axis.legend()


def pyplot():
    """matplotlib without a window, or SystemExit that says how to install it."""
    try:
        import matplotlib
    except ImportError:
        raise SystemExit("the figure needs matplotlib: pip install 'dslt-jax[report]'") from None
    matplotlib.use("agg")
    from matplotlib import pyplot

    return pyplot
