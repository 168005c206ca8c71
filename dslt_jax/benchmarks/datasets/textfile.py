"""Number tables in text files, as benchmarks and trackers write them."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dslt_jax.benchmarks.datasets.base import DatasetError
from dslt_jax.boxes import Array, to_polygons
from dslt_jax.stand_ins import HEAD, not_the_file
from dslt_jax.text import decode

_DELIMITERS = str.maketrans({",": " ", "\t": " ", ";": " "})


def read_text(path: Path) -> str:
    """Returns a text file's content; raises DatasetError when it is missing or is not text."""
    try:
        text = decode(path.read_bytes())
    except FileNotFoundError:
        raise DatasetError(f"{path} is missing") from None
    except UnicodeDecodeError:
        raise DatasetError(f"{path} is not a text file") from None
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from None
    if says := not_the_file(text[:HEAD].encode()):
        raise DatasetError(f"{path} {says}")
    return text


def read_lines(path: Path) -> list[str]:
    """Returns what a text file names, a name a line; raises DatasetError as `read_text`."""
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]


def read_table(path: str | Path, columns: tuple[int, ...] = (4,)) -> Array:
    """Returns the numbers of a text file (N, C) float64; comma, tab, space or semicolon apart.

    Blank lines at the end are nothing. `columns` are the allowed C.
    Raises DatasetError naming the file and the first wrong line.
    """
    path = Path(path)
    text = read_text(path).rstrip()
    if not text:
        raise DatasetError(_first_wrong_line(path, text, columns))
    lines = text.count("\n") + 1
    try:
        values = np.array(text.translate(_DELIMITERS).split(), np.float64)
    except ValueError:
        values = np.empty(0)
    width = len(text.split("\n", 1)[0].translate(_DELIMITERS).split())
    if width not in columns or values.size != lines * width or not _regular(text, width):
        raise DatasetError(_first_wrong_line(path, text, columns))
    return values.reshape(lines, width)


def read_rows(path: str | Path, columns: tuple[int, ...]) -> list[Array]:
    """Returns the numbers of each line, whose count may differ from line to line.

    Blank lines at the end are nothing. `columns` are the allowed counts.
    Raises DatasetError naming the file and the first wrong line.
    """
    path = Path(path)
    text = read_text(path).rstrip()
    try:
        rows = [np.array(line.translate(_DELIMITERS).split(), float) for line in text.split("\n")]
    except ValueError:
        rows = [np.empty(0)]
    if any(len(row) not in columns for row in rows):
        raise DatasetError(_first_wrong_line(path, text, columns, mixed=True))
    return rows


def read_regions(path: str | Path) -> Array:
    """Returns boxes (N, 4), or polygons (N, 8) where some line is one; then boxes become polygons.

    A lone 0, which is VOT's code of an unknown target, is a row of NaN.
    Raises DatasetError as `read_rows`.
    """
    try:
        regions = read_table(path, (4, 8))
    except DatasetError:
        rows = read_rows(path, (1, 4, 8))
        for number, row in enumerate(rows, start=1):
            if len(row) == 1 and row[0] > 0:
                raise DatasetError(f"{path} line {number}: '{row[0]:g}' is no region") from None
        if all(len(row) == 1 for row in rows):
            raise
        width = max(len(row) for row in rows)
        nothing = np.full(width, np.nan)
        fit = (lambda row: row) if width == 4 else to_polygons
        regions = np.array([nothing if len(row) == 1 else fit(row) for row in rows])
    return regions


def _regular(text: str, width: int) -> bool:
    # Cheap when a comma file has width - 1 commas a line, which nearly all have.
    lines = text.split("\n")
    if text.count(",") == len(lines) * (width - 1):
        return all(line.count(",") == width - 1 for line in lines)
    return all(len(line.translate(_DELIMITERS).split()) == width for line in lines)


def _names(columns: Sequence[int]) -> str:
    counts = dict.fromkeys(columns)
    return " or ".join(f"{count} number{'s' * (count > 1)}" for count in counts)


def _first_wrong_line(path: Path, text: str, columns: tuple[int, ...], mixed: bool = False) -> str:
    need = _names([count for count in columns if count > 1 or not mixed])  # 1 is a code
    if not text:
        return f"{path} is empty: it needs a line of {need} a frame"
    width = None
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.translate(_DELIMITERS).split()
        shown = line.strip()[:60]
        try:
            np.array(words, np.float64)
        except ValueError:
            if re.match(r"m[0-9]", shown):
                return (
                    f"{path} line {number}: '{shown}' is a mask, as VOT has them since 2020: "
                    "`dslt vot init` and the vot-toolkit run those"
                )
            return f"{path} line {number}: '{shown}' is not {need}"
        if len(words) not in columns:
            found = f"{len(words)} numbers" if words else "nothing"
            return f"{path} line {number}: '{shown}' has {found}, it needs {need}"
        if not mixed and width is not None and len(words) != width:
            return f"{path} line {number}: '{shown}' has {len(words)} numbers, line 1 has {width}"
        width = len(words)
    return f"{path} has lines of unlike length: it needs {need} a line"
