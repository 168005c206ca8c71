"""The head in the Fourier domain against a plain convolution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax import presets, regression
from dslt_jax.config import override

CONFIG = override(presets.compact(), ["channels=4", "kernel_size=8"])


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
    size = regression.fft_size(CONFIG, grid)
    found = regression.respond(kernel, regression.spectrum(features, size), size, grid)
    np.testing.assert_allclose(found, convolve(kernel, features), atol=2e-4)


def test_gradient_is_the_convolutions():
    rng = np.random.default_rng(1)
    kernel = jnp.asarray(rng.normal(size=(8, 8, 8)), jnp.float32)
    features = jnp.asarray(rng.normal(size=(2, 8, 16, 16)), jnp.float32)
    size = regression.fft_size(CONFIG, 16)
    spectra = regression.spectrum(features, size)
    found = jax.grad(lambda w: jnp.sum(regression.respond(w, spectra, size, 16) ** 2))(kernel)
    expected = jax.grad(lambda w: jnp.sum(convolve(w, features) ** 2))(kernel)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=0.5)


def test_transform_size_is_even_smooth_and_large_enough():
    for grid in range(5, 60):
        size = regression.fft_size(CONFIG, grid)
        assert size >= grid + CONFIG.kernel_size // 2 and size % 2 == 0
        rest = size
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        assert rest == 1


def test_fusion_adds_the_deep_layer_to_the_shallow_one():
    rng = np.random.default_rng(2)
    shallow = jnp.asarray(rng.normal(size=(1, 8, 8, 6)), jnp.float32)
    deep = jnp.asarray(rng.normal(size=(1, 4, 4, 5)), jnp.float32)
    reductions = (
        regression.Reduction(jnp.zeros(6), jnp.asarray(rng.normal(size=(6, 4)), jnp.float32)),
        regression.Reduction(jnp.ones(5), jnp.asarray(rng.normal(size=(5, 4)), jnp.float32)),
    )
    fused = regression.fuse(shallow, deep, reductions, CONFIG)
    low = shallow @ reductions[0].basis
    high = regression.upsample((deep - 1) @ reductions[1].basis, 2)
    assert fused.shape == (1, 8, 8, 8)
    np.testing.assert_allclose(fused[0, 4:].transpose(1, 2, 0), high[0], atol=1e-5)
    np.testing.assert_allclose(
        fused[0, :4].transpose(1, 2, 0),
        CONFIG.shallow_weight * low[0] + CONFIG.deep_weight * high[0],
        atol=1e-5,
    )


@pytest.mark.parametrize(
    ("fusion", "first", "second"),
    [
        ("features", "sum", None),
        ("responses", "low", "high"),
        ("shallow", "low", None),
        ("deep", None, "high"),
    ],
)
def test_parts_of_the_fusion(fusion, first, second):
    rng = np.random.default_rng(2)
    shallow = jnp.asarray(rng.normal(size=(1, 8, 8, 4)), jnp.float32)
    deep = jnp.asarray(rng.normal(size=(1, 4, 4, 4)), jnp.float32)
    identity = regression.Reduction(jnp.zeros(4), jnp.eye(4))
    found = regression.fuse(
        shallow, deep, (identity, identity), override(CONFIG, [f"fusion={fusion}"])
    )
    parts = {"low": shallow, "high": regression.upsample(deep, 2), None: jnp.zeros((1, 8, 8, 4))}
    parts["sum"] = CONFIG.shallow_weight * parts["low"] + CONFIG.deep_weight * parts["high"]
    expected = jnp.concatenate([parts[first], parts[second]], -1).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_principal_components_are_uncorrelated_and_of_unit_deviation():
    rng = np.random.default_rng(3)
    features = rng.normal(size=(1, 20, 20, 7)) @ rng.normal(size=(7, 7)) + 3.0
    reduction = regression.fit_reduction(jnp.asarray(features, jnp.float32), 4)
    x = (features.reshape(-1, 7) - np.asarray(reduction.mean)) @ np.asarray(reduction.basis)
    covariance = np.cov(x, rowvar=False)
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-3)
    assert np.mean(np.diag(covariance)) == pytest.approx(1.0, rel=0.02)
    assert (np.diff(np.diag(covariance)) <= 1e-4).all()
    white = regression.fit_reduction(jnp.asarray(features, jnp.float32), 4, 1.0)
    x = (features.reshape(-1, 7) - np.asarray(white.mean)) @ np.asarray(white.basis)
    np.testing.assert_allclose(np.cov(x, rowvar=False), np.eye(4), atol=0.02)


def test_reduction_of_a_constant_layer_is_finite():
    reduction = regression.fit_reduction(jnp.full((1, 4, 4, 6), 2.0), 3)
    assert all(np.isfinite(leaf).all() for leaf in reduction)


@pytest.mark.parametrize("cells", [(8.0, 8.0), (3.0, 5.5), (16.0, 2.0)])
def test_mask_covers_the_target(cells):
    mask = np.asarray(regression.kernel_mask(jnp.asarray(cells), 16))
    width, height = min(cells[0], 16), min(cells[1], 16)
    assert mask.sum() == pytest.approx(width * height, rel=1e-5)
    np.testing.assert_allclose(mask, mask[::-1, ::-1])
