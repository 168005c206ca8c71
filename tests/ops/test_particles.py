"""Particles: their spread, their determinism, and means over boxes by brute force."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax.ops import particles
from dslt_jax.ops.particles import Particles


def test_a_key_gives_the_same_particles_and_another_key_others():
    walk, size = Particles(count=30), jnp.array([30.0, 40.0])
    first, again, other = (walk.draw(jax.random.key(k), size) for k in (1, 1, 2))
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert np.abs(a - c).min() > 0


def test_they_spread_as_the_target_is_large():
    walk = Particles(count=4000, spread=0.1, zoom=0.02)
    shift, growth = walk.draw(jax.random.key(0), jnp.array([30.0, 40.0]))
    np.testing.assert_allclose(shift.std(axis=0), 5.0, rtol=0.05)  # of a diagonal of 50
    np.testing.assert_allclose(shift.mean(axis=0), 0.0, atol=0.3)
    assert float(growth.std()) == pytest.approx(0.02, rel=0.05)
    assert float(growth.mean()) == pytest.approx(1.0, abs=2e-3)


def brute(heat, center, size):
    """The mean over a box of a map that is constant in each cell, by many points."""
    line = (np.arange(400) + 0.5) / 400 - 0.5
    x, y = (np.floor(center[i] + line * size[i]).astype(int) for i in (0, 1))
    values = np.zeros((400, 400))
    inside = ((y >= 0) & (y < len(heat)))[:, None] & ((x >= 0) & (x < len(heat)))[None]
    values[inside] = heat[np.clip(y, 0, 7)][:, np.clip(x, 0, 7)][inside]
    return values.mean()


def test_means_are_those_of_many_points_also_beyond_the_map():
    heat = np.random.default_rng(0).uniform(size=(8, 8)).astype(np.float32)
    center = np.array([[4.0, 4.0], [2.3, 5.1], [0.5, 7.8], [12.0, 3.0]], np.float32)
    size = np.array([[8.0, 8.0], [1.7, 3.2], [4.0, 2.0], [2.0, 2.0]], np.float32)
    found = particles.means(jnp.asarray(heat), jnp.asarray(center), jnp.asarray(size))
    expected = [brute(heat, c, s) for c, s in zip(center, size, strict=True)]
    np.testing.assert_allclose(found, expected, atol=4e-3)


def test_the_power_of_the_area_decides_between_tight_and_whole():
    heat = jnp.zeros((16, 16)).at[6:10, 6:10].set(0.5).at[7:9, 7:9].set(1.0)
    center = jnp.full((3, 2), 8.0)
    size = jnp.array([[2.0, 2.0], [4.0, 4.0], [8.0, 8.0]])
    for power, chosen, mean in ((0.0, 0, 1.0), (0.7, 1, 0.625), (1.5, 2, 10 / 64)):
        index, found = particles.best(heat, center, size, power=power)
        assert int(index) == chosen and float(found) == pytest.approx(mean)


def test_heat_outside_is_told_as_a_share_of_that_inside():
    heat = jnp.zeros((16, 16)).at[2:4, 2:4].set(1.0).at[10, 10].set(0.5)
    box = jnp.array([3.0, 3.0]), jnp.array([2.0, 2.0])
    assert float(particles.outside(heat, *box)) == pytest.approx(0.5 / 4)
    half = box[0], jnp.array([1.0, 2.0])
    assert float(particles.outside(heat, *half)) == pytest.approx(2.5 / 2)
    assert float(particles.outside(jnp.zeros((16, 16)), *box)) == 0.0


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="count=0 must be at least 1"):
        Particles(count=0)
