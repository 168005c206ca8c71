"""Files of boxes, a line each: with a header that names the columns, or without."""

import codecs
import contextlib
import itertools
import re
from pathlib import Path
from typing import NamedTuple

from dslt_jax.cli import box_text
from dslt_jax.cli.box_text import BoxError, WrittenBox
from dslt_jax.stand_ins import not_the_file
from dslt_jax.text import decode

NAME_COLUMNS = ("name", "id", "target", "label", "object", "objectid", "targetid", "trackid")
FRAME_COLUMNS = ("frame", "frameid", "frameno", "framenumber", "frameindex")
_NO_HEADER = re.compile(r"[=:]|(^|[\s,;\"'])([+-]?\.?\d|nan\b|[+-]?inf(inity)?\b)", re.IGNORECASE)

MOST_TEXT = 1000  # letters of a line; no box has more

_BLANK_BEFORE_LAST = re.compile(r"[,;].*[^\s,;]\s+[^\s,;]+$")


class Row(NamedTuple):
    """A box of a file."""

    where: str  # the line, for sentences
    name: str  # "" without one
    box: WrittenBox
    frame: str  # "" without one


def read_rows(path: str, form: str | None = None, *, only_first: bool = False) -> list[Row]:
    """Returns the boxes of a file; # begins a comment.

    A line is x,y,w,h and then perhaps a name, or a name that is no number and then x,y,w,h. A first
    line such as id,x1,y1,x2,y2 names the columns, in any order; others than those are passed over.
    It may be a comment, as NumPy writes it.

    Args:
      path: the file.
      form: a key of `box_text.FORMATS` for what has no header; None is xywh.
      only_first: the lines after the first box are not looked at.

    Raises:
      BoxError: the file cannot be read, has no box, a line is none, or five numbers a line leave
        open which of them is the id.
    """
    title, lines = _lines(path, form)
    header = _read_header(*lines[0], form)
    if header is not None and not (lines := lines[1:]):
        raise BoxError(f"{path} has no box in it, only a header: {box_text.needed(form)}, a line")
    if header is None and form is None:
        header = _title_header(title, lines[0][1])
    if only_first:
        lines = lines[:1]
    if header is not None:
        return [header.row(*line) for line in lines]
    _refuse_unclear_ids(path, [line for _, line in lines])
    return [_row(where, line, form) for where, line in lines]


def _lines(path: str, form: str | None) -> tuple[str, list[tuple[str, str]]]:
    """The comment before them, and the lines that say something with their names for sentences."""
    try:
        data = Path(path).read_bytes().removeprefix(codecs.BOM_UTF8)
        if says := not_the_file(data[:MOST_TEXT]):
            raise BoxError(f"{path} {says}")
        text = decode(data)
    except UnicodeDecodeError:
        raise BoxError(f"{path} is not a text file of boxes") from None
    except OSError as error:
        raise BoxError(f"cannot read the boxes in {path}: {error.strerror}") from None
    parts = [line.partition("#") for line in text.splitlines()]
    stripped = [said.strip() for said, _, _ in parts]
    lines = [(f"line {i} of {path}", line) for i, line in enumerate(stripped, start=1) if line]
    comments = itertools.takewhile(lambda part: not part[0].strip(), parts)
    title = next((said.strip() for *_, said in reversed([*comments]) if said.strip()), "")
    if not lines:
        raise BoxError(f"{path} has no box in it: {box_text.needed(form)}, a line")
    for where, line in lines:
        if len(line) > MOST_TEXT:
            raise BoxError(f"{where} has {len(line)} letters: {box_text.needed(form)}, a line")
    return title, lines


class _Header(NamedTuple):
    """The first line of a file, which says what its columns are."""

    columns: list[str]
    mark: str | None  # between the columns; None is white space
    form: str

    def row(self, where: str, line: str) -> Row:
        cells = _cells(line, self.mark)
        if len(cells) != len(self.columns):
            raise BoxError(
                f"{where} is '{line}', with {len(cells)} columns where the header has "
                f"{len(self.columns)}"
            )
        named = dict(zip(map(_plain, self.columns), cells, strict=True))
        roles = {
            role: box_text.number(cell, line, where, self.form)
            for column, cell in zip(self.columns, cells, strict=True)
            if (role := box_text.role(column)) in box_text.FORMATS[self.form]
        }
        box = box_text.from_roles(roles, self.form)
        name, frame = (
            next((named[column] for column in columns if column in named), "")
            for columns in (NAME_COLUMNS, FRAME_COLUMNS)
        )
        return Row(where, name, box, frame)


