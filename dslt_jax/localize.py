"""From a response map to displacement, scale and confidence."""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Peak(NamedTuple):
    """The found maximum of a response map."""

    position: jax.Array  # (2,) x, y in cells, sub-cell
    confidence: jax.Array  # () the response there


def find_peak(response: jax.Array, prior: jax.Array) -> Peak:
    """Finds the maximum of response * prior, to a fraction of a cell by a parabola per axis.

    Args:
      response, prior: (grid, grid).
    """
    grid = response.shape[0]
    score = response * prior
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


def scale_factors(num_scales: int, step: float) -> jax.Array:
    """(num_scales,) factors step^(-n) .. 1 .. step^n."""
    half = num_scales // 2
    return jnp.asarray(step) ** jnp.arange(-half, half + 1)


def choose_scale(responses: jax.Array, penalty: float, radius: int = 1) -> jax.Array:
    """Returns () int32, the index of the scale whose response near the middle is highest.

    Args:
      responses: (S, grid, grid), target in the middle; penalty: factor for every changed scale.
    """
    count, grid, _ = responses.shape
    low = grid // 2 - radius
    window = responses[:, low : low + 2 * radius + 1, low : low + 2 * radius + 1]
    score = window.max(axis=(1, 2))
    change = jnp.abs(jnp.arange(count) - count // 2)
    return jnp.argmax(score * jnp.asarray(penalty) ** change)
