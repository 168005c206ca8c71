"""Search crops: a square region of the frame, resized to a fixed shape, on the device."""

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates

# Enough for an exact triangle filter down to a shrink factor of TAPS / 2.
TAPS = 12


def crop(frame: jax.Array, center: jax.Array, side: jax.Array, size: int) -> jax.Array:
    """Resamples a square region of the frame to (size, size, 3).

    Linear interpolation when the region grows, a triangle filter as wide as the shrink factor
    (anti-aliasing, up to a factor of TAPS / 2) when it shrinks. Beyond the frame its border pixels
    are repeated.

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
    rows, row_weights = _taps(center[1], side, size, height)
    columns, column_weights = _taps(center[0], side, size, width)
    lines = jnp.zeros((size, width, channels), jnp.float32)
    for k in range(TAPS):  # separable: whole rows first, they lie together in memory
        lines += row_weights[:, k, None, None] * frame[rows[:, k]].astype(jnp.float32)
    patch = jnp.zeros((size, size, channels), jnp.float32)
    for k in range(TAPS):
        patch += column_weights[None, :, k, None] * lines[:, columns[:, k]]
    return patch


def _taps(center, side, size: int, length: int) -> tuple[jax.Array, jax.Array]:
    """Indices (size, TAPS) and weights (size, TAPS) of the pixels that make each output pixel."""
    ratio = side / size
    width = jnp.clip(ratio, 1.0, TAPS / 2)
    position = center - side / 2 + (jnp.arange(size) + 0.5) * ratio - 0.5
    first = jnp.floor(position - width).astype(jnp.int32) + 1
    index = first[:, None] + jnp.arange(TAPS)
    weight = jax.nn.relu(1.0 - jnp.abs(index - position[:, None]) / width)
    return jnp.clip(index, 0, length - 1), weight / weight.sum(axis=1, keepdims=True)


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
    """Gaussian blur of (S, S, 3) with a deviation in pixels of at most 3; near 0 changes nothing."""
    offset = jnp.arange(-6, 7)
    weight = jnp.exp(-0.5 * jnp.square(offset / jnp.maximum(sigma, 1e-3)))
    weight /= weight.sum()
    for axis in (0, 1):
        padded = jnp.pad(patch, [(6, 6) if a == axis else (0, 0) for a in range(3)], mode="edge")
        size = patch.shape[axis]
        patch = sum(
            weight[k] * jax.lax.slice_in_dim(padded, k, k + size, axis=axis) for k in range(13)
        )
    return patch
