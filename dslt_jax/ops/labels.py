"""Gaussian soft labels and the motion prior, on the grid of the response map."""

import jax
import jax.numpy as jnp

from dslt_jax.parts import Part, static


class Label(Part):
    """The soft label of a target and how much each of its locations counts."""

    sigma: float = 0.13  # deviation, of the target's size
    importance: float = 1.0  # exponent e of the weight exp(e * y) * y^power
    power: float = 0.0  # 0: the background counts; the released code has 2
    normalised: bool = static(False)  # the weight is divided by its maximum, as the released code's

    def check(self) -> None:
        self.require("sigma", lambda s: s > 0, "above 0")
        self.require("power", lambda p: p >= 0, "at least 0")

    def __call__(self, grid: int, center: jax.Array, cells: jax.Array) -> jax.Array:
        """Returns the label (grid, grid) of a target whose size is `cells` (2,)."""
        return gaussian(grid, center, self.sigma * cells)

    def weight(self, label: jax.Array) -> jax.Array:
        """Returns the importance of each location of a label."""
        weight = importance(label, exponent=self.importance, power=self.power)
        return weight * jnp.exp(-self.importance) if self.normalised else weight


def importance(label: jax.Array, *, exponent: float = 1.0, power: float = 0.0) -> jax.Array:
    """The weight exp(exponent * y) * y^power of a location, largest at y = 1.

    The paper has exp(y): the target counts up to e times more than the background. The released
    code has (exp(1.6 y) y)^2, i.e. exponent 3.2 and power 2: the background hardly counts.
    """
    # Above 0, so that the derivative by the power is finite too.
    return jnp.exp(exponent * label) * jnp.maximum(label, 1e-30) ** power


def gaussian(grid: int, center: jax.Array, sigma: jax.Array | float) -> jax.Array:
    """Returns a Gaussian of height 1 on a response map.

    Args:
      grid: side of the map in cells.
      center: (2,) x, y of the peak, a position on the map.
      sigma: (2,) or scalar deviation along x and y, in cells.

    Returns:
      (grid, grid) map, rows are y.
    """
    sigma = jnp.broadcast_to(jnp.asarray(sigma, jnp.float32), (2,))
    position = jnp.arange(grid, dtype=jnp.float32)
    x = jnp.exp(-0.5 * jnp.square((position - center[0]) / sigma[0]))
    y = jnp.exp(-0.5 * jnp.square((position - center[1]) / sigma[1]))
    return y[:, None] * x[None, :]
