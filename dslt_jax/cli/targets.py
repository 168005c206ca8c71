"""Which targets to follow: from the flags, their files or a window; settled on the start frame."""

import os
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from absl import flags

from dslt_jax.arguments import least_side
from dslt_jax.cli import box_file, box_text
from dslt_jax.cli.box_check import settle_box
from dslt_jax.cli.box_text import Box, BoxError, WrittenBox, parse_box
from dslt_jax.media import select
from dslt_jax.media.source import Image
from dslt_jax.types import Tracker

WHERE = "where is the target? One of --box x,y,w,h, --box_file, --gui, --targets"
WAYS = ("box", "box_file", "gui", "targets")

# A word of --box 20 40 28 24, --box [20, 40, 28, 24] or --box x=20 y=40 w=28 h=24.
_WORD = re.compile(r"[\[({]*([A-Za-z]\w*[=:])?[-+]?[\d.][\d.,;]*(e[-+]?\d+)?(%|px)?[\])},;]*")


def is_number(word: str) -> bool:
    """Returns whether a word may be one of a box's four."""
    return _WORD.fullmatch(word) is not None


class Wanted(NamedTuple):
    """What to follow, as it was written."""

    name: str  # "" for one that needs none
    box: WrittenBox  # on the start frame
    frame: str = ""  # that a file says it is of


class Target(NamedTuple):
    """What to follow."""

    name: str  # "" for one that needs none
    box: Box  # x, y, w, h in pixels of the start frame


def from_flags(values: flags.FlagValues, arguments: Sequence[str]) -> list[Wanted] | None:
    """Returns what --box, --box_file or --targets say; None where a window or a run before does.

    Args:
      values: those of `dslt track`.
      arguments: what belongs to no flag; it may be the rest of a box in several words.

    Raises:
      BoxError: none or several of the flags were given, an argument is left over, or as
        `parse_box` and `read_targets`.
    """
    given = [way for way in WAYS if values[way].value]
    box, left = None, list(arguments)
    if given == ["box"]:
        if len(values.box) > 1:
            raise BoxError("--box was given twice: several targets are a file, --targets FILE")
        box, left = join_words(values.box[0], arguments)
    if left and os.path.exists(left[0]):
        behind = f" behind --input {values.input[0]}" if values.input else ""
        raise BoxError(
            f"'{left[0]}' is left over{behind}: a run follows one input, and a glob of images is "
            "put in quotes, --input 'frames/*.png'"
        )
    if left:
        raise BoxError(
            f"'{left[0]}' belongs to no flag: the input is --input PATH (there is no file or "
            f"folder '{left[0]}')"
        )
    if len(given) > 1:
        raise BoxError(f"{WHERE}: {' and '.join(f'--{way}' for way in given)} were given")
    if not given and not values.resume:
        raise BoxError(f"{WHERE}: none was given")
    if box is not None:
        return [Wanted("", parse_box(box, form=values.box_format))]
    if values.box_file:
        return [read_box(values.box_file, values.box_format)]
    return read_targets(values.targets, values.box_format) if values.targets else None


def settle(
    wanted: Sequence[Wanted], tracker: Tracker, image: Image
) -> tuple[list[Target], list[str]]:
    """Returns the targets in pixels of the start frame, and what is to be said of them.

    Raises:
      BoxError: a box cannot be followed.
    """
    height, width = image.shape[:2]
    min_side = least_side(tracker)
    notes: Callable[[Any], list[str]] = getattr(tracker, "notes", lambda box: [])
    settled, said = [], []
    for name, written, _ in wanted:
        where = f"the box of target {name}" if name else "the box"
        box, cut = settle_box(written, width, height, min_side, where)
        said += [cut] if cut else []
        said += [f"{where}: {note}" if name else note for note in notes(box)]
        settled.append(Target(name, box))
    return settled, said


def frame_note(wanted: Sequence[Wanted], start: int) -> list[str]:
    """Returns what is to be said where boxes are of another frame than a run's start, from 0."""
    frames = {one.frame for one in wanted if re.fullmatch(r"[0-9]+", one.frame, re.ASCII)}
    return [
        f"the file says that its boxes are of frame {frame}, and the run starts at frame {start}: "
        f"--start {frame} begins there"
        for frame in sorted(frames)
        if int(frame) not in (start, start + 1)  # some count from 1
    ]


def ask(image: Image, *, window: bool) -> Target:
    """Returns the target that is dragged in a window, and prints its box.

    Raises:
      BoxError: no window is wanted, or none was dragged; SelectError: there is no window.
    """
    if not window:
        raise BoxError(f"{WHERE}: none was given")
    box = select.select_box(image)
    if box is None:
        raise BoxError("no box was dragged: there is nothing to track")
    print("--box " + ",".join(f"{value:.1f}" for value in box))
    return Target("", box)


def join_words(box: str, arguments: Sequence[str]) -> tuple[str, list[str]]:
    """Joins a box that was written in several words, of which all but the first are arguments.

    Once it has its four numbers, what follows is none of it.

    Returns:
      the box's text, and the arguments that are none of it.
    """
    left = list(arguments)
    while left and _WORD.fullmatch(left[0]) and len(box_text.words(box)[0]) < 4:
        box += f" {left.pop(0)}"
    return box, left


def read_box(path: str, form: str | None = None) -> Wanted:
    """Returns the first box of a file; see `box_file.read_rows`.

    Raises:
      BoxError: as that, and where more than a box is on the line.
    """
    row = box_file.read_rows(path, form, only_first=True)[0]
    if row.name and not row.box.sure:
        raise BoxError(f"{row.where} has '{row.name}' beside the box: --targets takes names")
    return Wanted("", row.box, row.frame)


def read_targets(path: str, form: str | None = None) -> list[Wanted]:
    """Returns the targets of a file, those without a name called by their number, from 1.

    Raises:
      BoxError: as `box_file.read_rows`; a name is no file's name, or seen before; or the boxes are
        of several frames.
    """
    targets: list[Wanted] = []
    rows = box_file.read_rows(path, form)
    frames = list(dict.fromkeys(row.frame for row in rows))
    if len(frames) > 1:
        raise BoxError(
            f"{path} has boxes of several frames, {frames[0]} and {frames[1]}: leave those of the "
            "start frame only"
        )
    for row in rows:
        name = row.name or str(len(targets) + 1)
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise BoxError(
                f"{row.where} names its target '{name}': files are called after it, so it may "
                "have letters, digits and . _ - only"
            )
        if name.lower() in {target.name.lower() for target in targets}:
            raise BoxError(f"{row.where} names its target '{name}', as a line before it does")
        targets.append(Wanted(name, row.box, row.frame))
    return targets
