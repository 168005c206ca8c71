"""A clip of our own making, whose truth is known exactly: a beetle that walks over a forest floor.

The camera follows it by hand, zooms in and out and is once jerked aside, so that two frames blur;
blades of grass cover a part of the beetle, another beetle crosses its way, and a cloud passes.
"""

import functools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from dslt_jax.media import painting
from dslt_jax.media.source import DamagedFrame, Image, Source

FPS = 25.0
SHUTTER = 0.6  # share of a frame's time that the shutter is open
NOISE = 2.5  # deviation of the sensor's noise, in grey levels
LENGTH, BREADTH = 84.0, 62.0  # of the beetle on the floor

_WORLD = (1150, 800)
_FROM = np.array([280.0, 420.0])
_GRASS_AT = 0.36  # times, 0 at the first frame and 1 at the last
_MEETING_AT = 0.62
_JERK_AT = 0.8


class Clip(NamedTuple):
    """A clip and its truth."""

    source: Source
    boxes: NDArray[np.float64]  # (N, 4) x, y, w, h, 0-based edges, also of what grass covers


class _Scene(NamedTuple):
    """What is painted once."""

    floor: PillowImage.Image
    grass: PillowImage.Image
    target: PillowImage.Image
    other: PillowImage.Image


def beetle_clip(count: int = 150, width: int = 480, height: int = 360, seed: int = 0) -> Clip:
    """Returns the clip; its frames are rendered when they are read.

    Args:
      count: frames; the motion is the same in all, slower in more.
      width, height: pixels of a frame, at least 160 each.
      seed: of floor, grass and noise.

    Returns:
      (H, W, 3) uint8 frames, and for each the box around the whole beetle.

    Raises:
      ValueError: `count` is below 2 or a frame would be too small for the beetle.
    """
    if count < 2 or min(width, height) < 160:
        raise ValueError(
            f"a clip of {count} frames, {width} x {height}: at least 2 of 160 x 160 are needed"
        )
    scale = min(width / 480, height / 360)

    def read() -> Iterator[tuple[str, Image | DamagedFrame]]:
        scene = _paint(seed)
        for index in range(count):
            noise = np.random.default_rng((seed, index))
            yield f"frame {index}", _expose(scene, noise, index, count, width, height, scale)

    boxes = [_true_box(index / (count - 1), width, height, scale) for index in range(count)]
    return Clip(Source("beetle", read, count, FPS), np.array(boxes))


# --- motion: time is 0 at the first frame and 1 at the last; places are on the floor ---


def _place(time: float) -> NDArray:
    """Where the beetle is."""
    return _FROM + np.array([560 * time, 75 * math.sin(2 * math.pi * 1.25 * time)])


def _heading(time: float) -> float:
    """Where it looks, radians clockwise from the right: along its way, and a little to and fro."""
    dx, dy = _place(time + 0.005) - _place(time - 0.005)
    return math.atan2(dy, dx) + 0.12 * math.sin(2 * math.pi * 9 * time)


def _other_place(time: float) -> NDArray:
    """Where the other beetle is: it passes close behind the target."""
    beside = _place(_MEETING_AT) + np.array([-68.0, 25.0])
    return beside + (time - _MEETING_AT) * np.array([-330.0, -620.0])


def _zoom(time: float) -> float:
    return math.exp(0.32 * math.sin(2 * math.pi * 0.85 * time))


def _camera(time: float) -> NDArray:
    """The middle of the picture: about the beetle, by a hand that shakes, with one jerk."""
    drift = np.array(
        [75 * math.sin(2 * math.pi * 0.9 * time), 40 * math.sin(2 * math.pi * 1.6 * time)]
    )
    shake = np.array([math.sin(2 * math.pi * 11 * time), math.cos(2 * math.pi * 8 * time)])
    jerk = np.array([95.0, -30.0]) * math.exp(-(((time - _JERK_AT) / 0.02) ** 2))
    return _place(time) + drift + 2.5 * shake + jerk


def _gain(time: float) -> NDArray:
    """RGB factors of the light: a cloud comes and goes, and the evening is warm."""
    cloud = 0.42 * math.exp(-(((time - 0.5) / 0.07) ** 2))
    return (1 - cloud) * np.array([1 + 0.12 * time, 1.0, 1 - 0.18 * time])


