"""The zoom at which a kernel responds most, on features that are drawn larger and smaller."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax.ops import kernel_scale

GRID, SIDE = 24, 8


def pattern(scale: float, center=(12.0, 12.0)) -> jax.Array:
    """(32, GRID, GRID): a texture in every channel, about `center`, all of it `scale` times."""
    rng = np.random.default_rng(0)
    cells = np.arange(GRID) + 0.5
    x, y = ((cells - c) / scale for c in center)
    rates, phases = rng.uniform(-1, 1, (2, 32, 4, 1, 1)), rng.uniform(0, 2 * np.pi, (32, 4, 1, 1))
    waves = np.cos(rates[0] * x + rates[1] * y[:, None] + phases)
    return jnp.asarray(waves.sum(axis=1), jnp.float32)


KERNEL = pattern(1.0)[:, 8:16, 8:16]


PLACE = jnp.array([12.0, 12.0])


@pytest.mark.parametrize("change", [-0.06, 0.06])
def test_it_goes_towards_the_targets_own_zoom_with_caution(change):
    found = float(kernel_scale.growth(pattern(float(np.exp(change))), KERNEL, PLACE))
    assert 0.1 < found / change < 1


def test_a_target_as_large_as_it_was_stays():
    assert float(kernel_scale.growth(pattern(1.0), KERNEL, PLACE)) == pytest.approx(0, abs=0.01)


def test_it_is_asked_for_where_the_target_was_found():
    there = (9.0, 15.0)
    expected = kernel_scale.growth(pattern(1.06), KERNEL, PLACE)
    found = kernel_scale.growth(pattern(1.06, there), KERNEL, jnp.array(there))
    assert float(found) == pytest.approx(float(expected), abs=1e-4)


def test_a_change_beyond_the_zooms_that_are_tried_is_cut_and_has_a_gradient():
    small = kernel_scale.growth(pattern(1.8), KERNEL, PLACE, 0.01)
    assert abs(float(small)) <= 0.01 + 1e-6
    for scale in (1.0, 1.8):
        slope = jax.grad(kernel_scale.growth, argnums=1)(pattern(scale), KERNEL, PLACE)
        assert np.isfinite(slope).all()
    assert float(kernel_scale.growth(jnp.zeros((32, GRID, GRID)), KERNEL, PLACE)) == 0.0
