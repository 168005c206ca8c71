"""Writes a report that compares trackers: a page, figures and tables.

    dslt report runs/A runs/B --output report
    dslt report runs/A results/ECO results/KCF --output report
    dslt report results/* --dataset otb100 --annotations DIR --reference --output report

Each folder is one tracker; the others are compared with the first one. The benchmark is that of the
first run of `dslt benchmark` among them, unless flags name another. Trackers with results on
different sequences are compared on the common ones, or on those of --sequences.

`index.html` opens in any browser without a network: leaderboard with confidence intervals, plots,
attributes, sequences, and a player that shows the boxes of all trackers, failures first. It shows
the images in --root, linked from where they are or, with --embed_frames, as small copies in the
page. figures/ holds the plots as PDF and PNG, tables/ the numbers as LaTeX and CSV.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from absl import flags

from dslt_jax.benchmarks import datasets, metrics, report, results, runs, settings
from dslt_jax.benchmarks.tables import plural
from dslt_jax.cli import paths, scoring
from dslt_jax.cli.main import UserError

FLAGS = flags.FlagValues()
scoring.define_flags(FLAGS, "the benchmark's folder, with its images")
paths.define("output", "report", "the folder to write", FLAGS)
flags.DEFINE_string("title", None, "the page's title", flag_values=FLAGS)
flags.DEFINE_boolean(
    "reference", False, "also show published numbers of the benchmark", flag_values=FLAGS
)
flags.DEFINE_boolean(
    "embed_frames", False, "put small copies of the images into the page", flag_values=FLAGS
)
flags.DEFINE_boolean("figures", True, "write the plots as PDF and PNG", flag_values=FLAGS)


def main(values: flags.FlagValues, arguments: list[str]) -> int:
    folders = scoring.check_flags("report", values, arguments)
    problems: list[str] = []
    try:
        made = _gather(values, folders, problems)
    except ValueError as error:
        raise UserError(str(error)) from None
    if made.protocol in ("supervised", "unsupervised"):
        problems += scoring.left_out(values, ["policy", "thresholds"], "VOT's experiments")
    folder, stale = Path(values.output), list[str]()
    try:
        page = report.write_page(
            made, folder, reference=values.reference, embed_frames=values.embed_frames
        )
        print(f"{made.title}, {plural(len(made.dataset), 'sequence')}")
        print(f"{page}  {page.stat().st_size / 1e6:.1f} MB")
        report.write_tables(made, folder / "tables")
        if values.figures:
            report.write_figures(made, folder / "figures")
        elif (folder / "figures").is_dir():
            stale = [f"{folder / 'figures'} has those of an earlier report"]
    except report.ReportError as error:
        problems.append(str(error))
    scoring.tell("report", [*made.notes, *stale, *problems])
    return 1 if problems else 0


def _gather(values: flags.FlagValues, folders: list[str], problems: list[str]) -> report.Report:
    """Reads and scores what can be; says in `problems` what cannot."""
    about = _about(folders, values.dataset)
    protocol = _protocol(about, values.experiment)
    dataset, faults = _dataset(values, list(about.values()))
    experiment = runs.FOLDERS.get(protocol, values.experiment)
    segments = []

    def reader(folder: str) -> results.Results:
        if not scoring.is_run(folder):
            if protocol in ("tre", "sre"):  # whose starts nothing else says
                raise results.ResultsError(f"{folder} is no run of `dslt benchmark`, as others are")
            return results.read(folder, dataset, values.format, experiment)
        found, parts = scoring.read_run(folder, dataset)
        segments.extend([parts] if parts else [])
        return found

    read, lost = scoring.read("report", folders, reader, faults)
    # A sequence without a result is no problem here, a damaged file is.
    damaged = [line for r in read for line in r.problems if "has no result in" not in line]
    problems += [*lost, *damaged, *faults]
    policy = metrics.by_name(values.policy or dataset.policy, values.thresholds)
    return report.gather(
        dataset,
        read,
        policy,
        title=values.title,
        protocol=protocol,
        segments=segments or None,
    )


def _about(folders: list[str], dataset: str | None) -> dict[str, dict[str, Any]]:
    """Returns the run.json of each run; who reads a damaged one's results is told of it then."""
    about, damaged = {}, []
    for folder in filter(scoring.is_run, folders):
        try:
            about[folder] = settings.read(folder)
        except settings.RunError as error:
            damaged.append(str(error))
    if damaged and not about and dataset is None:
        raise scoring.refusal("report", damaged)
    return about


def _protocol(about: Mapping[str, dict[str, Any]], experiment: str) -> str:
    """Returns the protocol that the runs share; other folders are taken to share it too."""
    names = {folder: run["settings"]["protocol"]["name"] for folder, run in about.items()}
    if len(set(names.values())) > 1:
        each = ", ".join(f"{folder} is {name}" for folder, name in names.items())
        raise UserError(f"only runs of one protocol can be compared: {each}")
    return next(iter(names.values()), "unsupervised" if experiment == "unsupervised" else "ope")


def _dataset(
    values: flags.FlagValues, about: list[dict[str, Any]]
) -> tuple[datasets.Dataset, list[str]]:
    """Returns the benchmark that flags or the first run name, and what of it cannot be read."""
    name, root, annotations = values.dataset, values.root, values.annotations
    if about and name in (None, about[0]["settings"].get("dataset")):
        name = about[0]["settings"].get("dataset")
        if root is None and annotations is None:
            root, annotations = map(about[0]["about"].get, ("root", "annotations"))
    if name and values.embed_frames and root is None:
        raise UserError("--embed_frames needs the images: say where with --root")
    return scoring.load("report", values, name, root, annotations)
