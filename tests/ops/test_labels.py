"""Soft labels: their shape, and how much each location of them counts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax.ops import labels


def test_label_is_one_at_its_centre_and_follows_the_targets_shape():
    label = labels.gaussian(20, jnp.array([10.0, 8.0]), jnp.array([3.0, 1.0]))
    assert float(label[8, 10]) == 1.0
    assert float(label[8, 13]) == pytest.approx(np.exp(-0.5), rel=1e-5)
    assert float(label[9, 10]) == pytest.approx(np.exp(-0.5), rel=1e-5)
    same = labels.Label(sigma=0.5)(20, jnp.array([10.0, 8.0]), jnp.array([6.0, 2.0]))
    np.testing.assert_allclose(same, label, rtol=1e-6)


def test_importance_is_e_at_the_peak_and_one_in_the_background():
    np.testing.assert_allclose(labels.importance(jnp.asarray([0.0, 1.0])), [1.0, np.e], rtol=1e-6)


def test_importance_of_the_released_code_fades_with_the_label():
    """Weights 1, 0.10 and 1.2e-3 at 0, 1 and 2 deviations, relative to the peak."""
    label = jnp.exp(-0.5 * jnp.square(jnp.arange(3.0)))
    weight = labels.importance(label, exponent=3.2, power=2.0)
    np.testing.assert_allclose(weight / weight[0], [1.0, 0.10, 1.2e-3], rtol=0.1)


def test_a_normalised_importance_is_one_at_the_peak():
    """The released code divides its weight by the largest, which else is 24.5 at the peak."""
    label = jnp.asarray([0.0, 0.5, 1.0])
    plain = labels.Label(importance=3.2, power=2.0)
    normalised = plain.replace(normalised=True)
    assert float(plain.weight(label)[2]) == pytest.approx(24.5, abs=0.1)
    np.testing.assert_allclose(
        normalised.weight(label), plain.weight(label) / plain.weight(label)[2]
    )


def test_importance_can_be_differentiated_by_its_power():
    slope = jax.grad(lambda power: labels.importance(jnp.zeros(3), power=power).sum())(2.0)
    assert np.isfinite(slope)
