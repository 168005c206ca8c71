"""Residual fusion: its parts, and layers whose cells look at different pixels."""

import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax.backbones import Layer
from dslt_jax.ops import windows
from dslt_jax.ops.fusion import Fusion, Single, resample
from dslt_jax.ops.reduction import Reduction

FUSION = Fusion(channels=4, shallow=0.7, deep=0.2)
SHALLOW, DEEP = Layer("shallow", 8, 4.0, 6), Layer("deep", 16, 8.0, 5)


def test_fusion_adds_the_deep_layer_to_the_shallow_one():
    rng = np.random.default_rng(2)
    shallow = jnp.asarray(rng.normal(size=(1, 8, 8, 6)), jnp.float32)
    deep = jnp.asarray(rng.normal(size=(1, 4, 4, 5)), jnp.float32)
    reductions = (
        Reduction(jnp.zeros(6), jnp.asarray(rng.normal(size=(6, 4)), jnp.float32)),
        Reduction(jnp.ones(5), jnp.asarray(rng.normal(size=(5, 4)), jnp.float32)),
    )
    fused = FUSION((shallow, deep), reductions, (SHALLOW, DEEP))
    low = shallow @ reductions[0].basis
    high = resample((deep - 1) @ reductions[1].basis, DEEP, SHALLOW, 8)
    assert fused.shape == (1, 8, 8, 8)
    np.testing.assert_allclose(fused[0, 4:].transpose(1, 2, 0), high[0], atol=1e-5)
    np.testing.assert_allclose(
        fused[0, :4].transpose(1, 2, 0), 0.7 * low[0] + 0.2 * high[0], atol=1e-5
    )


@pytest.mark.parametrize(
    ("parts", "first", "second"),
    [
        ("features", "sum", None),
        ("responses", "low", "high"),
        ("shallow", "low", None),
        ("deep", None, "high"),
    ],
)
def test_parts_of_the_fusion(parts, first, second):
    rng = np.random.default_rng(2)
    shallow = jnp.asarray(rng.normal(size=(1, 8, 8, 4)), jnp.float32)
    deep = jnp.asarray(rng.normal(size=(1, 4, 4, 4)), jnp.float32)
    identity = Reduction(jnp.zeros(4), jnp.eye(4))
    fusion = FUSION.replace(parts=parts)
    found = fusion((shallow, deep), (identity, identity), (SHALLOW, DEEP))
    maps = {"low": shallow, "high": resample(deep, DEEP, SHALLOW, 8), None: jnp.zeros((1, 8, 8, 4))}
    maps["sum"] = 0.7 * maps["low"] + 0.2 * maps["high"]
    expected = jnp.concatenate([maps[first], maps[second]], -1).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (DEEP, SHALLOW),
        (Layer("4d", 16, 14.5, 1), Layer("3b", 8, 6.5, 1)),
        (Layer("a", 16, 8.0, 1), Layer("b", 4, 2.0, 1)),
    ],
)
def test_a_resampled_map_tells_of_the_pixels_that_the_other_layers_cells_look_at(source, target):
    """On a map that holds the pixel itself, what comes out is the pixel of the other layer."""
    pixels = source.stride * np.arange(8) + source.offset
    x = jnp.asarray(np.broadcast_to(pixels[None, :, None, None], (1, 8, 8, 1)), jnp.float32)
    grid = 8 * source.stride // target.stride
    found = np.asarray(resample(x, source, target, grid))[0, :, 3, 0]
    expected = target.stride * np.arange(grid) + target.offset
    np.testing.assert_allclose(found, np.clip(expected, pixels[0], pixels[-1]), atol=1e-3)


def test_one_layer_is_reduced_to_the_deviation_that_is_asked_for():
    x = 5 + 3 * np.random.default_rng(4).normal(size=(1, 12, 12, 6)).astype(np.float32)
    fusion = Single(channels=6, deviation=100.0)
    found = np.asarray(fusion((x,), fusion.fit(None, (jnp.asarray(x),)), (DEEP,)))
    assert found.shape == (1, 6, 12, 12)
    assert found.mean() == pytest.approx(0, abs=0.1) and found.std() == pytest.approx(100, rel=1e-3)


def test_one_layer_as_the_network_gives_it_is_only_turned_and_windowed():
    x = 5 + np.random.default_rng(4).normal(size=(1, 12, 12, 6)).astype(np.float32)
    fusion = Single(channels=6, deviation=None, centred=False, window=True)
    fitted = fusion.fit(None, (jnp.asarray(x),))
    basis = np.asarray(fitted[0].basis)
    np.testing.assert_allclose(basis.T @ basis, np.eye(6), atol=1e-5)
    windowed = x * np.asarray(windows.hann(12))[None, ..., None]
    found = np.asarray(fusion((x,), fitted, (DEEP,)))
    np.testing.assert_allclose(found[0].transpose(1, 2, 0), windowed[0] @ basis, atol=1e-4)
    # A smaller crop has the window's middle.
    middle = fusion((x[:, 3:9, 3:9],), fitted, (DEEP,))
    np.testing.assert_allclose(middle, found[:, :, 3:9, 3:9], atol=1e-4)


@pytest.mark.parametrize(("field", "value"), [("channels", 0), ("deviation", 0.0)])
def test_a_wrong_single_layer_is_told(field, value):
    with pytest.raises(ValueError, match=f"{field}={value} must be"):
        Single(**{field: value})