def _true_box(time: float, width: int, height: int, scale: float) -> NDArray:
    """The box around the ellipse of the beetle's outline."""
    zoom, angle = scale * _zoom(time), _heading(time)
    center = (_place(time) - _camera(time)) * zoom + np.array([width, height]) / 2
    half_x = zoom / 2 * math.hypot(LENGTH * math.cos(angle), BREADTH * math.sin(angle))
    half_y = zoom / 2 * math.hypot(LENGTH * math.sin(angle), BREADTH * math.cos(angle))
    return np.array([center[0] - half_x, center[1] - half_y, 2 * half_x, 2 * half_y])


# --- pictures ---


@functools.lru_cache(maxsize=2)
def _paint(seed: int) -> _Scene:
    rng = np.random.default_rng(seed)
    target = painting.beetle(
        (205, 52, 34),
        [(-0.55, 0.3, 0.15), (-0.1, 0.62, 0.17), (0.0, 0.22, 0.12), (0.35, 0.5, 0.12)],
    )
    other = painting.beetle((198, 110, 30), [(-0.35, 0.45, 0.24), (0.25, 0.45, 0.2)])
    x, y = _place(_GRASS_AT)
    return _Scene(
        painting.forest_floor(rng, *_WORLD),
        painting.grass(rng, *_WORLD, [(float(x), float(y))]),
        target,
        other,
    )


def _expose(
    scene: _Scene,
    noise: np.random.Generator,
    index: int,
    count: int,
    width: int,
    height: int,
    scale: float,
) -> Image:
    """One frame: the mean over the time that the shutter is open, lit, with sensor noise."""
    middle, open_for = index / (count - 1), SHUTTER / (count - 1)
    ends = [_true_box(middle + side * open_for / 2, width, height, scale) for side in (-1, 1)]
    travel = float(np.abs(ends[1][:2] - ends[0][:2]).max())  # pixels
    exposures = int(np.clip(round(travel), 1, 12))
    total = np.zeros((height, width, 3), np.float32)
    for k in range(exposures):
        time = middle + open_for * ((k + 0.5) / exposures - 0.5)
        total += np.asarray(_render(scene, time, width, height, scale), np.float32)
    frame = total / exposures * _gain(middle).astype(np.float32) + NOISE * noise.standard_normal(
        total.shape, np.float32
    )
    return np.clip(frame.round(), 0, 255).astype(np.uint8)


def _render(scene: _Scene, time: float, width: int, height: int, scale: float) -> PillowImage.Image:
    """The scene at one moment, without light."""
    zoom = scale * _zoom(time)
    corner = _camera(time) - np.array([width, height]) / 2 / zoom
    view = (1 / zoom, 0, corner[0], 0, 1 / zoom, corner[1])
    picture = _warp(scene.floor, (width, height), view)
    ahead = time - 0.01
    heading = math.atan2(*(_other_place(time) - _other_place(ahead))[::-1])
    for sprite, place, angle in (
        (scene.other, _other_place(time), heading),
        (scene.target, _place(time), _heading(time)),
    ):
        center = (place - corner) * zoom
        _paste(picture, sprite, center, zoom, angle)
    blades = _warp(scene.grass, (width, height), view)
    picture.paste(blades, mask=blades.getchannel("A"))
    return picture


def _paste(
    picture: PillowImage.Image,
    sprite: PillowImage.Image,
    center: NDArray,
    zoom: float,
    angle: float,
) -> None:
    """Draws a beetle about `center`, with its shadow."""
    side = painting.BEETLE_SIDE
    # Halved beforehand, or bilinear sampling would skip pixels.
    shrink = max(1, int(side / (zoom * LENGTH)))
    sprite = sprite.reduce(shrink)
    side = sprite.width
    cos, sin = math.cos(angle), math.sin(angle)
    a, b = side / (zoom * LENGTH), side / (zoom * BREADTH)
    reach = math.ceil(zoom * LENGTH / 2) + 2
    left, top = (math.floor(c) - reach for c in center)
    x, y = center[0] - left, center[1] - top
    matrix = (
        a * cos,
        a * sin,
        side / 2 - a * (cos * x + sin * y),
        -b * sin,
        b * cos,
        side / 2 - b * (cos * y - sin * x),
    )
    drawn = _warp(sprite, (2 * reach + 1, 2 * reach + 1), matrix)
    alpha = drawn.getchannel("A")
    shift = round(4 * zoom)
    picture.paste((12, 10, 8), (left + shift, top + shift), alpha.point(lambda v: v // 2))
    picture.paste(drawn, (left, top), alpha)


def _warp(
    picture: PillowImage.Image, size: tuple[int, int], matrix: tuple[float, ...]
) -> PillowImage.Image:
    return picture.transform(
        size, PillowImage.Transform.AFFINE, matrix, PillowImage.Resampling.BILINEAR
    )
