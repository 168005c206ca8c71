"""A box as people write it: pixels or percent, four numbers or named sides, perhaps in brackets."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

# What the four numbers of a format say; those at even places are horizontal.
FORMATS = {
    "xywh": ("left", "top", "width", "height"),
    "xyxy": ("left", "top", "right", "bottom"),
    "cxcywh": ("middle x", "middle y", "width", "height"),
}

_NEEDED = {
    "xywh": "x,y,w,h in pixels, with x,y the top-left corner from 0",
    "xyxy": "x1,y1,x2,y2 in pixels from 0, the top-left corner and the one across",
    "cxcywh": "cx,cy,w,h in pixels, with cx,cy the middle",
}

# Other names for them, in lower case, without _ - and a bb, bbox or box in front.
_NAMES = {
    "left": "left x x1 x0 xmin xleft",
    "top": "top y y1 y0 ymin ytop",
    "right": "right x2 xmax xright",
    "bottom": "bottom y2 ymax ybottom",
    "width": "width w",
    "height": "height h",
    "middle x": "cx xc xcenter xcentre centerx centrex",
    "middle y": "cy yc ycenter ycentre centery centrey",
}
_ROLES = {name: role for role, names in _NAMES.items() for name in names.split()}
_BRACKETS = {"[": "]", "(": ")", "{": "}", "<": ">", '"': '"', "'": "'"}
_NAMED = re.compile(r"[\"']?([A-Za-z_]\w*)[\"']?\s*[=:]\s*([^\s,;=:]+)")
_NUMBER = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)(%|px)?", re.IGNORECASE)

Box = tuple[float, float, float, float]


class BoxError(ValueError):
    """A box or a file of boxes is not as it must be; the text says what came and what is needed."""


class Length(NamedTuple):
    """A number of a box."""

    value: float
    percent: bool = False  # of the frame's width or height; otherwise pixels


class WrittenBox(NamedTuple):
    """A box whose pixels are known once the frame's size is."""

    lengths: tuple[Length, Length, Length, Length]
    format: str = "xywh"  # a key of FORMATS
    sure: bool = False  # the format was said, and not taken for granted

    def pixels(self, width: int, height: int) -> Box:
        """Returns x, y, w, h in pixels of a frame of that size."""
        sides = (width, height, width, height)
        a, b, c, d = (
            length.value * side / 100 if length.percent else length.value
            for length, side in zip(self.lengths, sides, strict=True)
        )
        match self.format:
            case "xyxy":
                return a, b, c - a, d - b
            case "cxcywh":
                return a - c / 2, b - d / 2, c, d
        return a, b, c, d


def needed(form: str | None) -> str:
    """Returns what a box must be, as the end of a sentence."""
    return f"four numbers are needed: {_NEEDED[form or 'xywh']}"


def parse_box(text: str, where: str = "--box", form: str | None = None) -> WrittenBox:
    """Returns the box of a text such as "10,20,30,40" or "x=10 y=20 w=30 h=40".

    Commas, semicolons or spaces separate, a number may end with %, and brackets may be around it.

    Args:
      text: as the user wrote it.
      where: what the text is, for the sentence of an error.
      form: a key of FORMATS that the user asked for; None is xywh, or what names of sides say.

    Raises:
      BoxError: it is not four finite numbers, or their names are none of a format.
    """
    box, rest = split_box(text, where, form)
    if rest:
        raise BoxError(f"{where} is '{text}', with '{rest}' behind the box: {needed(form)}")
    return box


def split_box(text: str, where: str, form: str | None = None) -> tuple[WrittenBox, str]:
    """Splits "x,y,w,h rest" into the box and the rest; raises as `parse_box`."""
    bare = _without_brackets(text)
    if _NAMED.search(bare):
        return _named(bare, text, where, form), ""
    numbers, rest = words(bare, 4)
    if len(numbers) < 4:
        for word in numbers:  # a word that is no number is the better news
            number(word, text, where, form)
        count = f"{len(numbers)} number" + "s" * (len(numbers) != 1)
        raise BoxError(f"{where} is '{text}', which is {count}: {needed(form)}")
    a, b, c, d = (number(word, text, where, form) for word in numbers)
    _refuse_polygon(bare, where)
    return WrittenBox((a, b, c, d), form or "xywh", form is not None), rest


