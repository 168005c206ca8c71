"""Windows over a square grid: for patches, and for the filters that are learned of them."""

import jax
import jax.numpy as jnp
import numpy as np


def hann(size: int) -> jax.Array:
    """(size, size) product of two Hann windows: 1 in the middle, 0 at the border.

    It fades a patch towards its border, where its circular shifts would tear it.
    """
    line = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / (size - 1))
    return jnp.asarray(np.outer(line, line), jnp.float32)


def paraboloid(
    size: int,
    target: jax.Array,
    *,
    least: jax.Array | float,
    edge: jax.Array | float,
    sparsity: jax.Array | float = 0.0,
) -> jax.Array:
    """(size, size) penalty of a filter's coefficients: the more, the farther from the target.

    It is `least` in the middle and `edge` at the middle of each side of a target that is `target`
    (2,) cells wide and high. Frequencies below `sparsity` of the largest are left out, which makes
    it flatter within the target; its minimum stays. Source: Danelljan, Häger, Khan, Felsberg,
    "Learning Spatially Regularized Correlation Filters for Visual Tracking", ICCV 2015.
    """
    x, y = (jnp.square(_filter_distance(size) / (side / 2)) for side in target)
    spectrum = jnp.fft.rfft2((edge - least) * (y[:, None] + x[None, :]))
    strength = jnp.abs(spectrum)
    kept = jnp.where(strength >= sparsity * strength.max(), spectrum, 0.0)
    window = jnp.fft.irfft2(kept, (size, size))
    return window - window.min() + least


def box(size: int, target: jax.Array) -> jax.Array:
    """(size, size) of a filter: 1 within a target (2,) cells wide and high, 0 outside."""
    x, y = ((_filter_distance(size) < side / 2).astype(jnp.float32) for side in target)
    return y[:, None] * x[None, :]


def _filter_distance(size: int) -> jax.Array:
    """(size,) from the middle of the patch, in cells, of what a filter's coefficients weigh.

    A response is the circular convolution of filter and patch, whose value at no shift is at 0:
    coefficient i weighs cell -i.
    """
    cell = -np.arange(size) % size
    return jnp.asarray(np.abs(cell - (size - 1) / 2), jnp.float32)
