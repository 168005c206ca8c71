"""Search crops: a square region of the frame, resized to a fixed shape, on the device."""

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates


def crop(frame: jax.Array, center: jax.Array, side: jax.Array, size: int) -> jax.Array:
    """Resamples a square region of the frame to (size, size, 3).

    Linear interpolation when the region grows, a triangle filter as wide as the shrink factor
    (anti-aliasing) when it shrinks. Beyond the frame its border pixels are repeated.

    Args:
      frame: (H, W, 3) uint8 or float.
      center: (2,) x, y of the region's centre in frame pixels.
      side: () side of the region in frame pixels.
      size: side of the result in pixels.

    Returns:
      (size, size, 3) float32, 0..255.
    """
    frame = jnp.asarray(frame)
    height, width, channels = frame.shape
    ratio = side / size
    # Separable, whole rows first: they lie together in memory.
    lines = _filter(
        lambda index: frame[index].astype(jnp.float32),
        _positions(center[1], ratio, size),
        ratio,
        height,
        (size, width, channels),
    )
    patch = _filter(
        lambda index: lines[:, index].swapaxes(0, 1),
        _positions(center[0], ratio, size),
        ratio,
        width,
        (size, size, channels),
    )
    return patch.swapaxes(0, 1)


def _positions(center: jax.Array, ratio: jax.Array, size: int) -> jax.Array:
    """(size,) places of the output pixels along an axis, in pixel indices of the frame."""
    return center + (jnp.arange(size) + 0.5 - size / 2) * ratio - 0.5


def _filter(read, position: jax.Array, ratio: jax.Array, length: int, shape) -> jax.Array:
    """Sums `read(index)` over the taps of a triangle about each position, weights of sum 1.

    As many taps as the shrink factor asks for, known only at run time: 2 when the region grows.
    """
    width = jnp.maximum(ratio, 1.0)
    first = jnp.floor(position - width).astype(jnp.int32) + 1
    taps = jnp.ceil(2 * width).astype(jnp.int32)

    def add(k, sums):
        total, weights = sums
        weight = jax.nn.relu(1.0 - jnp.abs(first + k - position) / width)
        values = read(jnp.clip(first + k, 0, length - 1))
        return total + weight[:, None, None] * values, weights + weight

    empty = jnp.zeros(shape, jnp.float32), jnp.zeros(shape[0], jnp.float32)
    total, weights = jax.lax.fori_loop(0, taps, add, empty)
    return total / weights[:, None, None]


def crop_pyramid(frame: jax.Array, center: jax.Array, sides: jax.Array, size: int) -> jax.Array:
    """Returns the crops of several sides (S,) as one batch (S, size, size, 3)."""
    return jax.vmap(crop, in_axes=(None, None, 0, None))(frame, center, sides, size)


def warp(
    patch: jax.Array, *, shift: jax.Array, scale: jax.Array, angle: jax.Array, flip: jax.Array
) -> jax.Array:
    """Moves the content of a square patch about its centre, border pixels repeated.

    Args:
      patch: (S, S, 3) float.
      shift: (2,) x, y in pixels by which the centre's content moves.
      scale: () factor of size; angle: () radians, clockwise on the screen; flip: () bool, mirror.
    """
    size = patch.shape[0]
    middle = (size - 1) / 2
    y, x = jnp.meshgrid(jnp.arange(size) - middle, jnp.arange(size) - middle, indexing="ij")
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
    position = jnp.arange(patch.shape[0])
    distance = position[:, None] - position[None, :]
    weight = jnp.exp(-0.5 * jnp.square(distance / jnp.maximum(sigma, 1e-3)))
    weight = weight / weight.sum(axis=1, keepdims=True)
    return jnp.einsum("ai,ijc,bj->abc", weight, patch, weight, precision="highest")
