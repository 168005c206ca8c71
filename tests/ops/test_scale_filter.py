"""The scale filter: against the formula by hand, and on patches of known scale."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax.ops import scale_filter
from dslt_jax.ops.scale_filter import ScaleFilter

zooms = jax.jit(scale_filter.zooms, static_argnums=2)


@jax.jit
def estimate(filter_, image, side, new_side):
    """What the filter that learned `image` at one side finds at another."""
    means = filter_.start(filter_.spectrum(image, side))
    return filter_.estimate(means, filter_.spectrum(image, new_side))


def patch(size=96, seed=0):
    coarse = jax.random.uniform(jax.random.key(seed), (12, 12, 3)) * 255
    return jax.image.resize(coarse, (size, size, 3), "cubic")


def test_zooms_cut_the_middle():
    image = jnp.arange(64.0).reshape(8, 8, 1)
    (same,) = zooms(image, jnp.array([[8.0, 8.0]]), 8)
    np.testing.assert_allclose(same, image, atol=1e-4)
    (inner,) = zooms(image, jnp.array([[4.0, 4.0]]), 4)
    np.testing.assert_allclose(inner, image[2:6, 2:6], atol=1e-4)
    (small,) = zooms(
        jnp.full((9, 9, 2), 7.0), jnp.array([[20.0, 30.0]]), 3
    )  # beyond the border, too
    np.testing.assert_allclose(small, 7.0, rtol=1e-6)


def test_the_filter_is_the_minimum_by_hand():
    """Of one sample: conj(x) y / (sum |x|^2 + decay), response by its own frequency sum."""
    filter_ = ScaleFilter(count=9, levels=9, size=8, sigma=0.75)
    spectrum = filter_.spectrum(patch(), 40.0)
    means = filter_.start(spectrum)
    levels = np.arange(9) - 4
    label = np.exp(-0.5 * (levels / 0.75) ** 2)
    y = np.fft.rfft(np.roll(label, -4))
    x = np.asarray(spectrum)
    np.testing.assert_allclose(means.numerator, np.conj(x) * y, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(means.denominator, (np.abs(x) ** 2).sum(0), rtol=1e-4)


@pytest.mark.parametrize("growth", [0.85, 0.95, 1.0, 1.1, 1.18])
def test_it_finds_by_how_much_a_target_has_grown(growth):
    filter_ = ScaleFilter()
    image = patch(128)
    found = estimate(filter_, image, 48.0, 48.0 / growth)
    assert float(found) == pytest.approx(growth, rel=0.02)


@pytest.mark.parametrize("growth", [0.9, 0.97, 1.05, 1.1])
def test_half_of_the_scales_interpolated_find_it_too(growth):
    filter_ = ScaleFilter(count=17, sigma=33 / 16)
    expected = 1.02 ** (33 / 17 * np.array([-8, 0, 8]))
    np.testing.assert_allclose(filter_.factors()[::8], expected, rtol=1e-5)
    image = patch(128)
    found = estimate(filter_, image, 48.0, 48.0 / growth)
    assert float(found) == pytest.approx(growth, rel=0.02)


def test_what_does_not_teach_changes_nothing():
    filter_ = ScaleFilter()
    means = filter_.start(filter_.spectrum(patch(), 40.0))
    other = filter_.spectrum(patch(seed=1), 40.0)
    kept = filter_.learn(means, other, jnp.asarray(False))
    jax.tree.map(np.testing.assert_array_equal, kept, means)
    mixed = filter_.learn(means, other, jnp.asarray(True))
    expected = 0.975 * means.denominator + 0.025 * filter_.start(other).denominator
    np.testing.assert_allclose(mixed.denominator, expected, rtol=1e-4)


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="count=4 must be odd"):
        scale_filter.ScaleFilter(count=4)
    with pytest.raises(ValueError, match="levels=9 must be odd and at least count=11"):
        scale_filter.ScaleFilter(count=11, levels=9)
    with pytest.raises(ValueError, match="size=10"):
        scale_filter.ScaleFilter(size=10)
