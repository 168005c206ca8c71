"""Peaks to a fraction of a cell."""

import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax.ops import labels, localize


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


def test_where_all_is_negative_the_best_cell_wins_and_not_the_smallest_prior():
    """A product of a negative response and a tiny prior is almost 0, the most there is."""
    response = jnp.full((16, 16), -0.1).at[8, 8].set(-0.01)
    prior = labels.gaussian(16, jnp.array([8.0, 8.0]), jnp.asarray(2.0))
    np.testing.assert_allclose(localize.find_peak(response, prior).position, [8, 8], atol=0.5)