def _read_header(where: str, line: str, form: str | None) -> _Header | None:
    """The header that a line is; None if it is a box. Raises BoxError where it names no box."""
    if _NO_HEADER.search(line):
        return None
    if not re.search(r"\w", line):
        raise BoxError(
            f"{where} is '{line}', as JSON has it over several lines: {box_text.needed(form)}, a "
            "line"
        )
    mark = _mark(line)
    columns = _cells(line, mark)
    roles = [role for column in columns if (role := box_text.role(column))]
    return _Header(columns, mark, box_text.format_of(roles, form, f"{where} is '{line}'"))


def _title_header(title: str, line: str) -> _Header | None:
    """The header that a comment is, of a file whose first box is in this line; else None."""
    with contextlib.suppress(BoxError):
        header = _read_header("", title, None) if title else None
        if header and len(_cells(line, _mark(line))) == len(header.columns):
            return header._replace(mark=_mark(line))
    return None


def _mark(line: str) -> str | None:
    return next((mark for mark in (";", ",", "\t") if mark in line), None)


def _cells(line: str, mark: str | None) -> list[str]:
    return [cell.strip().strip("\"'") for cell in line.split(mark)]


def _plain(column: str) -> str:
    return re.sub(r"[\s_-]", "", column.lower())


def _row(where: str, line: str, form: str | None) -> Row:
    """The row of a line without a header."""
    first, rest = box_text.words(line, 1)
    if rest and len(box_text.words(rest)[0]) == 4 and not _NO_HEADER.match(first[0]):
        return Row(where, first[0], box_text.parse_box(rest, where, form), "")
    box, name = box_text.split_box(line, where, form)
    if len(box_text.words(name)[0]) > 1 and _NO_HEADER.match(name):
        raise BoxError(
            f"{where} is '{line}', with more than a box and a name: {box_text.needed(form)}. "
            "A first line such as frame,id,x,y,w,h names the columns"
        )
    return Row(where, name, box, "")


def _refuse_unclear_ids(path: str, lines: list[str]) -> None:
    """Refuses five numbers a line, unless it is clear that the last one is an id.

    It is where a blank stands before it and commas elsewhere, where the last ones count from 0 or 1
    and the first ones do not, or where the first ones are no whole numbers.
    """
    lines = [line for line in lines if not _BLANK_BEFORE_LAST.search(line)]
    rows = [words for line in lines if len(words := box_text.words(line)[0]) == 5]
    rows = [words for words in rows if all(_NO_HEADER.match(word) for word in words)]
    if not rows:
        return
    firsts, lasts = ([words[place] for words in rows] for place in (0, -1))
    if _count_up(lasts) and not _count_up(firsts):
        return
    if _are_ids(lasts) and not all(word.isdecimal() for word in firsts):
        return
    shown = f"{path} has five numbers a line, '{','.join(rows[0])}'"
    if fractions := _yolo(rows[0]):
        raise BoxError(
            f"{shown}, as YOLO has them: write its middle and size as {fractions}, with "
            "--box_format cxcywh"
        )
    raise BoxError(
        f"{shown}: is the first one an id, or the "
        "last? Say so in a first line, id,x,y,w,h or x,y,w,h,id"
    )


def _yolo(row: list[str]) -> str:
    """The box of a class's number and four fractions of the frame, in percent; "" of another."""
    kind, *numbers = row
    try:
        values = [float(word) for word in numbers]
    except ValueError:
        return ""
    if not kind.isdecimal() or not all(0 <= value <= 1 for value in values):
        return ""
    return ",".join(f"{100 * value:.6g}%" for value in values)


def _are_ids(words: list[str]) -> bool:
    return all(word.isdecimal() for word in words) and len(set(words)) == len(words)


def _count_up(words: list[str]) -> bool:
    if not _are_ids(words):
        return False
    numbers = [int(word) for word in words]
    return numbers[0] in (0, 1) and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
