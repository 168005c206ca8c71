"""What stands in place of a file of any kind: a pointer to it, or a web page, and what to do."""

import os
import re

HEAD = 512  # bytes, as much as a tar archive's header
PAGE = "is a web page, saved in place of the file: follow its own download link"
# pattern at the beginning -> what it is and what to do
_STAND_INS = {
    rb"version https?://git": (
        "is a pointer of Git LFS, not the file itself: run `git lfs pull`, or download the file "
        "from its page"
    ),
    rb"\S*annex/objects": "is a pointer of git-annex, not the file itself: run `git annex get`",
    rb"\s*(<!--.*?-->\s*)?<(?i:!doctype\s+html|html|head|body)\b": PAGE,
}


def not_the_file(head: bytes) -> str | None:
    """Returns what a file is that stands in place of another, and what to do; None for any other.

    Args:
      head: its first bytes, some hundreds.
    """
    return first_match(_STAND_INS, head)


def stand_in(path: str | os.PathLike) -> str | None:
    """Returns what `not_the_file` says of a file; None also where there is none to be read."""
    if not os.path.isfile(path):  # nor of a pipe, whose bytes come once
        return None
    try:
        with open(path, "rb") as file:
            return not_the_file(file.read(HEAD).removeprefix(b"\xef\xbb\xbf"))
    except OSError:
        return None


def first_match(table: dict[bytes, str], head: bytes) -> str | None:
    """Returns what a table says of the first of its patterns that a file begins with, or None."""
    found = (says for pattern, says in table.items() if re.match(pattern, head, re.DOTALL))
    return next(found, None)
