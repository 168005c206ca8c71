"""The closed-form ridge against the dense solution and against running means."""

import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax.learners import Objective, Ridge
from dslt_jax.learners.ridge import CompressedRidge, dual

CHANNELS, CELLS, DECAY = 3, 20, 0.7


def numbers(seed, *shape):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)


def problem(seed, weight=1.0):
    features, label = jnp.asarray(numbers(seed, CHANNELS, CELLS)), jnp.asarray(numbers(9, CELLS))
    return features, Objective(
        respond=lambda k: jnp.sum(k * features, axis=0),
        loss=lambda p, y: jnp.square(jnp.abs(p - y)),
        label=label,
        weight=jnp.full(CELLS, weight),
        decay=DECAY,
    )


KERNEL = jnp.zeros((CHANNELS, CELLS), jnp.complex64)


@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_one_sample_is_solved_exactly_at_every_frequency(weight):
    features, objective = problem(0, weight)
    ridge = Ridge()
    found = ridge.fit(objective, KERNEL, ridge.init(KERNEL))
    for cell in range(CELLS):
        row = np.asarray(features)[:, cell]
        normal = weight * np.outer(row.conj(), row) + DECAY * np.eye(CHANNELS)
        right = weight * row.conj() * np.asarray(objective.label)[cell]
        np.testing.assert_allclose(found.kernel[:, cell], np.linalg.solve(normal, right), atol=1e-4)
    assert float(found.after) < float(found.before)


def test_no_other_kernel_is_better():
    _, objective = problem(1)
    ridge = Ridge()
    best = ridge.fit(objective, KERNEL, ridge.init(KERNEL))
    for seed in range(5):
        other = best.kernel + 0.1 * numbers(seed, CHANNELS, CELLS)
        assert float(objective(other)) > float(best.after)


def test_later_samples_enter_running_means():
    ridge = Ridge(rate=0.25)
    state, kernel, numerator, denominator = ridge.init(KERNEL), KERNEL, 0.0, 0.0
    for seed in range(3):
        features, objective = problem(seed)
        _, kernel, state = 0, *ridge.fit(objective, kernel, state)[:2]
        share = 0.25 if seed else 1.0
        x, y = np.asarray(features), np.asarray(objective.label)
        numerator = (1 - share) * numerator + share * x.conj() * y
        denominator = (1 - share) * denominator + share * (np.abs(x) ** 2).sum(0)
    np.testing.assert_allclose(kernel, numerator / (denominator + DECAY), atol=1e-4)


def test_the_dual_form_is_the_kernel_ridge_regression_over_all_shifts():
    """alpha = (K + decay I)^-1 y, K circulant: a signal's products with its own shifts."""
    signal = np.random.default_rng(0).normal(size=16)
    products = np.array([signal @ np.roll(signal, k) for k in range(16)])
    matrix = np.array([np.roll(products, k) for k in range(16)])
    label = np.exp(-0.5 * np.square(np.minimum(np.arange(16), 16 - np.arange(16))))
    expected = np.linalg.solve(matrix + 0.3 * np.eye(16), label)
    found = dual(jnp.fft.fft(jnp.asarray(products)), jnp.fft.fft(jnp.asarray(label)), 0.3)
    np.testing.assert_allclose(jnp.fft.ifft(found).real, expected, atol=1e-3)


def test_a_wrong_rate_is_told():
    with pytest.raises(ValueError, match=r"rate=1\.5 must be from 0 to 1"):
        Ridge(rate=1.5)


def spectra(seed, depth=4, size=6, rank=None):
    rng = np.random.default_rng(seed)
    functions = rng.normal(size=(rank or depth, size, size)).astype(np.float32)
    if rank:
        mix = np.random.default_rng(99).normal(size=(depth, rank)).astype(np.float32)
        functions = np.einsum("dr,ryx->dyx", mix, functions)
    return jnp.fft.rfft2(functions)


def compressed(learner, seeds, **options):
    label = jnp.fft.rfft2(np.random.default_rng(9).normal(size=(6, 6)).astype(np.float32))
    kernel = 0.0 * spectra(0, **options)
    state = learner.init(kernel)
    for seed in seeds:
        features = spectra(seed, **options)
        objective = Objective(
            respond=lambda k, features=features: jnp.sum(k * features, axis=0),
            loss=lambda p, y: jnp.square(jnp.abs(p - y)),
            label=label,
            weight=jnp.ones(label.shape),
            decay=DECAY,
        )
        _, kernel, state = 0, *learner.fit(objective, kernel, state)[:2]
    return kernel


@pytest.mark.parametrize("channels, options", [(4, {}), (2, {"rank": 2})])
def test_compression_that_loses_nothing_changes_nothing(channels, options):
    expected = compressed(Ridge(rate=0.25), (0, 1, 2), **options)
    found = compressed(CompressedRidge(rate=0.25, channels=channels), (0, 1, 2), **options)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_compression_keeps_the_directions_of_most_energy():
    kernel = np.asarray(compressed(CompressedRidge(channels=2), (0,)))
    functions = np.fft.irfft2(np.asarray(spectra(0)), (6, 6)).reshape(4, -1)
    expected = np.linalg.svd(functions)[0][:, :2]
    lines = kernel.reshape(4, -1)
    np.testing.assert_allclose(expected @ (expected.T @ lines), lines, atol=1e-4)
