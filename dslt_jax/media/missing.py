"""What may be meant by a path at which there is nothing."""

import difflib
import itertools
import os
import re
import unicodedata
from pathlib import Path

_MOST_NAMES = 10_000  # of a folder that are looked at
_ALIKE = 0.8  # of difflib's likeness, 1 for the same


def nearest(path: str) -> str:
    """Returns the path there is that one nearly is; "" without any.

    Quotes, blanks and line ends around it, a / behind it, a suffix left out, capitals and how
    accents are composed are such slips.
    """
    folder, name = os.path.split(path.strip("\"'“”‘’ \t\r\n").rstrip("/\\"))
    try:
        with os.scandir(folder or ".") as entries:
            names = sorted(entry.name for entry in itertools.islice(entries, _MOST_NAMES))
    except (OSError, ValueError):  # ValueError: of a NUL
        return ""
    known = {_plain(os.path.splitext(one)[0]): one for one in names}
    known |= {_plain(one): one for one in names}
    found = difflib.get_close_matches(_plain(name), known, 1, _ALIKE)
    return os.path.join(folder, known[found[0]]) if found else ""


def numbered(path: str) -> list[Path] | None:
    """Returns the files of a pattern as FFmpeg and OpenCV have it, frames/%04d.png.

    Their numbers may begin and jump anywhere. None where it is no such pattern.
    """
    folder, pattern = os.path.split(path)
    head, *mark = re.split(r"%(0?[0-9]*)d", pattern)
    if len(mark) != 2:
        return None
    digits = f"[0-9]{{{int(mark[0] or 1)},}}"
    whole = re.compile(f"{re.escape(head)}{digits}{re.escape(mark[1])}")
    try:
        names = os.listdir(folder or ".")
    except OSError:
        return []
    return [Path(folder, name) for name in names if whole.fullmatch(name)]


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
