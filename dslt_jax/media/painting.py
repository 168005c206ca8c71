"""Procedural pictures for synthetic clips: a forest floor, beetles and blades of grass.

Everything follows from a `numpy.random.Generator`; nothing is read from disk.
"""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw

Color = tuple[int, int, int]

SMOOTH = 2  # drawn so many times larger, then averaged: soft edges
BEETLE_SIDE = 256  # pixels of a beetle's square picture, which its outline touches on all sides

_SOIL: tuple[Color, ...] = ((46, 38, 30), (84, 70, 50), (122, 104, 74), (96, 104, 60))
_LEAVES: tuple[Color, ...] = (
    (150, 88, 40),
    (178, 128, 58),
    (120, 60, 36),
    (98, 110, 52),
    (140, 140, 70),
    (166, 66, 40),
)
_STONES: tuple[Color, ...] = ((132, 128, 122), (104, 98, 92), (156, 146, 130))
_GRASS: tuple[Color, ...] = ((74, 122, 48), (98, 146, 58))


def forest_floor(rng: np.random.Generator, width: int, height: int) -> PillowImage.Image:
    """Returns an RGB picture of soil strewn with leaves and stones."""
    soil = _ramp(_noise(rng, height, width), _SOIL)
    soil *= 0.9 + 0.2 * rng.random((height, width, 1))
    w, h = width * SMOOTH, height * SMOOTH
    canvas = PillowImage.fromarray(np.clip(soil, 0, 255).astype(np.uint8)).resize((w, h))
    pen = ImageDraw.Draw(canvas, "RGBA")
    for _ in range(width * height // 1100):
        place = rng.uniform((0, 0), (w, h))
        if rng.random() < 0.7:
            _leaf(pen, rng, place, rng.uniform(16, 60) * SMOOTH)
        else:
            _stone(pen, rng, place, rng.uniform(4, 13) * SMOOTH)
    return canvas.reduce(SMOOTH)


def grass(
    rng: np.random.Generator, width: int, height: int, places: list[tuple[float, float]]
) -> PillowImage.Image:
    """Returns a transparent RGBA picture with a few upright blades of grass at each (x, y)."""
    canvas = PillowImage.new("RGBA", (width * SMOOTH, height * SMOOTH), (*_GRASS[0], 0))
    pen = ImageDraw.Draw(canvas)
    for x, y in places:
        for offset in (-9.0, 8.0):
            color = _vary(rng, _GRASS[int(rng.integers(len(_GRASS)))])
            _blade(pen, color, x + offset, y, length=150.0, lean=rng.uniform(-25, 25))
    return canvas.reduce(SMOOTH)


def beetle(shell: Color, spots: list[tuple[float, float, float]]) -> PillowImage.Image:
    """Returns an RGBA picture of a beetle from above that looks to the right.

    Its outline is the circle that fits the picture; stretched, it is an ellipse.

    Args:
      shell: its colour.
      spots: x, y and radius of dark spots, mirrored at the x axis; the beetle spans -1 .. 1.
    """
    axis = (np.arange(BEETLE_SIDE) + 0.5) / BEETLE_SIDE * 2 - 1
    x, y = np.meshgrid(axis, axis)
    radius = np.hypot(x, y)
    color = np.broadcast_to(np.array(shell, float), (BEETLE_SIDE, BEETLE_SIDE, 3))
    ink, cream = np.array([24.0, 20, 22]), np.array([238.0, 230, 205])
    for spot_x, spot_y, size in spots:
        color = _mix(color, ink, size - np.hypot(x - spot_x, np.abs(y) - spot_y))
    color = _mix(color, ink, 0.025 - np.abs(y))  # where the wings meet
    color = _mix(color, ink, x - 0.58 + 0.15 * y * y)  # the head
    color = _mix(color, cream, 0.11 - np.hypot(x - 0.74, np.abs(y) - 0.33))
    depth = np.sqrt(np.clip(1 - radius**2, 0, 1))
    light = 0.45 + 0.6 * np.clip(0.75 * depth - 0.35 * x - 0.45 * y, 0, 1)
    gloss = 130 * np.exp(-((x + 0.25) ** 2 + (y + 0.4) ** 2) / 0.02)
    color = np.clip(color * light[..., None] + gloss[..., None], 0, 255)
    alpha = 255 * np.clip((1 - radius) * BEETLE_SIDE / 4, 0, 1)
    return PillowImage.fromarray(np.dstack([color, alpha]).round().astype(np.uint8))


def _mix(color: NDArray, other: NDArray, inside: NDArray) -> NDArray:
    """`other` where `inside` is positive, with an edge a few pixels soft."""
    share = np.clip(0.5 + inside * BEETLE_SIDE / 4, 0, 1)[..., None]
    return color * (1 - share) + other * share


def _noise(rng: np.random.Generator, height: int, width: int) -> NDArray:
    """Smooth noise (height, width) in 0..1, the sum of octaves."""
    total = np.zeros((height, width), np.float32)
    for octave in range(2, 8):
        grid = rng.random((2**octave, 2**octave)).astype(np.float32)
        layer = PillowImage.fromarray(grid).resize((width, height), PillowImage.Resampling.BICUBIC)
        total += np.asarray(layer) * 0.6**octave
    low, high = total.min(), total.max()
    return (total - low) / (high - low)


def _ramp(values: NDArray, colors: tuple[Color, ...]) -> NDArray:
    stops = np.linspace(0, 1, len(colors))
    channels = np.array(colors, float).T
    return np.stack([np.interp(values, stops, channel) for channel in channels], axis=-1)


def _vary(rng: np.random.Generator, color: Color) -> Color:
    """The colour, a little lighter or darker."""
    r, g, b = np.clip(np.array(color) * rng.uniform(0.7, 1.25), 0, 255).astype(int)
    return int(r), int(g), int(b)


def _leaf(
    pen: ImageDraw.ImageDraw, rng: np.random.Generator, place: NDArray, length: float
) -> None:
    color = _vary(rng, _LEAVES[int(rng.integers(len(_LEAVES)))])
    angle, slim = rng.uniform(0, 2 * math.pi), rng.uniform(0.18, 0.34)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    t = np.linspace(0, 1, 16)
    half = slim * np.sin(np.pi * t) ** 0.8 * (1.2 - 0.5 * t)
    outline = np.concatenate([np.stack([t, half], 1), np.stack([t, -half], 1)[::-1]])
    points = (outline * length) @ turn + place
    shadow = points + 0.04 * length + 2
    pen.polygon([tuple(p) for p in shadow], fill=(0, 0, 0, 90))
    pen.polygon([tuple(p) for p in points], fill=color)
    dark = tuple(int(0.7 * c) for c in color)
    pale = tuple(min(255, int(1.3 * c) + 12) for c in color)
    lower = np.concatenate([points[:16], (np.stack([t, 0 * t], 1) * length @ turn + place)[::-1]])
    pen.polygon([tuple(p) for p in lower], fill=(*dark, 110))
    for start in np.linspace(0.15, 0.75, 5):
        reach = 0.75 * slim * math.sin(math.pi * start) ** 0.8
        for side in (-reach, reach):
            vein = np.array([[start, 0], [start + 0.12, side]]) * length @ turn + place
            pen.line([tuple(p) for p in vein], fill=(*pale, 120), width=1)
    rib = np.array([[-0.12, 0], [0.97, 0]]) * length @ turn + place
    pen.line([tuple(p) for p in rib], fill=pale, width=2)


def _stone(
    pen: ImageDraw.ImageDraw, rng: np.random.Generator, place: NDArray, radius: float
) -> None:
    color = np.array(_vary(rng, _STONES[int(rng.integers(len(_STONES)))]))
    flat, (x, y) = rng.uniform(0.6, 1.0), place
    pen.ellipse(
        (x - radius + 3, y - flat * radius + 4, x + radius + 3, y + flat * radius + 4),
        fill=(0, 0, 0, 110),
    )
    for share in np.linspace(1, 0.15, 8):  # rings that grow lighter towards the upper left
        r, shift = radius * share, 0.3 * radius * (1 - share)
        fill = tuple(int(c) for c in np.clip(color * (1.25 - 0.6 * share), 0, 255))
        pen.ellipse(
            (x - r - shift, y - flat * r - shift, x + r - shift, y + flat * r - shift), fill=fill
        )


def _blade(
    pen: ImageDraw.ImageDraw, color: Color, x: float, y: float, length: float, lean: float
) -> None:
    """A tapering blade about (x, y), darker on its right half."""
    t = np.linspace(-1, 1, 24)
    middle = np.stack([x + lean * t * np.abs(t), y - length * t], axis=1) * SMOOTH
    half = np.array([9.0, 0]) * SMOOTH * np.sqrt(np.clip(1 - t**6, 0, 1))[:, None]
    dark = tuple(int(0.72 * c) for c in color)
    for left, right, fill in ((middle - half, middle, color), (middle, middle + half, dark)):
        pen.polygon([tuple(p) for p in np.concatenate([left, right[::-1]])], fill=(*fill, 255))
