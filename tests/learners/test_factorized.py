"""The factorised filter: its objective falls, to where its gradient is nothing."""

import jax
import jax.numpy as jnp
import numpy as np
from half_spectra import numbers

from dslt_jax.learners import factorized
from dslt_jax.ops import fourier

GRID = 8
BLOCKS = tuple(jnp.fft.rfft2(numbers(i, depth, GRID, GRID)) for i, depth in enumerate((5, 3)))
START = jnp.asarray(np.linalg.qr(numbers(3, 5, 2))[0].T), jnp.asarray(numbers(4, 1, 3))
LABEL = jnp.fft.rfft2(np.exp(-0.5 * np.square(numbers(5, GRID, GRID))))
PENALTY = jnp.asarray(np.exp(numbers(6, GRID, GRID)))
DECAY = 3.0


def objective(f, projections):
    """f (C, G, G) over space."""
    spectrum = jnp.fft.rfft2(f)
    error = jnp.sum(spectrum * factorized.project(projections, BLOCKS), axis=0) - LABEL
    cost = fourier.inner(spectrum, fourier.weigh(spectrum, PENALTY))
    return fourier.inner(error, error) + cost + DECAY * sum(jnp.sum(p * p) for p in projections)


def solve(rounds, steps):
    f, projections = factorized.solve(
        BLOCKS, START, LABEL, PENALTY, decay=DECAY, rounds=rounds, steps=steps
    )
    return fourier.inverse(f), projections


def test_filter_and_projections_come_to_a_minimum():
    values = [float(objective(*solve(rounds, 60))) for rounds in (1, 3, 40)]
    assert values[0] > values[1] > values[2]
    slopes = jax.tree.leaves(jax.grad(objective, (0, 1))(*solve(40, 60)))
    first = jax.tree.leaves(jax.grad(objective, (0, 1))(*solve(1, 60)))
    size = max(float(jnp.abs(x).max()) for x in first)
    assert max(float(jnp.abs(x).max()) for x in slopes) < 1e-2 * size


def test_principal_directions_are_those_of_the_singular_values():
    cells = numbers(7, 6, 6, 4) * np.array([1, 5, 2, 0.1], np.float32)
    flat = cells.reshape(-1, 4) - cells.reshape(-1, 4).mean(0)
    expected = np.linalg.svd(flat)[2][:2]
    found = factorized.principal(jnp.asarray(cells), 2)
    np.testing.assert_allclose(np.abs(found @ expected.T), np.eye(2), atol=1e-3)
