"""Channel reductions, fixed on the first frame."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax.ops import reduction


def test_principal_components_are_uncorrelated_and_of_unit_deviation():
    rng = np.random.default_rng(3)
    features = rng.normal(size=(1, 20, 20, 7)) @ rng.normal(size=(7, 7)) + 3.0
    found = reduction.principal(jnp.asarray(features, jnp.float32), 4)
    x = (features.reshape(-1, 7) - np.asarray(found.mean)) @ np.asarray(found.basis)
    covariance = np.cov(x, rowvar=False)
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-3)
    assert np.mean(np.diag(covariance)) == pytest.approx(1.0, rel=0.02)
    assert (np.diff(np.diag(covariance)) <= 1e-4).all()


def test_reduction_of_a_constant_layer_is_finite():
    found = reduction.principal(jnp.full((1, 4, 4, 6), 2.0), 3)
    assert all(np.isfinite(leaf).all() for leaf in found)


def test_fewer_dimensions_than_channels_leave_zeros():
    features = np.random.default_rng(4).normal(size=(1, 6, 6, 3)).astype(np.float32)
    found = reduction.principal(jnp.asarray(features), 5)
    assert found.basis.shape == (3, 5) and not np.asarray(found.basis)[:, 3:].any()


def test_a_random_reduction_keeps_the_variance_of_relu_features():
    found = reduction.random(jax.random.key(0), 512, 64)
    assert float(found.basis.std()) == pytest.approx((2 / 512) ** 0.5, rel=0.02)
