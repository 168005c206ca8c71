"""From a response map to the target's place and confidence."""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Peak(NamedTuple):
    """The found maximum of a response map."""

    position: jax.Array  # (2,) x, y on the map, between cells
    confidence: jax.Array  # () the response there


def find_peak(response: jax.Array, prior: jax.Array) -> Peak:
    """Finds the maximum of response * prior, to a fraction of a cell by a parabola per axis.

    Args:
      response, prior: (grid, grid), the prior not negative. A prior makes a negative response
        better the smaller it is itself, so that it counts for positive ones only.
    """
    grid = response.shape[0]
    score = jnp.where(response > 0, response * prior, response)
    index = jnp.argmax(score)
    row, column = index // grid, index % grid
    inner_row, inner_column = jnp.clip(row, 1, grid - 2), jnp.clip(column, 1, grid - 2)
    around = jax.lax.dynamic_slice(response, (inner_row - 1, inner_column - 1), (3, 3))
    offset = jnp.stack([_vertex(around[1]), _vertex(around[:, 1])])
    inside = (row == inner_row) & (column == inner_column)
    position = jnp.stack([column, row]) + jnp.where(inside, offset, 0.0)
    return Peak(position, response[row, column])


def _vertex(values: jax.Array) -> jax.Array:
    """Place of the maximum of the parabola through three values, within half a cell."""
    left, middle, right = values
    curvature = left - 2 * middle + right
    shift = 0.5 * (left - right) / jnp.where(curvature < 0, curvature, -1.0)
    return jnp.where(curvature < 0, jnp.clip(shift, -0.5, 0.5), 0.0)


def sidelobe_ratio(response: jax.Array, peak: Peak, *, radius: int = 5) -> jax.Array:
    """Returns () the peak's height over the rest of the map, in deviations of that rest.

    The rest leaves out a square of 2 * radius + 1 cells around the peak. Source: Bolme et al.,
    CVPR 2010.
    """
    cells = jnp.arange(response.shape[0], dtype=jnp.float32)
    far_x, far_y = (jnp.abs(cells - jnp.round(place)) > radius for place in peak.position)
    rest = (far_y[:, None] | far_x[None, :]).astype(response.dtype)
    count = jnp.maximum(rest.sum(), 1.0)
    mean = jnp.sum(rest * response) / count
    variance = jnp.sum(rest * jnp.square(response - mean)) / count
    return (peak.confidence - mean) / jnp.sqrt(variance + 1e-12)
