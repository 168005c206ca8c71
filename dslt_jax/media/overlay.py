"""Draws what a tracker says onto its frames: boxes, confidence, lost targets, response maps."""

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageEnhance, ImageFont

from dslt_jax.media.source import Image

if TYPE_CHECKING:  # it brings JAX, which drawing does not need
    from dslt_jax.types import Observation

MIN_CANVAS = 480  # pixels of the longer side: smaller frames are enlarged, or text hides them

Color = tuple[int, int, int]
COLORS: tuple[Color, ...] = (
    (57, 255, 120),
    (60, 190, 255),
    (255, 200, 40),
    (255, 110, 220),
    (170, 140, 255),
    (255, 140, 70),
    (60, 240, 220),
    (210, 240, 70),
)
LOST: Color = (255, 64, 64)
INK: Color = (12, 14, 18)
PAPER: Color = (245, 245, 245)

# Dark violet through red to pale yellow: lightness rises steadily, so that it reads in grey too.
_HEAT = np.array(
    [
        (0, 0, 4),
        (40, 11, 84),
        (101, 21, 110),
        (159, 42, 99),
        (212, 72, 66),
        (245, 125, 21),
        (250, 193, 39),
        (252, 255, 164),
    ],
    np.float32,
)


class Overlay:
    """Draws a clip's frames, one after the other.

    Args:
      names: one a target, shown at its box; one target alone needs none.
      colors: of the targets, in their order.
    """

    def __init__(self, names: Sequence[str] = ("",), colors: Sequence[Color] = COLORS):
        self._names, self._colors = tuple(names), tuple(colors)
        self._corner = 0  # of the insets; they stay there until a box comes under them

    def draw(
        self,
        image: Image,
        index: int,
        seen: "Observation",
        *,
        damaged: bool = False,
        note: str = "",
    ) -> Image:
        """Returns a copy of the frame with the drawing on it, enlarged where it is small.

        Args:
          image: (H, W, 3) uint8 RGB.
          index: the frame's number, shown in a corner.
          seen: what the tracker says.
          damaged: the frame could not be read: `image` is the last one, and is dimmed.
          note: shown behind the number.
        """
        zoom = canvas_zoom(image.shape[1], image.shape[0])
        canvas = PillowImage.fromarray(image)
        if zoom > 1:
            size = (canvas.width * zoom, canvas.height * zoom)
            canvas = canvas.resize(size, PillowImage.Resampling.BICUBIC)
        if damaged:
            canvas = ImageEnhance.Brightness(canvas).enhance(0.4)
        unit = max(1, round(min(canvas.size) / 360))  # thickness of a line
        boxes = np.asarray(seen.boxes, np.float64).reshape(-1, 4) * zoom
        lost = np.asarray(seen.lost, bool).reshape(-1)
        confidence = np.asarray(seen.confidence, np.float64).reshape(-1)
        if seen.response is not None and seen.search_boxes is not None and not damaged:
            searches = np.asarray(seen.search_boxes, np.float64).reshape(-1, 4) * zoom
            self._draw_insets(canvas, unit, boxes, np.asarray(seen.response), searches)
        pen = ImageDraw.Draw(canvas)
        for i, box in enumerate(boxes):
            color = LOST if lost[i] else self.color(i)
            _draw_box(pen, box, color, unit, dashed=bool(lost[i]))
            text = f"{self._names[i]} {confidence[i]:.2f}".strip()
            _draw_label(pen, canvas.size, text, (box[0], box[1]), color, unit, above=True)
        state = "unreadable" if damaged else "lost" if lost.any() else ""
        left, top = 4.0 * unit, 4.0 * unit
        width = _draw_label(
            pen, canvas.size, f"frame {index} {note}".rstrip(), (left, top), PAPER, unit
        )
        if state:
            _draw_label(pen, canvas.size, state, (left + width + 3 * unit, top), LOST, unit)
        return np.asarray(canvas)

    def color(self, target: int) -> Color:
        """Returns the colour of a target's box."""
        return self._colors[target % len(self._colors)]

    def _draw_insets(
        self,
        canvas: PillowImage.Image,
        unit: int,
        boxes: NDArray,
        responses: NDArray,
        searches: NDArray,
    ) -> None:
        """Pastes a row of response maps, as many as half the width holds, clear of the boxes."""
        side, gap = round(0.32 * min(canvas.size)), 4 * unit
        count = max(1, min(len(boxes), (canvas.width // 2) // (side + gap)))
        width, height = count * (side + gap) + gap, side + 2 * gap
        x = (canvas.width - width, canvas.width - width, 0, 0)
        y = (canvas.height - height, 0, canvas.height - height, 0)
        covered = [_covered(boxes, (x[i], y[i], width, height)) for i in range(4)]
        if covered[self._corner] > 0:
            self._corner = int(np.argmin(covered))
        left, top = x[self._corner] + gap, y[self._corner] + gap
        frame = canvas.copy()
        for i in range(count):
            inset = _inset(frame, responses[i], searches[i], side)
            scale = side / searches[i, 2:]
            inner = np.concatenate([(boxes[i, :2] - searches[i, :2]) * scale, boxes[i, 2:] * scale])
            pen = ImageDraw.Draw(inset)
            _draw_box(pen, inner, PAPER, max(1, unit // 2))
            pen.rectangle((0, 0, side - 1, side - 1), outline=self.color(i), width=unit)
            canvas.paste(inset, (left + i * (side + gap), top))


def canvas_zoom(width: int, height: int) -> int:
    """Returns the whole factor by which a frame is enlarged before it is drawn on."""
    return max(1, math.ceil(MIN_CANVAS / max(width, height)))


def heat_colors(values: ArrayLike) -> NDArray[np.float32]:
    """Returns colours (..., 3) in 0..255 of values (...) in 0..1."""
    stops = np.linspace(0, 1, len(_HEAT))
    values = np.clip(np.nan_to_num(np.asarray(values, np.float32)), 0, 1)
    return np.stack([np.interp(values, stops, c) for c in _HEAT.T], -1).astype(np.float32)


def _inset(
    frame: PillowImage.Image, response: NDArray, search: NDArray, side: int
) -> PillowImage.Image:
    """The search crop in grey under its response map; on a fixed scale of 0 to 1."""
    x, y, w, h = search
    crop = frame.transform(
        (side, side),
        PillowImage.Transform.EXTENT,
        (x, y, x + w, y + h),
        PillowImage.Resampling.BILINEAR,
    ).convert("L")
    map_image = PillowImage.fromarray(np.nan_to_num(np.asarray(response, np.float32)))
    strength = np.asarray(map_image.resize((side, side), PillowImage.Resampling.BICUBIC))
    strength = np.clip(strength, 0, 1)[..., None]
    grey = 0.85 * np.asarray(crop, np.float32)[..., None]
    weight = 0.15 + 0.75 * np.sqrt(strength)
    mixed = grey * (1 - weight) + heat_colors(strength[..., 0]) * weight
    return PillowImage.fromarray(mixed.round().astype(np.uint8))


def _draw_box(
    pen: ImageDraw.ImageDraw, box: NDArray, color: Color, unit: int, dashed: bool = False
) -> None:
    """A line 2 units thick with a dark rim, so that it shows on any ground."""
    left, top, right, bottom = _corners(box)
    pen.rectangle((left - unit, top - unit, right + unit, bottom + unit), outline=INK, width=unit)
    if not dashed:
        pen.rectangle((left, top, right, bottom), outline=color, width=2 * unit)
        return
    dash = 6 * unit
    for x in range(left, right, 2 * dash):
        for y in (top, bottom - 2 * unit + 1):
            pen.rectangle((x, y, min(x + dash, right), y + 2 * unit - 1), fill=color)
    for y in range(top, bottom, 2 * dash):
        for x in (left, right - 2 * unit + 1):
            pen.rectangle((x, y, x + 2 * unit - 1, min(y + dash, bottom)), fill=color)


def _corners(box: NDArray) -> tuple[int, int, int, int]:
    """Pixels of a box's outline: pixel i covers i to i + 1."""
    left, top = round(box[0]), round(box[1])
    right, bottom = round(box[0] + box[2]) - 1, round(box[1] + box[3]) - 1
    return left, top, max(left + 1, right), max(top + 1, bottom)


def _draw_label(
    pen: ImageDraw.ImageDraw,
    canvas: tuple[int, int],
    text: str,
    corner: tuple[float, float],
    color: Color,
    unit: int,
    above: bool = False,
) -> int:
    """Writes on a plate whose top-left (or with `above`, bottom-left) corner is given.

    The plate is kept on the canvas. Returns its width.
    """
    font = _font(max(13, round(min(canvas) / 26)))
    pad = 2 * unit
    ascent, descent = font.getmetrics()
    width, height = round(font.getlength(text)) + 3 * pad, ascent + descent + pad
    x, y = corner[0], corner[1] - height - unit if above else corner[1]
    x = round(min(max(x, 0), canvas[0] - width))
    y = round(min(max(y, 0), canvas[1] - height))
    pen.rectangle((x, y, x + width - 1, y + height - 1), fill=INK)
    pen.rectangle((x, y, x + pad // 2, y + height - 1), fill=color)
    pen.text((x + 1.75 * pad, y + pad // 2), text, font=font, fill=color)
    return width


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # asking for a size asks for FreeType
    return font


def _covered(boxes: NDArray, area: tuple[int, int, int, int]) -> float:
    """How much of `area` the boxes cover, in pixels."""
    x, y, w, h = area
    widths = np.minimum(boxes[:, 0] + boxes[:, 2], x + w) - np.maximum(boxes[:, 0], x)
    heights = np.minimum(boxes[:, 1] + boxes[:, 3], y + h) - np.maximum(boxes[:, 1], y)
    return float(np.sum(np.maximum(widths, 0) * np.maximum(heights, 0)))
