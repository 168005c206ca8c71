"""Search crops: a square region of the frame, resized to a fixed shape, on the device."""

import functools
import itertools

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates


def crop(
    frame: jax.Array, *, center: jax.Array, side: jax.Array, size: int, windowed: bool = True
) -> jax.Array:
    """Resamples a region of the frame to (size, size, 3).

    Linear interpolation when the region grows, a triangle filter as wide as the shrink factor
    (anti-aliasing) when it shrinks. Beyond the frame its border pixels are repeated. It can be
    differentiated by centre and side, and costs what the region holds, whatever the frame's size.

    Args:
      frame: (H, W, 3) uint8 or float.
      center: (2,) x, y of the region's centre in frame pixels.
      side: () side of the region in frame pixels, or (2,) its width and height.
      size: side of the result in pixels.
      windowed: read only the columns that the region needs. It is a choice among windows, which
        under a vmap would be a computation of all of them: there False reads whole rows.

    Returns:
      (size, size, 3) float32, 0..255.
    """
    return _crop(jnp.asarray(frame), center, jnp.broadcast_to(side, (2,)), size, windowed)


@functools.partial(jax.custom_jvp, nondiff_argnums=(3, 4))
def _crop(frame, center, side, size, windowed):
    return _resample(frame, center, side, size, windowed)


@_crop.defjvp
def _crop_jvp(size, windowed, primals, tangents):
    """Along each of four numbers forwards: the loop over the taps has no reverse mode."""
    frame, center, side = primals
    along, *rates = tangents
    place, rate = jnp.concatenate([center, side]), jnp.concatenate(rates)
    slope = 0.0
    for direction in jnp.eye(4, dtype=place.dtype):
        _, column = jax.jvp(
            lambda place: _resample(frame, place[:2], place[2:], size, windowed),
            (place,),
            (direction,),
        )
        slope += column * jnp.vdot(direction, rate)
    if jnp.issubdtype(frame.dtype, jnp.floating):
        slope = slope + _resample(along, center, side, size, windowed)
    return _resample(frame, center, side, size, windowed), slope


def _resample(frame, center, side, size, windowed):
    height, width, _ = frame.shape
    ratio = side / size
    columns, rows = (_positions(center[axis], ratio[axis], size) for axis in (0, 1))
    reach = jnp.maximum(ratio[0], 1.0)

    def read(span: int):
        """Of the frame's columns only `span`, which hold all that the region needs."""
        zero = jnp.zeros((), jnp.int32)
        left = jnp.clip(jnp.floor(columns[0] - reach), 0, width - span).astype(jnp.int32)

        def line(row):
            return jax.lax.dynamic_slice(frame, (row, left, zero), (1, span, frame.shape[2]))[0]

        # Separable, whole rows first: they lie together in memory.
        lines = _filter(lambda i: jax.vmap(line)(i).astype(jnp.float32), rows, ratio[1], height)
        lines = lines.swapaxes(0, 1)
        inside = columns - left.astype(jnp.float32)
        return _filter(lambda i: lines[i], inside, ratio[0], span).swapaxes(0, 1)

    spans = [width]
    if windowed and isinstance(width, int):  # not the symbol of an exported program
        doubled = itertools.takewhile(
            lambda n: n < width, (size + 4 << 2 * k for k in itertools.count())
        )
        spans = [*doubled, width]
    needed = side[0] + 2 * reach + 2
    index = sum((needed > span).astype(jnp.int32) for span in spans[:-1])
    if len(spans) == 1:
        return read(width)
    return jax.lax.switch(index, [functools.partial(read, span) for span in spans])


def _positions(center: jax.Array, ratio: jax.Array, size: int) -> jax.Array:
    """(size,) places of the output pixels along an axis, in pixel indices of the frame."""
    return center + (jnp.arange(size, dtype=jnp.float32) + 0.5 - size / 2) * ratio - 0.5


def _filter(read, position: jax.Array, ratio: jax.Array, length: int) -> jax.Array:
    """Sums `read(index)` over the taps of a triangle about each position, weights of sum 1.

    As many taps as the shrink factor asks for, known only at run time: 2 when the region grows.
    """
    width = jnp.maximum(ratio, 1.0)
    first = jnp.floor(position - width).astype(jnp.int32) + 1
    taps = jnp.ceil(2 * width).astype(jnp.int32)

    def tap(k):
        weight = jax.nn.relu(1.0 - jnp.abs((first + k).astype(jnp.float32) - position) / width)
        return weight[:, None, None] * read(jnp.clip(first + k, 0, length - 1)), weight

    def add(k, sums):
        return jax.tree.map(jnp.add, sums, tap(k))

    total, weights = jax.lax.fori_loop(1, taps, add, tap(0))
    return total / weights[:, None, None]


def warp(
    patch: jax.Array,
    *,
    shift: jax.Array,
    scale: jax.Array | float,
    angle: jax.Array | float,
    flip: jax.Array | bool,
    about: float | None = None,
) -> jax.Array:
    """Moves the content of a square patch about a point, border pixels repeated.

    Args:
      patch: (S, S, 3) float.
      shift: (2,) x, y in pixels by which that point's content moves.
      scale: () factor of size; angle: () radians, clockwise on the screen; flip: () bool, mirror.
      about: the point, along both axes, in pixels from the edge; None is the middle.
    """
    size = patch.shape[0]
    middle = (size / 2 if about is None else about) - 0.5
    line = jnp.arange(size, dtype=jnp.float32) - middle
    y, x = jnp.meshgrid(line, line, indexing="ij")
    x, y = (x - shift[0]) / scale, (y - shift[1]) / scale
    x = jnp.where(flip, -x, x)
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    source = [middle + cos * y - sin * x, middle + sin * y + cos * x]
    sample = jax.vmap(
        lambda channel: map_coordinates(channel, source, order=1, mode="nearest"), -1, -1
    )
    return sample(patch)


def blur(patch: jax.Array, sigma: jax.Array) -> jax.Array:
    """Gaussian blur of (S, S, 3), deviation in pixels; at the border the weights inside count."""
    position = jnp.arange(patch.shape[0], dtype=jnp.float32)
    distance = position[:, None] - position[None, :]
    weight = jnp.exp(-0.5 * jnp.square(distance / jnp.maximum(sigma, 1e-3)))
    weight = weight / weight.sum(axis=1, keepdims=True)
    return jnp.einsum("ai,ijc,bj->abc", weight, patch, weight, precision="highest")


def grey(patch: jax.Array) -> jax.Array:
    """Returns the luminance (S, S) of an RGB patch (S, S, 3), as ITU-R BT.601 weighs it."""
    return patch @ jnp.array([0.299, 0.587, 0.114], patch.dtype)
