"""Writes a report that compares trackers: a page, figures and tables.

    dslt report runs/A runs/B --output report
    dslt report runs/A results/ECO results/KCF --output report
    dslt report results/* --dataset otb100 --annotations DIR --reference --output report

Each folder is one tracker; the others are compared with the first one. The benchmark is that of the
first run of `dslt benchmark` among them, unless flags name another. Trackers with results on
different sequences are compared on the common ones.

`index.html` opens in any browser without a network: leaderboard with confidence intervals, plots,
attributes, sequences, and a player that shows the boxes of all trackers, failures first. It shows
the images in --root, linked from where they are or, with --embed_frames, as small copies in the
page. figures/ holds the plots as PDF and PNG, tables/ the numbers as LaTeX and CSV.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from absl import flags

from dslt_jax.benchmarks import datasets, metrics, report, results, runs, settings
from dslt_jax.benchmarks.report.names import plural
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
flags.DEFINE_boolean(
    "reference", False, "also show published numbers of the benchmark", flag_values=FLAGS
)
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
    problems: list[str] = []
    try:
        made = _gather(values, [Path(folder) for folder in arguments], problems)
    except ValueError as error:
        raise UserError(str(error)) from None
    folder = Path(values.output)
    try:
        page = report.write_page(
            made, folder, reference=values.reference, embed_frames=values.embed_frames
        )
        print(f"{made.title}, {plural(len(made.dataset), 'sequence')}")
        print(f"{page}  {page.stat().st_size / 1e6:.1f} MB")
        report.write_tables(made, folder / "tables")
        if values.figures:
            report.write_figures(made, folder / "figures")
    except report.ReportError as error:
        problems.append(str(error))
    for line in (*made.notes, *problems):
        print(f"dslt report: {line}", file=sys.stderr)
    return 1 if problems else 0


def _gather(values: flags.FlagValues, folders: list[Path], problems: list[str]) -> report.Report:
    """Reads and scores what can be; says in `problems` what cannot."""
    about = {folder: settings.read(folder) for folder in folders if _is_run(folder)}
    protocol = _protocol(about)
    dataset = _dataset(values, list(about.values()), problems)
    experiment = runs.FOLDERS.get(protocol, values.experiment)
    read, segments = [], []
    for folder in folders:
        try:
            if folder in about:
                found = runs.read(folder.resolve(), dataset)
            else:
                found = results.read(folder.resolve(), dataset, values.format, experiment)
            if protocol in ("tre", "sre"):
                segments.append(runs.segments(folder, dataset))
        except (results.ResultsError, settings.RunError) as error:
            problems.append(str(error))
            continue
        read.append(found)
        # A sequence without a result is no problem here, a damaged file is.
        problems += [line for line in found.problems if "has no result in" not in line]
    if not read:
        raise UserError("; ".join(problems))
    policy = metrics.by_name(values.policy or dataset.policy, values.thresholds)
    return report.gather(
        dataset,
        read,
        policy,
        title=values.title,
        protocol=protocol,
        segments=segments or None,
    )


def _is_run(folder: Path) -> bool:
    return (folder / settings.FILE).is_file()


def _protocol(about: Mapping[Path, dict[str, Any]]) -> str:
    """Returns the protocol that the runs share; other folders are taken to share it too."""
    names = {folder: run["settings"]["protocol"]["name"] for folder, run in about.items()}
    if len(set(names.values())) > 1:
        each = ", ".join(f"{folder} is {name}" for folder, name in names.items())
        raise UserError(f"only runs of one protocol can be compared: {each}")
    return next(iter(names.values()), "ope")


def _dataset(
    values: flags.FlagValues, about: list[dict[str, Any]], problems: list[str]
) -> datasets.Dataset:
    """Returns the benchmark that flags or the first run name, without unreadable sequences."""
    name, root, annotations = values.dataset, values.root, values.annotations
    if about and name in (None, about[0]["settings"]["dataset"]):
        name = about[0]["settings"]["dataset"]
        if root is None and annotations is None:
            root, annotations = about[0]["about"]["root"], about[0]["about"]["annotations"]
    if name is None:
        raise UserError(f"which benchmark? --dataset {' | '.join(datasets.LAYOUTS)}")
    if values.embed_frames and root is None:
        raise UserError("--embed_frames needs the images: say where with --root")
    dataset = datasets.load(name, root, annotations)
    names = []
    for sequence in dataset.names:
        try:
            names.append(dataset[sequence].name)
        except datasets.DatasetError as error:
            problems.append(str(error))
    if not names:
        raise UserError(f"no sequence of {dataset.name} can be read: {problems[0]}")
    return dataset.subset(names)
