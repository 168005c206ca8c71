"""Winograd's convolution is the direct one, whatever the image's sides."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax.backbones import Compact, GoogLeNet, Narrow, Vgg16, layers, winograd


@pytest.mark.parametrize("strip_bytes", [3 << 20, 1 << 10])
@pytest.mark.parametrize("tile", [3, 4, 5])
@pytest.mark.parametrize("shape", [(1, 8, 8), (2, 10, 7), (1, 3, 13)])
def test_it_is_the_direct_convolution(shape, tile, strip_bytes, monkeypatch):
    monkeypatch.setattr(winograd, "_STRIP_BYTES", strip_bytes)  # the lesser: a row of tiles each
    keys = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(keys[0], (*shape, 6))
    kernel, bias = jax.random.normal(keys[1], (3, 3, 6, 5)), jax.random.normal(keys[2], (5,))

    def both(convolve):
        """The convolution, and its gradient along a probe."""
        y, pull = jax.vjp(convolve, x)
        return y, *pull(jax.random.normal(keys[0], y.shape))

    fast = jax.jit(
        lambda: both(lambda x: winograd.conv(x, winograd.transform(kernel, tile), bias))
    )()
    direct = jax.jit(lambda: both(lambda x: layers.conv(x, kernel, bias)))()
    for found, wanted in zip(fast, direct, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize(
    "network", [Vgg16(("conv3_3", "conv4_3")), GoogLeNet(("3b", "4a")), Compact(), Narrow()]
)
def test_in_bfloat16_maps_are_those_of_float32_but_for_rounding(network):
    params = network.init(jax.random.key(0))
    narrow = dataclasses.replace(network, precision="bfloat16")
    assert narrow.param_shapes() == network.param_shapes()
    prepared = jax.jit(narrow.prepare)(params)
    made = [prepared[name] for name in prepared.keys() - params.keys()]
    assert made and all(kernel.dtype == jnp.bfloat16 for kernel in made)
    image = 255 * jax.random.uniform(jax.random.key(1), (1, 32, 48, 3))
    exact = jax.jit(network.apply)(params, image)
    for given in (params, prepared):  # as on a GPU, and as on a CPU
        for found, wanted in zip(jax.jit(narrow.apply)(given, image), exact, strict=True):
            assert found.dtype == jnp.float32
            assert 1e-4 < jnp.linalg.norm(found - wanted) / jnp.linalg.norm(wanted) < 0.05


@pytest.mark.parametrize(
    "network", [Vgg16(("conv3_3", "conv4_3")), GoogLeNet(("3b", "4a")), Compact(), Narrow()]
)
def test_prepared_params_give_the_same_maps(network):
    params = network.init(jax.random.key(0))
    prepared = jax.jit(network.prepare)(params)
    used = {name.removesuffix("/winograd") for name in prepared.keys() - params.keys()}
    assert len(used) >= 4
    image = 255 * jax.random.uniform(jax.random.key(1), (1, 32, 48, 3))
    # The kernels that were transformed are not read: their transforms are.
    found = jax.jit(network.apply)(prepared | {f"{name}/w": jnp.nan for name in used}, image)
    for fast, direct in zip(found, jax.jit(network.apply)(params, image), strict=True):
        np.testing.assert_allclose(fast, direct, atol=1e-4 * float(jnp.abs(direct).max()))
