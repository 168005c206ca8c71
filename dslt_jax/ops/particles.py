"""Particles: boxes drawn around the last one, and how much of a heat map is in them.

Boxes are centres (P, 2) and sizes (P, 2); on a heat map they are in cells from its left upper edge,
and beyond it there is nothing.
"""

import jax
import jax.numpy as jnp

from dslt_jax.parts import Part, static


class Particles(Part):
    """A Gaussian random walk of boxes that keep their aspect ratio."""

    count: int = static(700)
    spread: float = 1 / 7  # deviation of the centre, in diagonals of the box
    zoom: float = 0.004  # deviation of the factor on the size

    def check(self) -> None:
        self.require("count", lambda n: n >= 1, "at least 1")
        self.require("spread", lambda s: s > 0, "greater than 0")
        self.require("zoom", lambda z: z >= 0, "at least 0")

    def draw(self, key: jax.Array, size: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns shifts (count, 2) and factors (count,) for a box of a size (2,)."""
        walk, grow = jax.random.split(key)
        shift = jax.random.normal(walk, (self.count, 2), jnp.float32)
        growth = jax.random.normal(grow, (self.count,), jnp.float32)
        return self.spread * jnp.linalg.norm(size) * shift, 1 + self.zoom * growth


def cover(low: jax.Array, high: jax.Array, grid: int) -> jax.Array:
    """Returns (P, grid) how much of each cell, 0 to 1, lies in intervals (P,)."""
    edge = jnp.arange(grid, dtype=jnp.float32)[None]
    inside = jnp.minimum(high[:, None], edge + 1) - jnp.maximum(low[:, None], edge)
    return jnp.clip(inside, 0.0, 1.0)


def means(heat: jax.Array, center: jax.Array, size: jax.Array) -> jax.Array:
    """Returns (P,) the mean heat in boxes, of a map (G, G) that is constant in each cell."""
    low, high = center - size / 2, center + size / 2
    x, y = (cover(low[:, i], high[:, i], heat.shape[0]) for i in (0, 1))
    total = jnp.einsum("pi,ij,pj->p", y, heat, x, precision="highest")
    return total / jnp.prod(size, axis=-1)


def best(
    heat: jax.Array, center: jax.Array, size: jax.Array, *, power: jax.Array | float
) -> tuple[jax.Array, jax.Array]:
    """Returns () the index of the box with the highest mean heat times area^power, and that mean.

    With a power of 1 the largest box that holds all heat is as good as any, with 0 the smallest on
    the hottest cell is best.
    """
    mean = means(heat, center, size)
    index = jnp.argmax(mean * jnp.prod(size, axis=-1) ** power)
    return index, mean[index]


def outside(heat: jax.Array, center: jax.Array, size: jax.Array) -> jax.Array:
    """Returns () the heat outside of a box, (2,) and (2,), as a share of the heat inside."""
    inside = means(heat, center[None], size[None])[0] * jnp.prod(size)
    return jnp.maximum(heat.sum() - inside, 0.0) / jnp.maximum(inside, 1e-12)
