"""Writes a report that compares trackers: a page, figures and tables.

    dslt report runs/A runs/B --dataset otb --root DIR --output report
    dslt report runs/A results/ECO results/KCF --dataset otb100 --annotations DIR --reference

Each folder is one tracker; the others are compared with the first one. `index.html` opens in any
browser without a network: leaderboard with confidence intervals, plots, attributes, sequences, and
a player that shows the boxes of all trackers, failures first. With --root it shows the images of
the benchmark, linked from where they are or, with --embed_frames, as small copies in the page.
figures/ holds the plots as PDF and PNG, tables/ the numbers as LaTeX and CSV.
"""

import sys
from pathlib import Path

from absl import flags

from dslt_jax.benchmarks import datasets, metrics, report, results
from dslt_jax.benchmarks.metrics import vot
from dslt_jax.cli.main import UserError

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    "dataset", None, f"which benchmark: {', '.join(datasets.LAYOUTS)}", flag_values=FLAGS
)
flags.DEFINE_string("root", None, "the benchmark's folder, with its images", flag_values=FLAGS)
flags.DEFINE_string(
    "annotations", None, "a folder of annotations, when the root has none", flag_values=FLAGS
)
flags.DEFINE_string("output", "report", "the folder to write", flag_values=FLAGS)
flags.DEFINE_string("title", None, "the page's title", flag_values=FLAGS)
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
flags.DEFINE_boolean("reference", False, "show published numbers as well", flag_values=FLAGS)
flags.DEFINE_boolean(
    "embed_frames", False, "put small copies of the images into the page", flag_values=FLAGS
)
flags.DEFINE_boolean("figures", True, "write the plots as PDF and PNG", flag_values=FLAGS)
flags.DEFINE_enum(
    "format", "auto", ["auto", *results.FORMATS], "how the results are written", flag_values=FLAGS
)
flags.DEFINE_string("experiment", "baseline", "which folder of VOT results", flag_values=FLAGS)


def main(values: flags.FlagValues, arguments: list[str]) -> int:
    if not arguments:
        raise UserError("name at least one folder of results: dslt report RESULTS_DIR...")
    if values.dataset is None:
        raise UserError(f"which benchmark? --dataset {' | '.join(datasets.LAYOUTS)}")
    if values.embed_frames and values.root is None:
        raise UserError("--embed_frames needs the images: say where with --root")
    problems: list[str] = []
    try:
        dataset = datasets.load(values.dataset, values.root, values.annotations)
        policy = metrics.by_name(values.policy or dataset.policy, values.thresholds)
        dataset = _readable(dataset, problems)
        read = _read(values, arguments, dataset, problems)
        made = report.gather(dataset, read, policy, vot.Variant(), values.title)
    except ValueError as error:
        raise UserError(str(error)) from None
    folder = Path(values.output)
    try:
        page = report.write_page(
            made, folder, reference=values.reference, embed_frames=values.embed_frames
        )
        report.write_tables(made, folder / "tables")
        if values.figures:
            report.write_figures(made, folder / "figures")
    except report.ReportError as error:
        problems.append(str(error))
    else:
        count = len(made.dataset)
        print(f"{made.title}, {count} sequence{'' if count == 1 else 's'}")
        print(f"{page}  {page.stat().st_size / 1e6:.1f} MB")
    for line in (*made.notes, *problems):
        print(f"dslt report: {line}", file=sys.stderr)
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


def _read(
    values: flags.FlagValues,
    folders: list[str],
    dataset: datasets.Dataset,
    problems: list[str],
) -> list[results.Results]:
    """Reads every tracker; a missing sequence is no problem here, a damaged file is."""
    read = []
    for folder in folders:
        try:
            found = results.read(Path(folder).resolve(), dataset, values.format, values.experiment)
        except results.ResultsError as error:
            problems.append(str(error))
            continue
        read.append(found)
        problems += [line for line in found.problems if "has no result in" not in line]
    if not read:
        raise UserError("; ".join(problems))
    return read
