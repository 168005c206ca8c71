"""Peaks to a fraction of a cell, scales."""

import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax import labels, localize


@pytest.mark.parametrize("place", [(10.0, 12.0), (10.3, 11.8), (4.5, 17.25)])
def test_peak_of_a_gaussian(place):
    response = labels.gaussian(24, jnp.asarray(place), jnp.asarray(1.5))
    peak = localize.find_peak(response, jnp.ones((24, 24)))
    np.testing.assert_allclose(peak.position, place, atol=0.06)
    assert float(peak.confidence) == pytest.approx(1.0, abs=0.12)


def test_prior_decides_between_equal_peaks():
    response = labels.gaussian(24, jnp.array([5.0, 12.0]), jnp.asarray(1.0))
    response += labels.gaussian(24, jnp.array([16.0, 12.0]), jnp.asarray(1.0))
    prior = labels.gaussian(24, jnp.array([12.0, 12.0]), jnp.asarray(4.0))
    peak = localize.find_peak(response, prior)
    np.testing.assert_allclose(peak.position, [16.0, 12.0], atol=0.1)


@pytest.mark.parametrize("corner", [(0, 0), (0, 7), (7, 3)])
def test_peak_on_the_border_stays_in_the_map(corner):
    response = jnp.zeros((8, 8)).at[corner].set(1.0)
    peak = localize.find_peak(response, jnp.ones((8, 8)))
    np.testing.assert_allclose(peak.position, corner[::-1])


def test_label_is_one_at_its_centre_and_follows_the_targets_shape():
    label = labels.gaussian(20, jnp.array([10.0, 8.0]), jnp.array([3.0, 1.0]))
    assert float(label[8, 10]) == 1.0
    assert float(label[8, 13]) == pytest.approx(np.exp(-0.5), rel=1e-5)
    assert float(label[9, 10]) == pytest.approx(np.exp(-0.5), rel=1e-5)


def test_scales():
    np.testing.assert_allclose(localize.scale_factors(3, 1.03), [1 / 1.03, 1, 1.03], rtol=1e-6)
    responses = jnp.zeros((3, 8, 8)).at[:, 4, 4].set(jnp.array([0.5, 0.5, 0.506]))
    assert int(localize.choose_scale(responses, 1.0)) == 2
    assert int(localize.choose_scale(responses, 0.98)) == 1
    far = responses.at[0, 0, 0].set(9.0)  # outside the middle: not this target
    assert int(localize.choose_scale(far, 1.0)) == 2
