"""The spatially regularised filter against the dense solution of its normal equations."""

import jax.numpy as jnp
import numpy as np
from half_spectra import function, matrix, numbers

from dslt_jax.learners import spatial
from dslt_jax.ops import fourier

SHAPE = CHANNELS, GRID, _ = 2, 6, 6
SAMPLES = jnp.fft.rfft2(numbers(0, 3, *SHAPE))
LABEL = jnp.sum(jnp.conj(SAMPLES), axis=0) * jnp.fft.rfft2(numbers(1, GRID, GRID))[None]
PENALTY = jnp.asarray(np.exp(3 * numbers(2, GRID, GRID)))
POWER = jnp.sum(jnp.square(jnp.abs(SAMPLES)), axis=0)


def data(f):
    responses = jnp.sum(SAMPLES * f[None], axis=1, keepdims=True)
    return jnp.sum(jnp.conj(SAMPLES) * responses, axis=0)


def solve(steps, start=0.0 * LABEL):
    return spatial.solve(data, LABEL, POWER, PENALTY, start, steps=steps)


def expected():
    normal = matrix(lambda f: data(f) + fourier.weigh(f, PENALTY), SHAPE)
    np.testing.assert_allclose(normal, normal.T, rtol=1e-3, atol=1e-3)
    return np.linalg.solve(normal.astype(np.float64), np.asarray(function(LABEL)))


def test_it_comes_to_the_dense_solution():
    np.testing.assert_allclose(function(solve(120)), expected(), atol=2e-3)


def test_it_goes_on_from_where_it_is():
    best, start = expected(), solve(4)
    misses = [
        np.linalg.norm(function(f) - best) for f in (start, solve(4, start), solve(60, start))
    ]
    assert misses[0] > misses[1] > 10 * misses[2]


def test_the_preconditioner_is_half_of_the_inverse_where_either_part_is_the_mean_power():
    residual, mean = jnp.fft.rfft2(numbers(3, *SHAPE)), POWER.mean()
    found = spatial.preconditioner(POWER, jnp.full((GRID, GRID), mean))(residual)
    np.testing.assert_allclose(found, residual / (POWER + mean) / 2, rtol=1e-3, atol=1e-5)
    found = spatial.preconditioner(jnp.full_like(POWER, 2.0), PENALTY)(residual)
    exact = fourier.weigh(residual, 1 / (PENALTY + 2.0))
    np.testing.assert_allclose(found, exact / 2, rtol=1e-3, atol=1e-5)
