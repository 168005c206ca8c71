"""GoogLeNet and the compact network against PyTorch, stored and live."""

import importlib.util
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import weight_files

from dslt_jax.backbones import Compact, GoogLeNet, layers

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"
WHOLE = GoogLeNet(("3b", "4e"))
IMAGE = np.random.default_rng(2).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * np.abs(theirs).max())


def make_goldens():
    pytest.importorskip("torch")
    spec = importlib.util.spec_from_file_location("make_goldens", GOLDENS / "make_goldens.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def params():
    return weight_files.random_params(WHOLE.param_shapes(), seed=1)


@pytest.mark.parametrize("deep", ["4d", "4e"])
def test_googlenet_is_the_stored_one_of_pytorch(params, deep):
    golden = np.load(GOLDENS / "googlenet.npz")
    found = GoogLeNet(("3b", deep)).apply(params, IMAGE)
    close(found[0][..., ::32], golden["3b"])
    close(found[1][..., ::32], golden[deep])


@pytest.mark.parametrize("size", [64, 80])
def test_every_inception_module_is_pytorchs(params, size):
    image = np.random.default_rng(3).uniform(0, 255, (1, size, size, 3)).astype(np.float32)
    theirs = make_goldens().googlenet_torch(params, image)
    for shallow, deep in (("3a", "4a"), ("3b", "4b"), ("4c", "4d"), ("3b", "4e")):
        found = GoogLeNet((shallow, deep)).apply(params, image)
        close(found[0], theirs[shallow])
        close(found[1], theirs[deep])


def compact_maps():
    params = weight_files.random_params(Compact().param_shapes(), seed=1)
    return params, Compact().apply(params, IMAGE)


def test_compact_is_the_stored_one_of_pytorch():
    golden = np.load(GOLDENS / "compact.npz")
    _, (shallow, deep) = compact_maps()
    close(shallow[..., ::16], golden["shallow"])
    close(deep[..., ::16], golden["deep"])


def test_compact_is_pytorchs():
    params, maps = compact_maps()
    for ours, theirs in zip(maps, make_goldens().compact_torch(params, IMAGE), strict=True):
        close(ours, theirs)


def test_compact_is_small():
    assert sum(np.prod(shape) for shape in Compact().param_shapes().values()) < 2e6


@pytest.mark.parametrize("side", [3, 5, 7])
def test_stem_is_a_strided_convolution(side):
    rng = np.random.default_rng(side)
    x = jnp.asarray(rng.normal(size=(2, 20, 26, 3)), jnp.float32)
    kernel = jnp.asarray(rng.normal(size=(side, side, 3, 4)), jnp.float32)
    bias = jnp.asarray(rng.normal(size=4), jnp.float32)
    close(layers.stem_conv(x, kernel, bias), layers.conv(x, kernel, bias, stride=2))


@pytest.mark.parametrize("size", [8, 9, 10, 11])
@pytest.mark.parametrize(("stride", "pad"), [(2, 0), (1, 1), (2, 1)])
def test_pooling_has_caffes_ceil_rule(size, stride, pad):
    x = np.random.default_rng(0).normal(size=(1, size, size, 2)).astype(np.float32)
    out = -(-(size + 2 * pad - 3) // stride) + 1
    if pad and (out - 1) * stride >= size + pad:
        out -= 1
    expected = np.full((out, out, 2), -np.inf)
    for i in range(out):
        for j in range(out):
            top, left = i * stride - pad, j * stride - pad
            window = x[0, max(top, 0) : top + 3, max(left, 0) : left + 3]
            expected[i, j] = window.max(axis=(0, 1))
    np.testing.assert_array_equal(layers.max_pool(x, stride=stride, pad=pad)[0], expected)


@pytest.mark.parametrize("take", [("5b", "4d"), ("3b", "5b")])
def test_a_wrong_layer_is_named(take):
    with pytest.raises(ValueError, match="take='5b' is no GoogLeNet layer: choose one of 3a"):
        GoogLeNet(take)


def test_layers_in_the_wrong_order_are_named():
    with pytest.raises(ValueError, match="take=4c,3b must name layers from shallow to deep"):
        GoogLeNet(("4c", "3b"))


def test_init_is_seeded():
    first, second, other = (Compact().init(jax.random.key(s)) for s in (0, 0, 1))
    np.testing.assert_array_equal(first["stage1/w"], second["stage1/w"])
    assert not np.array_equal(first["stage1/w"], other["stage1/w"])
