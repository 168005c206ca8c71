import importlib.util
import pathlib

import jax
import numpy as np
import pytest
import weight_files

from dslt_jax import presets, settings
from dslt_jax.backbones import Vgg16, layers, vgg16

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"
PAPER = Vgg16(("conv4_3", "conv5_3"))
RELEASED = Vgg16(("conv4_3", "conv5_3"), pooling=False)
SMALL = Vgg16(("conv3_3",))


def random_image(side=32, seed=2):
    return np.random.default_rng(seed).uniform(0, 255, (1, side, side, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def params():
    return weight_files.random_params(PAPER.param_shapes(), seed=1)


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * np.abs(theirs).max())


@pytest.mark.parametrize("shallow", ["conv3_3", "conv4_3"])
def test_features_agree_with_the_stored_ones_of_pytorch(params, shallow):
    golden = np.load(GOLDENS / "vgg16.npz")
    low, deep = Vgg16((shallow, "conv5_3")).apply(params, random_image())
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
        (found,) = Vgg16((layer,), pooling=keep_pooling).apply(params, random_image())
        close(found, theirs[layer])


@pytest.mark.parametrize(
    ("network", "strides"), [(PAPER, (8, 16)), (RELEASED, (4, 4)), (SMALL, (4,))]
)
def test_layers_are_those_of_the_maps(network, strides):
    params = jax.eval_shape(lambda: network.init(jax.random.key(0)))
    image = jax.ShapeDtypeStruct((2, 64, 96, 3), np.float32)
    maps = jax.eval_shape(network.apply, params, image)
    assert tuple(layer.stride for layer in network.layers) == strides
    for layer, features in zip(network.layers, maps, strict=True):
        assert features.shape == (2, 64 // layer.stride, 96 // layer.stride, layer.channels)


def test_init_has_the_exact_shapes_and_oxfords_mean():
    params = SMALL.init(jax.random.key(0))
    assert {k: v.shape for k, v in params.items()} == SMALL.param_shapes()
    np.testing.assert_allclose(params["mean"], vgg16.MEAN, rtol=1e-6)
    assert len(PAPER.param_shapes()) == 27


def test_an_image_of_the_mean_gives_the_response_to_nothing():
    params = weight_files.random_params(SMALL.param_shapes())
    image = np.broadcast_to(params["mean"], (1, 16, 16, 3))
    biasless = {k: v * 0 if k.endswith("/b") else v for k, v in params.items()}
    assert not np.any(SMALL.apply(biasless, image)[0])


@pytest.mark.parametrize(
    ("take", "says"),
    [
        (("conv4_3", "conv5_1"), "take='conv5_1' .* conv3_3, conv4_3, conv5_3"),
        (("conv5_3", "conv4_3"), "from shallow to deep"),
    ],
)
def test_a_wrong_layer_is_named(take, says):
    with pytest.raises(ValueError, match=says):
        Vgg16(take)


@pytest.mark.parametrize("shape", [(1, 40, 32, 3), (32, 32, 3), (1, 32, 32, 1)])
def test_a_wrong_image_is_named(params, shape):
    with pytest.raises(ValueError, match="multiples of 16"):
        PAPER.apply(params, np.zeros(shape, np.float32))


def test_bfloat16_is_float32_but_for_rounding(params):
    exact = PAPER.apply(params, random_image())
    found = Vgg16(PAPER.take, precision="bfloat16").apply(params, random_image())
    for ours, theirs in zip(found, exact, strict=True):
        assert ours.dtype == theirs.dtype == np.float32
        error = np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
        assert 1e-4 < error < 0.02


def test_float32_is_what_it_was_before_there_was_a_choice(params):
    x = random_image() - params["mean"]
    for name in vgg16.convolutions("conv3_3"):
        if name in ("conv2_1", "conv3_1"):
            x = x.reshape(1, x.shape[1] // 2, 2, x.shape[2] // 2, 2, -1).max((2, 4))
        x = layers.conv_relu(x, params[f"{name}/w"], params[f"{name}/b"])
    np.testing.assert_array_equal(SMALL.apply(params, random_image())[0], x)
    assert Vgg16(SMALL.take, precision="float32") == SMALL


def test_the_precision_is_a_setting():
    tracker = settings.override(presets.paper(), ["backbone.precision=bfloat16"])
    assert tracker.backbone == Vgg16(PAPER.take, precision="bfloat16")
    with pytest.raises(ValueError, match="precision='float16' is not one of float32, bfloat16"):
        settings.override(presets.paper(), ["backbone.precision=float16"])
