"""Reads one file of a tracker's results: text, a table with named columns, MATLAB."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dslt_jax.app.sinks import HEADER
from dslt_jax.app.tracks import TracksError, read_run
from dslt_jax.benchmarks import trajectory as trajectory_lib
from dslt_jax.benchmarks.datasets import DatasetError, Sequence
from dslt_jax.benchmarks.datasets.textfile import read_rows, read_table, read_text
from dslt_jax.benchmarks.results.base import ResultsError, shifted
from dslt_jax.benchmarks.trajectory import Trajectory
from dslt_jax.boxes import Array, to_polygons
from dslt_jax.weights import matfile

COLUMNS = {"x": "left", "y": "top", "w": "width", "h": "height"}  # name -> another of it
MOST_PIXELS = 1e9  # from the frame's corner
MOST_BYTES = 256 << 20  # of what a .mat inflates to; a box a frame takes 32

_CODES = (trajectory_lib.UNKNOWN, trajectory_lib.INITIALIZATION, trajectory_lib.FAILURE)


def read_file(path: Path, sequence: Sequence) -> Trajectory:
    """Returns a result with the times and confidences that lie beside it.

    Raises ResultsError or DatasetError, which name the file and the line.
    """
    if path.suffix == ".csv" and read_text(path).split("\n", 1)[0] == HEADER:
        run = _read_track(path, sequence)
    else:
        mat = path.suffix == ".mat"
        run = trajectory_lib.from_regions(_read_mat(path)) if mat else _read_text(path)
        run.regions[:] = shifted(run.regions, -sequence.origin)
    run.regions[np.abs(run.regions) > MOST_PIXELS] = np.nan  # of a tracker that has diverged
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


def _read_track(path: Path, sequence: Sequence) -> Trajectory:
    """Reads a boxes.csv of `dslt track`, whose boxes count from 0 and whose rows name their frames.

    It may begin in a later frame (--start) or leave some out (--realtime). A frame's number is its
    place among the images, of which a sequence may leave out the first ones.
    """
    try:
        track = read_run(path).tracks[0]
    except TracksError as error:
        raise ResultsError(str(error)) from None
    frames, before = track.frames, sequence.start - 1
    if frames[0] >= before:
        frames = frames - before
    regions = np.full((frames[-1] + 1, 4), np.nan)
    regions[frames] = track.boxes
    run = trajectory_lib.from_regions(regions)
    run.confidence[frames] = track.confidence
    return run


def _read_text(path: Path) -> Trajectory:
    """Reads boxes, or VOT's lines of which some are one code."""
    first = read_text(path).split("\n", 1)[0].lower()
    if {"x", "left"} & set(re.findall(r"\w+", first)):
        return trajectory_lib.from_regions(_read_columns(path))
    try:
        return trajectory_lib.from_regions(read_table(path, (4, 8)))
    except DatasetError:
        rows = read_rows(path, (1, 4, 8)) if _has_codes(path) else None
        if rows is None:
            raise
    width = max(4, *(len(row) for row in rows))
    run = trajectory_lib.empty(len(rows), width)
    for i, row in enumerate(rows):
        if len(row) == 1:
            if row[0] not in _CODES:
                raise ResultsError(
                    f"{path} line {i + 1}: '{row[0]:g}' is no box and no code of VOT"
                )
            run.codes[i] = int(row[0])
        else:
            run.regions[i] = row if len(row) == width else to_polygons(row)
            run.codes[i] = trajectory_lib.TRACKED
    return run


def _has_codes(path: Path) -> bool:
    lines = read_text(path).split("\n")
    return any(re.fullmatch(r"[012](\.0+)?", line.strip()) for line in lines)


def _read_columns(path: Path) -> Array:
    """Returns the boxes of a table whose first line names its columns: x, y, w, h among others."""
    text = read_text(path)
    delimiter = max(",;\t ", key=text.count)
    table = csv.DictReader(text.splitlines(), delimiter=delimiter, skipinitialspace=True)
    names = {(name or "").strip().lower(): name for name in table.fieldnames or ()}
    found = [names.get(short, names.get(long)) for short, long in COLUMNS.items()]
    if None in found:
        raise ResultsError(f"{path} line 1: a table of boxes has columns {', '.join(COLUMNS)}")
    boxes = []
    for row in _rows(path, table):
        try:
            boxes.append([float(row[name].strip() or "nan") for name in found])
        except (ValueError, AttributeError):  # no number; no cell
            shown = ", ".join(str(row[name]) for name in found)
            raise ResultsError(
                f"{path} line {table.line_num}: '{shown}' is not the 4 numbers x, y, w, h"
            ) from None
    if not boxes:
        raise ResultsError(f"{path} has no line below its first one")
    return np.array(boxes)


def _rows(path: Path, table: csv.DictReader) -> Iterator[dict[Any, Any]]:
    try:
        yield from table
    except csv.Error as error:
        raise ResultsError(f"{path} line {table.line_num + 1}: {error}") from None


def _read_mat(path: Path) -> Array:
    """Returns the boxes of Wu's `results`, a struct or a cell of several: the first counts."""
    try:
        found = matfile.read(memoryview(path.read_bytes()), MOST_BYTES).get("results")
    except Exception as error:  # damaged bytes fail anywhere
        raise ResultsError(f"{path} is not a MATLAB file of version 5 to 7: {error}") from None
    while isinstance(found, list):
        found = found[0] if found else None
    kind, boxes = (found.get("type"), found.get("res")) if isinstance(found, dict) else (None, None)
    if kind != "rect":
        raise ResultsError(f"{path} has results of type {kind}, only 'rect' can be read")
    if (
        not isinstance(boxes, np.ndarray)
        or boxes.ndim != 2
        or boxes.shape[1] != 4
        or not len(boxes)
    ):
        raise ResultsError(f"{path} has no rows x, y, w, h in 'res'")
    return boxes.astype(np.float64)
