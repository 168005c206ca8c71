"""What `dslt score` and `dslt report` share: their flags, what they read, how they tell of faults.

What the user asked for comes first, a line a fault; the benchmark's own faults come after it.
"""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from absl import flags

from dslt_jax.benchmarks import datasets, metrics, results, runs, settings
from dslt_jax.benchmarks.settings import RunError
from dslt_jax.cli import paths
from dslt_jax.cli.main import UserError


def define_flags(values: flags.FlagValues, root: str) -> None:
    """Adds the flags of both commands; `root` is the help of --root."""
    flags.DEFINE_string(
        "dataset", None, f"which benchmark: {', '.join(datasets.LAYOUTS)}", flag_values=values
    )
    paths.define("root", None, root, values)
    paths.define("annotations", None, "a folder of annotations, when the root has none", values)
    flags.DEFINE_list(
        "sequences", None, "only these, e.g. Deer,Skiing; otherwise all", flag_values=values
    )
    flags.DEFINE_enum(
        "policy",
        None,
        list(metrics.POLICIES),
        "the toolkit to score as; otherwise the benchmark's own",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "thresholds",
        None,
        "overlap thresholds of the success curve, e.g. 21 or 101",
        flag_values=values,
    )
    flags.DEFINE_enum(
        "format",
        "auto",
        ["auto", *results.FORMATS],
        "how the results are written",
        flag_values=values,
    )
    flags.DEFINE_string("experiment", "baseline", "which folder of VOT results", flag_values=values)


def check_flags(command: str, values: flags.FlagValues, arguments: list[str]) -> list[str]:
    """Returns the folders of results; raises UserError for what needs no benchmark to be told."""
    for name in values.sequences or ():
        if name.startswith("-") or name in ("true", "false"):
            raise UserError(
                "--sequences takes names, --sequences Deer,Skiing; a line for each sequence is "
                "`dslt score --per_sequence`"
            )
    if not arguments:
        raise UserError(f"name at least one folder of results: dslt {command} RESULTS_DIR...")
    folders = [paths.local(word) for word in arguments]
    missing = [folder for folder in folders if not os.path.exists(folder)]
    if missing and values.dataset is None:  # or else nothing says which benchmark it is of
        raise UserError(f"the results folder {missing[0]} is missing")
    return folders


def chosen(dataset: datasets.Dataset, names: list[str] | None) -> datasets.Dataset:
    """Returns the sequences that --sequences names, or all; raises UserError, DatasetError."""
    if names is not None and not any(names):  # as of a variable of the shell that is not set
        raise UserError("--sequences names none: leave it out for all of them")
    return dataset.subset(dataset.names if names is None else names)


def load(
    command: str,
    values: flags.FlagValues,
    name: str | None,
    root: str | None,
    annotations: str | None,
) -> tuple[datasets.Dataset, list[str]]:
    """Returns the benchmark's sequences that are asked for and can be read, and why others cannot.

    Raises:
      UserError, DatasetError: there is none of them.
    """
    if name is None:
        raise UserError(f"which benchmark? --dataset {' | '.join(datasets.LAYOUTS)}")
    dataset = datasets.load(name, root, annotations)
    dataset = chosen(dataset, values.sequences)
    names, faults = [], []
    for sequence in dataset.names:
        try:
            names.append(dataset[sequence].name)
        except datasets.DatasetError as error:
            faults.append(str(error))
    if not names:
        raise refusal(command, [*faults, f"no sequence of {dataset.name} can be read"])
    return dataset.subset(names), faults


def read(
    command: str,
    folders: Iterable[str],
    reader: Callable[[str], results.Results],
    faults: list[str],
) -> tuple[list[results.Results], list[str]]:
    """Returns what `reader` makes of the folders, under names that differ, and why others cannot.

    Raises:
      UserError: there is nothing to show; its last lines are the `faults` of the benchmark.
    """
    found, problems = [], []
    for folder in folders:
        try:
            found.append(reader(folder))
        except (results.ResultsError, datasets.DatasetError, RunError) as error:
            problems += str(error).split("\n")
    if not found:
        raise refusal(command, [*problems, *faults])
    return results.distinct(found), problems


def left_out(values: flags.FlagValues, names: Iterable[str], scored: str) -> list[str]:
    """Says which flags among `names` were given but mean nothing to what is `scored`."""
    given = [name for name in names if values[name].value != values[name].default]
    return [f"--{name} is left out: it is not for {scored}" for name in given]


def is_run(folder: str) -> bool:
    """Whether a folder is that of a run of `dslt benchmark`, which knows its protocol."""
    return Path(folder, settings.FILE).is_file()


def read_run(
    folder: str, dataset: datasets.Dataset
) -> tuple[results.Results, metrics.Segments | None]:
    """Returns a run's results, and all of its starts where its protocol has several a sequence.

    Raises:
      RunError, ResultsError: as `runs.read`.
    """
    found = runs.read(folder, dataset)
    several = settings.read(folder)["settings"]["protocol"]["name"] in ("tre", "sre")
    return found, runs.segments(folder, dataset) if several else None


def refusal(command: str, lines: Iterable[str]) -> UserError:
    """Returns an error that is told in several lines."""
    return UserError(f"\ndslt {command}: ".join(lines))


def tell(command: str, lines: Iterable[str]) -> None:
    """Prints lines on what was not as it should be."""
    for line in lines:
        print(f"dslt {command}: {line}", file=sys.stderr)
