"""Whole files or none: a report that cannot be written leaves no half of a file behind."""

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path


class ReportError(Exception):
    """The report cannot be written; the text says why and what to do."""


def leave(folder: Path, written: Iterable[Path], names: Iterable[str]) -> list[Path]:
    """Takes away what an earlier report has in the folder, by its names, and this one has not.

    Returns the paths that were written; raises ReportError when a file cannot be removed.
    """
    written = list(written)
    for path in {folder / name for name in names}.difference(written):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise ReportError(f"cannot remove {path}: {error.strerror or error}") from None
    return written


def save(path: Path, write: Callable[[Path], object]) -> Path:
    """Calls `write` with another name in the same folder and then gives the file its own.

    Returns the path; raises ReportError when the folder or the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.tmp{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        temporary.replace(path)
    except OSError as error:
        raise ReportError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return path
