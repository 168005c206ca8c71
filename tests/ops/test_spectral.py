"""The head in the Fourier domain against a plain convolution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax.ops import spectral

KERNEL = 8


def convolve(kernel, features):
    """Zero-padded correlation (C, K, K) with (N, C, G, G), peak of a centred target at G / 2."""
    k = kernel.shape[-1]
    return jax.lax.conv_general_dilated(
        features, kernel[None], (1, 1), [(k // 2, k // 2 - 1)] * 2, precision="highest"
    )[:, 0]


@pytest.mark.parametrize("grid", [12, 15, 32])
def test_response_is_the_convolution(grid):
    rng = np.random.default_rng(grid)
    kernel = jnp.asarray(rng.normal(size=(8, 8, 8)), jnp.float32)
    features = jnp.asarray(rng.normal(size=(3, 8, grid, grid)), jnp.float32)
    size = spectral.fft_size(grid, KERNEL)
    found = spectral.respond(kernel, spectral.spectrum(features, size), grid)
    np.testing.assert_allclose(found, convolve(kernel, features), atol=2e-4)


def test_gradient_is_the_convolutions():
    rng = np.random.default_rng(1)
    kernel = jnp.asarray(rng.normal(size=(8, 8, 8)), jnp.float32)
    features = jnp.asarray(rng.normal(size=(2, 8, 16, 16)), jnp.float32)
    size = spectral.fft_size(16, KERNEL)
    spectra = spectral.spectrum(features, size)
    found = jax.grad(lambda w: jnp.sum(spectral.respond(w, spectra, 16) ** 2))(kernel)
    expected = jax.grad(lambda w: jnp.sum(convolve(w, features) ** 2))(kernel)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=0.5)


def test_transform_size_is_even_smooth_and_large_enough():
    for grid in range(5, 60):
        size = spectral.fft_size(grid, KERNEL)
        assert size >= grid + KERNEL // 2 and size % 2 == 0
        rest = size
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        assert rest == 1


@pytest.mark.parametrize("cells", [(8.0, 8.0), (3.0, 5.5), (16.0, 2.0)])
def test_mask_covers_the_target(cells):
    mask = np.asarray(spectral.kernel_mask(jnp.asarray(cells), 16))
    width, height = min(cells[0], 16), min(cells[1], 16)
    assert mask.sum() == pytest.approx(width * height, rel=1e-5)
    np.testing.assert_allclose(mask, mask[::-1, ::-1])
