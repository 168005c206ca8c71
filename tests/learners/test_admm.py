"""ADMM against the dense minimum of what it minimises."""

import jax.numpy as jnp
import numpy as np
import pytest
from half_spectra import function, matrix, numbers

from dslt_jax.learners import admm
from dslt_jax.ops import fourier

SHAPE = CHANNELS, GRID, _ = 2, 6, 6
SPECTRUM = jnp.fft.rfft2(numbers(0, *SHAPE))
LABEL = jnp.fft.rfft2(numbers(1, GRID, GRID))
LAST = jnp.fft.rfft2(numbers(2, *SHAPE))


def normal(f):
    return jnp.conj(SPECTRUM) * jnp.sum(SPECTRUM * f, axis=0)[None] / GRID**2


def test_one_side_is_exact_at_every_frequency():
    found = admm.nearest(SPECTRUM, LABEL, LAST, 0.7)
    right = jnp.conj(SPECTRUM) * LABEL[None] / GRID**2 + LAST
    np.testing.assert_allclose(normal(found) + 0.7 * found, right, atol=1e-4)


@pytest.mark.parametrize("temporal", [0.0, 0.5])
def test_many_rounds_come_to_the_minimum(temporal):
    penalty = jnp.asarray(np.exp(numbers(3, GRID, GRID)))
    found = admm.solve(
        SPECTRUM, LABEL, LAST, penalty, temporal=temporal, stiffness=jnp.full(300, 1.0)
    )
    dense = matrix(lambda f: normal(f) + temporal * f + fourier.weigh(f, penalty), SHAPE)
    right = jnp.conj(SPECTRUM) * LABEL[None] / GRID**2 + temporal * LAST
    expected = np.linalg.solve(dense.astype(np.float64), np.asarray(function(right)))
    np.testing.assert_allclose(function(found), expected, atol=2e-3)
