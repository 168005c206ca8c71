"""Number tables in text files, as benchmarks and trackers write them."""

from pathlib import Path

import numpy as np

from dslt_jax.benchmarks.datasets.base import DatasetError
from dslt_jax.boxes import Array

_DELIMITERS = str.maketrans({",": " ", "\t": " ", ";": " "})


def read_text(path: Path) -> str:
    """Returns a text file's content; raises DatasetError when it is missing or is not text."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DatasetError(f"{path} is missing") from None
    except UnicodeDecodeError:
        raise DatasetError(f"{path} is not a text file") from None
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from None


def read_table(path: str | Path, columns: tuple[int, ...] = (4,)) -> Array:
    """Returns the numbers of a text file (N, C) float64; comma, tab, space or semicolon apart.

    Blank lines at the end are nothing. `columns` are the allowed C.
    Raises DatasetError naming the file and the first wrong line.
    """
    path = Path(path)
    text = read_text(path).rstrip()
    if not text.strip():
        raise DatasetError(f"{path} is empty: it needs a line of {_names(columns)} a frame")
    lines = text.count("\n") + 1
    try:
        values = np.array(text.translate(_DELIMITERS).split(), np.float64)
    except ValueError:
        values = np.empty(0)
    width = len(text.split("\n", 1)[0].translate(_DELIMITERS).split())
    if width not in columns or values.size != lines * width or not _regular(text, width):
        raise DatasetError(_first_wrong_line(path, text, columns))
    return values.reshape(lines, width)


def _regular(text: str, width: int) -> bool:
    # Cheap when a comma file has width - 1 commas a line, which nearly all have.
    lines = text.split("\n")
    if text.count(",") == len(lines) * (width - 1):
        return all(line.count(",") == width - 1 for line in lines)
    return all(len(line.translate(_DELIMITERS).split()) == width for line in lines)


def _names(columns: tuple[int, ...]) -> str:
    return " or ".join(f"{count} numbers" for count in columns)


def _first_wrong_line(path: Path, text: str, columns: tuple[int, ...]) -> str:
    width = None
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.translate(_DELIMITERS).split()
        shown = line.strip()[:60]
        try:
            np.array(words, np.float64)
        except ValueError:
            return f"{path} line {number}: '{shown}' is not {_names(columns)}"
        if len(words) not in columns:
            found = f"{len(words)} numbers" if words else "nothing"
            return f"{path} line {number}: '{shown}' has {found}, it needs {_names(columns)}"
        if width is not None and len(words) != width:
            return f"{path} line {number}: '{shown}' has {len(words)} numbers, line 1 has {width}"
        width = len(words)
    return f"{path} has lines of unlike length: it needs {_names(columns)} a line"
