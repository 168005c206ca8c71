"""Writes trackers' results so that the toolkits can score them."""

import re
from collections.abc import Callable, Mapping
from collections.abc import Sequence as SequenceABC
from pathlib import Path

import numpy as np

from dslt_jax.benchmarks import trajectory as trajectory_lib
from dslt_jax.benchmarks.datasets import Dataset
from dslt_jax.benchmarks.results.base import FORMATS, ResultsError, shifted
from dslt_jax.benchmarks.trajectory import Trajectory
from dslt_jax.boxes import Array


def write(
    directory: str | Path,
    dataset: Dataset,
    runs: Mapping[str, SequenceABC[Trajectory]],
    format: str = "otb",
    experiment: str = "baseline",
) -> None:
    """Writes a tracker's results so that the format's own toolkit can score them.

    Args:
        directory: the tracker's folder, made when missing; its name is the tracker's.
        dataset: whose coordinates the files take.
        runs: sequence name -> trajectories; formats of one run take the first.
        format: one of FORMATS.
        experiment: the folder of the vot format.

    Raises:
        ResultsError: the format is not one of FORMATS or a file cannot be written.
    """
    if format not in FORMATS:
        raise ResultsError(f"there is no format '{format}': choose one of {', '.join(FORMATS)}")
    directory = Path(directory)
    votlike = format == "vot" or (format == "pysot" and dataset.policy == "vot")
    nested = votlike or (format == "got10k" and dataset.name == "got10k")
    for name, group in runs.items():
        origin = dataset[name].origin
        for number, run in enumerate(group, start=1):
            if format == "otb_mat":
                file = directory / f"{name}_{directory.name}.mat"
                _write_mat(file, shifted(run.regions, origin))
            elif nested:
                folder = directory / experiment / name if votlike else directory / name
                file = folder / f"{name}_{number:03d}.txt"
                _write_text(file, _lines(run, origin, codes=votlike))
                if votlike:
                    _write_column(file.with_name(f"{file.stem}_time.value"), run.seconds)
                    _write_column(file.with_name(f"{file.stem}_confidence.value"), run.confidence)
                else:
                    _write_column(folder / f"{name}_time.txt", run.seconds)
            else:
                # got10k calls the targets of one folder Jogging.1 and Jogging.2.
                stem = re.sub(r"-(\d)$", r".\1", name) if format == "got10k" else name
                _write_text(directory / f"{stem}.txt", _lines(run, origin, codes=False))
                if format == "got10k":
                    _write_column(directory / "times" / f"{stem}_time.txt", run.seconds)
            if not nested:
                break


def _lines(run: Trajectory, origin: float, codes: bool) -> list[str]:
    rows = shifted(run.regions, origin)
    text = [",".join(f"{value:.4f}" for value in row) for row in rows]
    if codes:
        special = run.codes != trajectory_lib.TRACKED
        text = [
            str(code) if mark else line
            for code, mark, line in zip(run.codes.tolist(), special, text, strict=True)
        ]
    return text


def _write_column(path: Path, values: Array) -> None:
    if not np.isnan(values).all():
        _write_text(path, ["" if np.isnan(value) else f"{value:.8f}" for value in values])


def _write_text(path: Path, lines: list[str]) -> None:
    text = "\n".join(lines) + "\n"
    _replace(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _write_mat(path: Path, boxes: Array) -> None:
    try:
        from scipy import io
    except ImportError:
        raise ResultsError(f"writing {path} needs scipy: pip install 'dslt-jax[convert]'") from None
    cell = np.empty((1, 1), object)
    cell[0, 0] = {"res": boxes, "type": "rect", "len": float(len(boxes))}
    _replace(path, lambda temporary: io.savemat(temporary, {"results": cell}, appendmat=False))


def _replace(path: Path, save: Callable[[Path], object]) -> None:
    """Writes a file under another name and then puts it in its place, so that it is whole."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save(temporary)
        temporary.replace(path)
    except OSError as error:
        raise ResultsError(f"cannot write {path}: {error.strerror or error}") from None
