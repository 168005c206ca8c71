import dataclasses
import importlib.util
import pathlib

import jax
import numpy as np
import pytest
import weight_files

from dslt_jax import presets
from dslt_jax.backbones import vgg16

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"
PAPER = presets.paper()
SMALL = dataclasses.replace(PAPER, shallow_layer="conv3_3", deep_layer="conv3_3")


def random_image(side=32, seed=2):
    return np.random.default_rng(seed).uniform(0, 255, (1, side, side, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def params():
    return weight_files.random_params(vgg16.param_shapes(PAPER), seed=1)


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * np.abs(theirs).max())


@pytest.mark.parametrize("shallow", ["conv3_3", "conv4_3"])
def test_features_agree_with_the_stored_ones_of_pytorch(params, shallow):
    golden = np.load(GOLDENS / "vgg16.npz")
    config = dataclasses.replace(PAPER, shallow_layer=shallow)
    low, deep = vgg16.apply(params, random_image(), config)
    close(low[..., ::16], golden[shallow])
    close(deep[..., ::16], golden["conv5_3"])


@pytest.mark.parametrize("keep_pooling", [True, False])
def test_every_layer_agrees_with_pytorch(params, keep_pooling):
    pytest.importorskip("torch")
    spec = importlib.util.spec_from_file_location("make_goldens", GOLDENS / "make_goldens.py")
    make_goldens = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_goldens)
    theirs = make_goldens.vgg16_torch(params, random_image(), keep_pooling)
    for layer in vgg16.LAYERS:
        config = dataclasses.replace(
            PAPER, shallow_layer="conv3_3", deep_layer=layer, keep_pooling=keep_pooling
        )
        shallow, deep = vgg16.apply(params, random_image(), config)
        close(shallow, theirs["conv3_3"])
        close(deep, theirs[layer])


@pytest.mark.parametrize(
    ("config", "strides"),
    [(PAPER, (8, 16)), (presets.released(), (4, 4)), (SMALL, (4, 4))],
)
def test_strides_are_those_of_the_maps(config, strides):
    params = jax.eval_shape(lambda: vgg16.init(jax.random.key(0), config))
    image = jax.ShapeDtypeStruct((2, 64, 96, 3), np.float32)
    maps = jax.eval_shape(lambda p, x: vgg16.apply(p, x, config), params, image)
    assert vgg16.strides(config) == strides
    for stride, name, features in zip(
        strides, (config.shallow_layer, config.deep_layer), maps, strict=True
    ):
        assert features.shape == (2, 64 // stride, 96 // stride, 256 if name == "conv3_3" else 512)


def test_init_has_the_exact_shapes_and_oxfords_mean():
    params = vgg16.init(jax.random.key(0), SMALL)
    assert {k: v.shape for k, v in params.items()} == vgg16.param_shapes(SMALL)
    np.testing.assert_allclose(params["mean"], vgg16.MEAN, rtol=1e-6)
    assert len(vgg16.param_shapes(PAPER)) == 27


def test_an_image_of_the_mean_gives_the_response_to_nothing():
    params = weight_files.random_params(vgg16.param_shapes(SMALL))
    image = np.broadcast_to(params["mean"], (1, 16, 16, 3))
    biasless = {k: v * 0 if k.endswith("/b") else v for k, v in params.items()}
    assert not np.any(vgg16.apply(biasless, image, SMALL)[1])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"deep_layer": "conv5_1"}, "deep_layer='conv5_1' .* conv3_3, conv4_3, conv5_3"),
        ({"shallow_layer": "conv5_3", "deep_layer": "conv4_3"}, "lies above"),
    ],
)
def test_a_wrong_layer_is_named(changes, says):
    with pytest.raises(ValueError, match=says):
        vgg16.param_shapes(dataclasses.replace(PAPER, **changes))


@pytest.mark.parametrize("shape", [(1, 40, 32, 3), (32, 32, 3), (1, 32, 32, 1)])
def test_a_wrong_image_is_named(params, shape):
    with pytest.raises(ValueError, match="multiples of 16"):
        vgg16.apply(params, np.zeros(shape, np.float32), PAPER)
