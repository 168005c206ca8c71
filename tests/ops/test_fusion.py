"""Residual fusion: its parts, and layers whose cells look at different pixels."""

import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax.backbones import Layer
from dslt_jax.ops.fusion import Fusion, resample
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
