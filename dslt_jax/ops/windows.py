"""Windows that fade a patch towards its border, where its circular shifts would tear it."""

import jax
import jax.numpy as jnp
import numpy as np


def hann(size: int) -> jax.Array:
    """(size, size) product of two Hann windows: 1 in the middle, 0 at the border."""
    line = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / (size - 1))
    return jnp.asarray(np.outer(line, line), jnp.float32)
