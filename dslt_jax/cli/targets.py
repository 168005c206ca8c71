"""Boxes as people write them: read, named and checked against the first frame."""

import math
import re
from pathlib import Path
from typing import NamedTuple

NEEDED = "four numbers are needed: x,y,w,h in pixels, with x,y the top-left corner from 0"

Box = tuple[float, float, float, float]


class TargetError(ValueError):
    """A box or a file of boxes is not as it must be; the text says what came and what is needed."""


class Target(NamedTuple):
    """What to follow."""

    name: str  # "" for one that needs none
    box: Box  # x, y, w, h in pixels of the first frame


def parse_box(text: str, where: str = "--box") -> Box:
    """Returns the box of a text such as "10,20,30,40"; commas, semicolons and spaces separate.

    Raises:
      TargetError: it is not four finite numbers.
    """
    box, rest = _split(text, where)
    if rest:
        raise TargetError(f"{where} is '{text}', with '{rest}' behind the box: {NEEDED}")
    return box


def read_box(path: str) -> Box:
    """Returns the box on the first line of a file that is not empty or a # comment.

    Raises:
      TargetError: the file cannot be read or has no such line.
    """
    number, line = _lines(path)[0]
    return parse_box(line, f"line {number} of {path}")


def read_targets(path: str) -> list[Target]:
    """Returns the targets of a file: one x,y,w,h a line, then perhaps a name; # begins a comment.

    Targets without a name are called by their number, from 1.

    Raises:
      TargetError: the file cannot be read, or a line has no box, a bad name or one seen before.
    """
    targets: list[Target] = []
    for number, line in _lines(path):
        where = f"line {number} of {path}"
        box, name = _split(line, where)
        name = name or str(len(targets) + 1)
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise TargetError(
                f"{where} names its target '{name}': files are called after it, so it may have "
                "letters, digits and . _ - only"
            )
        if name.lower() in {target.name.lower() for target in targets}:
            raise TargetError(f"{where} names its target '{name}', as a line before it does")
        targets.append(Target(name, box))
    return targets


def check_box(box: Box, width: int, height: int, min_side: float, where: str = "the box") -> None:
    """Checks that a target can be learnt from a box on a frame of `width` by `height` pixels.

    Raises:
      TargetError: it has no size, less than `min_side`, more than the frame's, or its middle is
        outside.
    """
    x, y, w, h = box
    shown = f"{where} is {x:g},{y:g},{w:g},{h:g}"
    if w <= 0 or h <= 0:
        raise TargetError(f"{shown}: its width and height must be positive")
    if w < min_side or h < min_side:
        raise TargetError(
            f"{shown}: too small to follow, its sides must be {min_side:g} pixels or more"
        )
    if w > width or h > height:
        raise TargetError(f"{shown}: larger than the frame, which has {width} x {height} pixels")
    if not (0 <= x + w / 2 <= width and 0 <= y + h / 2 <= height):
        raise TargetError(
            f"{shown}: outside the frame of {width} x {height} pixels; its middle must be inside"
        )


def _lines(path: str) -> list[tuple[int, str]]:
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise TargetError(f"{path} is not a text file of boxes") from None
    except OSError as error:
        raise TargetError(f"cannot read the boxes in {path}: {error.strerror}") from None
    stripped = [line.partition("#")[0].strip() for line in text.splitlines()]
    lines = [(number, line) for number, line in enumerate(stripped, start=1) if line]
    if not lines:
        raise TargetError(f"{path} has no box in it: {NEEDED}, one box a line")
    return lines


def _split(text: str, where: str) -> tuple[Box, str]:
    """Splits "x,y,w,h rest" into the box and the rest."""
    words = re.split(r"\s*[,;\s]\s*", text.strip(), maxsplit=4)
    numbers = []
    for word in words[:4]:
        try:
            numbers.append(float(word))
        except ValueError:
            raise TargetError(
                f"{where} is '{text}', where '{word}' is no number: {NEEDED}"
            ) from None
    if len(numbers) < 4:
        count = f"{len(numbers)} number" + "s" * (len(numbers) != 1)
        raise TargetError(f"{where} is '{text}', which is {count}: {NEEDED}")
    if not all(map(math.isfinite, numbers)):
        raise TargetError(f"{where} is '{text}': every number must be finite")
    x, y, w, h = numbers
    return (x, y, w, h), (words[4] if len(words) > 4 else "").strip()
