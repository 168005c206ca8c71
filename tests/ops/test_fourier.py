"""Half spectra against the functions that they are spectra of."""

import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax.ops import fourier


def functions(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("size", [8, 9])
def test_inner_products_are_those_of_the_functions(size):
    a, b = functions(0, 3, size, size), functions(1, 3, size, size)
    found = fourier.inner(jnp.fft.rfft2(a), jnp.fft.rfft2(b))
    np.testing.assert_allclose(found, size**2 * np.sum(a * b), rtol=1e-4)
    np.testing.assert_allclose(fourier.energy(jnp.fft.rfft2(a)), np.sum(a**2), rtol=1e-5)


@pytest.mark.parametrize("size", [8, 9])
def test_a_window_weighs_the_functions(size):
    a, window = functions(0, 2, size, size), functions(1, size, size)
    found = fourier.inverse(fourier.weigh(jnp.fft.rfft2(a), jnp.asarray(window)))
    np.testing.assert_allclose(found, a * window, atol=1e-5)


def test_a_shift_by_whole_cells_rolls():
    a = functions(0, 2, 8, 8)
    found = fourier.inverse(fourier.shift(jnp.fft.rfft2(a), jnp.array([3.0, -2.0])))
    np.testing.assert_allclose(found, np.roll(a, (-2, 3), (1, 2)), atol=1e-5)


def wave(size):
    """A function of x and y on the middles of a grid over the unit square."""
    y, x = np.meshgrid(*[(np.arange(size) + 0.5) / size] * 2, indexing="ij")
    return np.cos(2 * np.pi * (2 * x - y) + 0.3) + 0.5 * np.sin(2 * np.pi * 3 * y) + 0.2


@pytest.mark.parametrize("old, new", [(8, 12), (12, 8), (9, 14), (8, 8)])
def test_another_grid_sees_the_same_function(old, new):
    found = fourier.inverse(fourier.resize(jnp.fft.rfft2(wave(old)[None]), new))
    np.testing.assert_allclose(found[0], wave(new), atol=1e-5)


@pytest.mark.parametrize("place", [(0.3, -0.4), (2.49, 1.0), (-3.2, 0.05)])
def test_it_climbs_to_the_maximum_between_cells(place):
    cells = np.arange(16)
    shape = [np.exp(3 * (np.cos(2 * np.pi / 16 * (cells - p)) - 1)) for p in place]
    spectrum = jnp.fft.rfft2(np.outer(shape[1], shape[0]))
    found, value = fourier.climb(spectrum, jnp.round(jnp.array(place)))
    np.testing.assert_allclose(found, place, atol=1e-3)
    np.testing.assert_allclose(value, 1.0, atol=1e-3)


def test_it_stays_where_there_is_no_summit():
    start = jnp.array([1.0, 2.0])
    found, value = fourier.climb(jnp.zeros((8, 5), jnp.complex64), start)
    np.testing.assert_array_equal(found, start)
    assert value == 0
