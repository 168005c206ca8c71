"""Gaussian soft labels and the motion prior, on the grid of the response map."""

import jax
import jax.numpy as jnp


def gaussian(grid: int, center: jax.Array, sigma: jax.Array, *, dtype=jnp.float32) -> jax.Array:
    """Returns a Gaussian of height 1 on a response map.

    Args:
      grid: side of the map in cells.
      center: (2,) x, y of the peak in cells; the middle of the search crop is grid / 2.
      sigma: (2,) or scalar deviation along x and y, in cells.

    Returns:
      (grid, grid) map, rows are y.
    """
    sigma = jnp.broadcast_to(sigma, (2,))
    position = jnp.arange(grid, dtype=dtype)
    x = jnp.exp(-0.5 * jnp.square((position - center[0]) / sigma[0]))
    y = jnp.exp(-0.5 * jnp.square((position - center[1]) / sigma[1]))
    return y[:, None] * x[None, :]