def _refuse_polygon(bare: str, where: str) -> None:
    """Raises BoxError for eight numbers, with the box around the polygon that they may be."""
    texts = words(bare)[0]
    if len(texts) != 8 or not all(_NUMBER.fullmatch(text) for text in texts):
        return
    values = [number(text, bare, where, None).value for text in texts]
    left, top, right, bottom = (pick(values[start::2]) for pick in (min, max) for start in (0, 1))
    box = ",".join(f"{value:.6g}" for value in (left, top, right - left, bottom - top))
    raise BoxError(
        f"{where} is '{bare}', eight numbers as a polygon has them: write the box around it, {box}"
    )


def words(text: str, count: int = 0) -> tuple[list[str], str]:
    """Splits a line at commas and spaces, or at semicolons and spaces where it has them.

    Returns:
      the words, at most `count` of them if that is not 0, and the rest of the line.
    """
    mark = ";" if ";" in text else ","
    text = text.strip().removesuffix(mark).rstrip()
    parts = re.split(rf"\s*[{mark}\s]\s*", text, maxsplit=count)
    return (parts[:count], "".join(parts[count:])) if count else (parts, "")


def number(word: str, text: str, where: str, form: str | None) -> Length:
    """Returns the number of a word of `text`; raises BoxError."""
    if match := _NUMBER.fullmatch(word):
        value = float(match[1])
        if math.isfinite(value):
            return Length(value, match[2] == "%")
    if match or re.fullmatch(r"[+-]?(nan|inf|infinity)", word, re.IGNORECASE):
        raise BoxError(f"{where} is '{text}': every number must be finite")
    comma = " (a decimal point is a dot)" if re.fullmatch(r"[+-]?\d+,\d+", word) else ""
    raise BoxError(f"{where} is '{text}', where '{word}' is no number{comma}: {needed(form)}")


def role(name: str) -> str | None:
    """Returns what a column or a side of that name is, as FORMATS has it; None for another."""
    return _ROLES.get(re.sub(r"^(bbox|box|bb)(?=.)", "", re.sub(r"[\s_-]", "", name.lower())))


def format_of(roles: Sequence[str], form: str | None, what: str) -> str:
    """Returns the format that names speak of; raises BoxError if it is none, or not `form`."""
    for name, needed in FORMATS.items():
        if set(needed) == set(roles) and len(roles) == 4:
            if form not in (None, name):
                raise BoxError(f"{what}, which is {name}, but --box_format is {form}")
            return name
    raise BoxError(f"{what}: a box has x,y,w,h, or x1,y1,x2,y2, or cx,cy,w,h")


def from_roles(values: Mapping[str, Length], form: str) -> WrittenBox:
    """Returns the box of four numbers by what they are."""
    a, b, c, d = (values[role] for role in FORMATS[form])
    return WrittenBox((a, b, c, d), form, sure=True)


def _named(bare: str, text: str, where: str, form: str | None) -> WrittenBox:
    """The box of a text such as "x=10, y=20, w=30, h=40"."""
    left_over = _NAMED.sub("", bare).strip(" \t,;")
    if left_over:
        raise BoxError(f"{where} is '{text}', where '{left_over}' has no name: {needed(form)}")
    pairs = _NAMED.findall(bare)
    unknown = [name for name, _ in pairs if role(name) is None]
    if unknown:
        raise BoxError(
            f"{where} is '{text}', where '{unknown[0]}' is no side of a box: {needed(form)}"
        )
    values = {str(role(name)): number(word, text, where, form) for name, word in pairs}
    named = format_of([str(role(name)) for name, _ in pairs], form, f"{where} is '{text}'")
    return from_roles(values, named)


def _without_brackets(text: str) -> str:
    bare = text.strip()
    while len(bare) > 1 and _BRACKETS.get(bare[0]) == bare[-1]:
        bare = bare[1:-1].strip()
    return bare
