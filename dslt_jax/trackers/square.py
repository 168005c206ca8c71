"""What filters share that see a square region, much wider than the target.

The peak of a response is found between cells by Newton's method.
"""

import jax
import jax.numpy as jnp

from dslt_jax.ops import fourier, localize
from dslt_jax.ops.labels import gaussian
from dslt_jax.parts import static
from dslt_jax.trackers.correlation_filter import CorrelationFilter, check_cells


class Square(CorrelationFilter):
    """The region and what follows from it; a filter adds all else."""

    size: int = static(192)
    padding: float = 3.0  # the region's side is 1 + padding times the root of the target's area
    cell: int = static(4)  # of the features, in pixels
    label: float = 1 / 16  # deviation of the label, of the root of the target's area
    min_side: float = 4.0  # of a box, in frame pixels

    def check(self) -> None:
        super().check()
        check_cells(self)
        self.require("label", lambda s: s > 0, "greater than 0")
        self.require("min_side", lambda s: s > 0, "greater than 0")

    @property
    def grid(self) -> int:
        """Side of the response, in cells."""
        return self.size // self.cell

    def cells(self, size: jax.Array) -> jax.Array:
        """Returns the width and height (2,) in cells of a target's size (2,) in pixels."""
        return self.grid * size / self._extent(size)

    def target_label(self) -> jax.Array:
        """Returns the spectrum (G, G // 2 + 1) of the response to be: a peak at no shift."""
        sigma = self.label * self.grid / (1 + self.padding)
        middle = jnp.full(2, self.grid // 2, jnp.float32)
        return jnp.fft.rfft2(jnp.fft.ifftshift(gaussian(self.grid, middle, sigma)))

    def peak(self, spectrum: jax.Array, response: jax.Array) -> localize.Peak:
        """Finds the shift x, y in cells at which a response is highest.

        Args:
          spectrum: (G, G // 2 + 1) of the response; response: (G, G), no shift in the middle.
        """
        index = jnp.argmax(response)
        start = jnp.stack([index % self.grid, index // self.grid]) - self.grid // 2
        return localize.Peak(*fourier.climb(spectrum, start.astype(jnp.float32)))

    def _extent(self, size: jax.Array) -> jax.Array:
        return jnp.broadcast_to((1 + self.padding) * jnp.sqrt(jnp.prod(size)), (2,))
