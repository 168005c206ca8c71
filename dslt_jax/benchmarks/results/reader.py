"""Finds trackers' results among the toolkits' files, and reads them."""

import glob
import os
from collections.abc import Iterable
from pathlib import Path

from dslt_jax.benchmarks.datasets import Dataset, DatasetError
from dslt_jax.benchmarks.results.base import EXPERIMENTS, FORMATS, Results, ResultsError, key
from dslt_jax.benchmarks.results.files import read_file
from dslt_jax.benchmarks.trajectory import Trajectory

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
            one of FORMATS. A line for each file that cannot be read comes first.
    """
    path = Path(path)
    if path.is_file():
        raise ResultsError(
            f"{path} is a file: give the folder with a file a sequence, such as {path.parent}"
        )
    if not path.is_dir():
        raise ResultsError(f"the results folder {path} is missing")
    if format == "auto":
        format = detect(path)
    if format not in FORMATS:
        raise ResultsError(f"there is no format '{format}': choose one of {', '.join(FORMATS)}")
    find = _Finder(path, format, experiment, dataset.names)
    runs: dict[str, list[Trajectory]] = {}
    problems = []
    for name in dataset.names:
        files = find(name)
        if not files:
            problems.append(f"{name} has no result in {path}")
            continue
        try:
            sequence = dataset[name]
            group = [read_file(file, sequence) for file in files]
            for file, run in zip(files, group, strict=True):
                if format == "vot" and len(run) != len(sequence):
                    raise ResultsError(f"{file} has {len(run)} rows for {len(sequence)} frames")
            runs[name] = group
        except (DatasetError, ResultsError) as error:
            problems.append(str(error))
    if not runs:
        found = [problem for problem in problems if "has no result in" not in problem]
        held = "" if found else _held(path, dataset)
        end = f"{path} has no results of {dataset.name} in the format {format}{held}"
        raise ResultsError("\n".join([*found, end]))
    whole = Path(os.path.abspath(path))
    resets = format == "vot" and experiment != "unsupervised"
    return Results(whole.name, runs, tuple(problems), format, whole, resets)


def _held(path: Path, dataset: Dataset) -> str:
    """Says what a folder without results has, and what it should have."""
    names = sorted(file.name for file in path.iterdir() if not file.name.startswith("."))[:3]
    for folder in sorted(path.iterdir()):
        if any((folder / f"{name}.txt").is_file() for name in dataset.names):
            return f": a tracker's results are a folder, {folder} is one"
    return f": it has {', '.join(names) or 'no files'}, one would be {dataset.names[0]}.txt"


def detect(path: Path) -> str:
    """Returns the format that a folder's files have."""
    if any((path / experiment).is_dir() for experiment in EXPERIMENTS):
        return "vot"
    if any(path.glob("*.mat")):
        return "otb_mat"
    nested = any(path.glob("*/*_[0-9][0-9][0-9].txt"))
    return "got10k" if nested or (path / "times").is_dir() else "otb"


class _Finder:
    """Finds the files of a sequence, whatever way its name is written; as it is, if that is there.

    Its tables hold a path by `key` and, behind a /, by its own name. What has the very name of
    another sequence, car of Car's benchmark, is that one's.
    """

    def __init__(self, path: Path, format: str, experiment: str, names: Iterable[str]):
        self.names = frozenset(names)
        nested = path / experiment if format == "vot" or (path / experiment).is_dir() else path
        self.folders, self.files = dict[str, Path](), dict[str, Path]()
        for folder in nested.glob("*"):
            if folder.is_dir():
                self.folders |= {key(folder.name): folder, f"/{folder.name}": folder}
        for suffix in (".mat",) if format == "otb_mat" else (".csv", ".txt"):  # the last one wins
            for file in sorted(path.glob(f"*{suffix}")):
                self.files |= {key(file.stem): file, f"/{file.stem}": file}
        if format == "otb_mat":
            for file in list(self.files.values()):
                for stem in (file.stem.removesuffix(f"_{path.name}"), file.stem.rpartition("_")[0]):
                    self.files.setdefault(key(stem), file)

    def __call__(self, name: str) -> list[Path]:
        for alias in (name, ALIASES.get(name, name)):
            for written in (f"/{alias}", key(alias)):
                if (file := self.files.get(written)) and self._is_of(file.stem, name):
                    return [file]
                if (folder := self.folders.get(written)) and self._is_of(folder.name, name):
                    stem = glob.escape(folder.name)
                    return sorted(folder.glob(f"{stem}_[0-9][0-9][0-9].txt"))
        return []

    def _is_of(self, found: str, name: str) -> bool:
        return found == name or found not in self.names
