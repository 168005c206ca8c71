"""Reads trackers' results from the toolkits' files."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from dslt_jax.benchmarks import trajectory as trajectory_lib
from dslt_jax.benchmarks.datasets import Dataset, DatasetError, Sequence
from dslt_jax.benchmarks.datasets.textfile import read_table, read_text
from dslt_jax.benchmarks.results.base import (
    EXPERIMENTS,
    FORMATS,
    Results,
    ResultsError,
    key,
    shifted,
)
from dslt_jax.benchmarks.trajectory import Trajectory
from dslt_jax.boxes import Array, to_polygons

# Only the second target of Human4 is used, and many call it by the folder's name.
ALIASES = {"Human4-2": "Human4"}


def read(
    path: str | Path, dataset: Dataset, format: str = "auto", experiment: str = "baseline"
) -> Results:
    """Reads a tracker's folder.

    Args:
        path: the folder; its name is the tracker's.
        dataset: whose sequences to look for.
        format: one of FORMATS, or "auto" to tell by the files.
        experiment: which folder of the vot format.

    Raises:
        ResultsError: the folder is missing, has no result of any sequence, or the format is not
            one of FORMATS.
    """
    path = Path(path)
    if not path.is_dir():
        raise ResultsError(f"the results folder {path} is missing")
    if format == "auto":
        format = detect(path)
    if format not in FORMATS:
        raise ResultsError(f"there is no format '{format}': choose one of {', '.join(FORMATS)}")
    find = _Finder(path, format, experiment)
    runs: dict[str, list[Trajectory]] = {}
    problems = []
    for name in dataset.names:
        files = find(name)
        if not files:
            problems.append(f"{name} has no result in {path}")
            continue
        try:
            sequence = dataset[name]
            runs[name] = [_read_file(file, sequence) for file in files]
        except (DatasetError, ResultsError) as error:
            problems.append(str(error))
    if not runs:
        found = [problem for problem in problems if "has no result in" not in problem]
        reason = f": {found[0]}" if found else ""
        raise ResultsError(
            f"{path} has no results of {dataset.name} in the format {format}{reason}"
        )
    return Results(path.name, runs, tuple(problems), format)


def detect(path: Path) -> str:
    """Returns the format that a folder's files have."""
    if any((path / experiment).is_dir() for experiment in EXPERIMENTS):
        return "vot"
    if any(path.glob("*.mat")):
        return "otb_mat"
    nested = any(path.glob("*/*_[0-9][0-9][0-9].txt"))
    return "got10k" if nested or (path / "times").is_dir() else "otb"


class _Finder:
    """Finds the files of a sequence, whatever way its name is written."""

    def __init__(self, path: Path, format: str, experiment: str):
        nested = path / experiment if format == "vot" or (path / experiment).is_dir() else path
        self.folders = {key(f.name): f for f in nested.glob("*") if f.is_dir()}
        suffix = ".mat" if format == "otb_mat" else ".txt"
        self.files = {key(file.stem): file for file in sorted(path.glob(f"*{suffix}"))}
        if format == "otb_mat":
            for file in list(self.files.values()):
                self.files.setdefault(key(file.stem.rpartition("_")[0]), file)

    def __call__(self, name: str) -> list[Path]:
        for alias in (name, ALIASES.get(name, name)):
            if key(alias) in self.files:
                return [self.files[key(alias)]]
            folder = self.folders.get(key(alias))
            if folder is not None:
                return sorted(folder.glob(f"{folder.name}_[0-9][0-9][0-9].txt"))
        return []


def _read_file(path: Path, sequence: Sequence) -> Trajectory:
    if path.suffix == ".mat":
        run = trajectory_lib.from_regions(_read_mat(path))
    else:
        run = _read_text(path)
    run.regions[:] = shifted(run.regions, -sequence.origin)
    stem, count = path.stem, len(run)
    base = re.sub(r"_\d{3}$", "", stem)
    for file, values in (
        (path.with_name(f"{stem}_time.value"), run.seconds),
        (path.with_name(f"{stem}_confidence.value"), run.confidence),
        (path.with_name(f"{base}_time.txt"), run.seconds),
        (path.parent / "times" / f"{stem}_time.txt", run.seconds),
    ):
        if file.is_file():
            words = [line.split(",")[0].strip() for line in read_text(file).splitlines()]
            try:
                numbers = np.array([float(word) if word else np.nan for word in words])
            except ValueError:
                raise ResultsError(f"{file} has lines that are not numbers") from None
            values[: len(numbers)] = numbers[:count]
    return run


def _read_text(path: Path) -> Trajectory:
    """Reads boxes, or VOT's lines of which some are one code."""
    try:
        table = read_table(path, (4, 8))
        return trajectory_lib.from_regions(table)
    except DatasetError:
        lines = read_text(path).split("\n")
        while lines and not lines[-1].strip():
            lines.pop()
        if not any(re.fullmatch(r"[012](\.0+)?", line.strip()) for line in lines):
            raise
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(np.array(line.replace(",", " ").split(), np.float64))
        except ValueError:
            rows.append(np.empty(0))
        if len(rows[-1]) not in (1, 4, 8):
            raise ResultsError(f"{path} line {number}: '{line.strip()[:60]}' is no code or region")
    width = max(4, *(len(row) for row in rows))
    run = trajectory_lib.empty(len(rows), width)
    for i, row in enumerate(rows):
        if len(row) == 1:
            run.codes[i] = int(row[0])
        else:
            run.regions[i] = row if len(row) == width else to_polygons(row)
            run.codes[i] = trajectory_lib.TRACKED
    return run


def _read_mat(path: Path) -> Array:
    try:
        from scipy import io
    except ImportError:
        raise ResultsError(
            f"{path} needs scipy to be read: pip install 'dslt-jax[convert]'"
        ) from None
    try:
        loaded: dict[str, Any] = io.loadmat(path, squeeze_me=True, struct_as_record=False)
    except Exception as error:  # scipy has many ways to say that a file is damaged
        raise ResultsError(f"{path} is not a MATLAB file: {error}") from None
    first = np.atleast_1d(loaded.get("results", np.empty(0)))
    kind = getattr(first[0], "type", None) if len(first) else None
    if kind != "rect":
        raise ResultsError(f"{path} has results of type {kind}, only 'rect' can be read")
    return np.atleast_2d(np.asarray(first[0].res, np.float64))
