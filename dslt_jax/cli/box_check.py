"""A box against the frame that it is on: refused, cut to the frame, or taken as it is."""

from dslt_jax import boxes
from dslt_jax.cli.box_text import Box, BoxError, WrittenBox

LITTLE = 0.1  # of a box's side; so much beyond the frame is a slip of the hand
ROUNDING = 1e-6  # pixels


def settle_box(
    written: WrittenBox, width: int, height: int, min_side: float, where: str = "the box"
) -> tuple[Box, str | None]:
    """Returns a box in pixels of a frame of `width` by `height`, cut to it.

    Returns:
      the box, x, y, w, h, and a sentence if it was cut.

    Raises:
      BoxError: it has no size, or less than `min_side`, is larger than the frame, its middle is
        outside, or its numbers fit the frame as another format only.
    """
    box = written.pixels(width, height)
    x, y, w, h = box
    shown = f"{where} is {_show(box)}"
    if w <= 0 or h <= 0:
        hint = " with x1 < x2 and y1 < y2" if written.format == "xyxy" else ""
        raise BoxError(f"{shown}: its width and height must be positive{hint}")
    corners = _corners_hint(written, width, height, min_side)
    if w < min_side or h < min_side:
        raise BoxError(
            f"{shown}: too small to follow, its sides must be {min_side:g} pixels or more"
            + _fractions_hint(written)
        )
    size = f"{width} x {height} pixels"
    if w > (1 + LITTLE) * width or h > (1 + LITTLE) * height:
        raise BoxError(f"{shown}: larger than the frame, which has {size}{corners}")
    if not (0 <= x + w / 2 <= width and 0 <= y + h / 2 <= height):
        raise BoxError(f"{shown}: outside the frame of {size}; its middle must be inside{corners}")
    left, top, right, bottom = boxes.to_corners(boxes.clip(box, width, height)).tolist()
    cut = (left, top, right - left, bottom - top)
    beyond_x, beyond_y = w - cut[2], h - cut[3]
    if beyond_x <= ROUNDING and beyond_y <= ROUNDING:
        return box, None
    if corners and (beyond_x > LITTLE * w or beyond_y > LITTLE * h):
        raise BoxError(f"{shown}: it reaches far over the frame of {size}{corners}")
    if cut[2] < min_side or cut[3] < min_side:
        raise BoxError(
            f"{shown}: too little of it is in the frame of {size}, where its sides must be "
            f"{min_side:g} pixels or more"
        )
    return cut, f"{shown} and reaches over the frame of {size}: it is cut to {_show(cut)}"


def _show(box: Box) -> str:
    return ",".join(f"{value:.6g}" for value in box)


def _corners_hint(written: WrittenBox, width: int, height: int, min_side: float) -> str:
    """What to do with numbers that fit the frame as the corners of a box."""
    if written.sure:
        return ""
    x, y, w, h = written._replace(format="xyxy").pixels(width, height)
    fits = x >= 0 and y >= 0 and min(w, h) >= min_side and x + w <= width and y + h <= height
    return ". If these are corners x1,y1,x2,y2, add --box_format xyxy" if fits else ""


def _fractions_hint(written: WrittenBox) -> str:
    """What to do with numbers from 0 to 1."""
    if not all(0 <= length.value <= 1 and not length.percent for length in written.lengths):
        return ""
    percent = ",".join(f"{100 * length.value:g}%" for length in written.lengths)
    return f". If these are fractions of the frame, write {percent}"
