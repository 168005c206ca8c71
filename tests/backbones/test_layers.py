"""Where the cells of every layer look: declared, by construction, and by what a dot moves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax import backbones, presets
from dslt_jax.backbones import Function, GoogLeNet, Layer, Vgg16
from dslt_jax.media import synthetic
from dslt_jax.weights import store

SIDE = 160


def seen_by(network, index):
    """Centroid of the gradient of one cell of a layer by the image, (2,) x, y in pixels."""
    params = network.init(jax.random.key(0))
    # Small weights of one sign: nothing is clipped, and every pixel of a window counts alike.
    params = {k: jnp.abs(v) if k.endswith("/w") else v for k, v in params.items()}

    def cell(image):
        found = network.apply(params, image)[index]
        middle = found.shape[1] // 2
        return found[0, middle, middle].sum()

    image = 128 + 100 * jax.random.uniform(jax.random.key(1), (1, SIDE, SIDE, 3))
    weight = np.abs(np.asarray(jax.grad(cell)(image))[0]).sum(axis=-1)
    pixels = np.arange(SIDE) + 0.5
    return np.array([weight.sum(0) @ pixels, weight.sum(1) @ pixels]) / weight.sum()


@pytest.mark.parametrize("take", ["conv3_3", "conv4_3"])
@pytest.mark.parametrize("pooling", [True, False])
def test_vgg16_cells_look_where_they_say(take, pooling):
    network = Vgg16((take,), pooling=pooling)
    layer = network.layers[0]
    expected = layer.stride * (SIDE // layer.stride // 2) + layer.offset
    np.testing.assert_allclose(seen_by(network, 0), expected, atol=0.2 * layer.stride)


@pytest.mark.slow
@pytest.mark.parametrize("index", [0, 1])
def test_googlenet_cells_look_where_its_form_says(index):
    """Centred, which is the preset's, is wrong by 2.5 and 6.5 pixels."""
    network = GoogLeNet(("3b", "4d"), centred=False)
    layer = network.layers[index]
    expected = layer.stride * (SIDE // layer.stride // 2) + layer.offset
    np.testing.assert_allclose(seen_by(network, index), expected, atol=1.5)


def test_positions_and_pixels_are_inverse():
    layer = Layer("a", 8, 6.5, 1)
    assert layer.position(layer.pixel(7.25)) == 7.25
    assert Layer("half-pixel", 8, 4.0, 1).position(40.0) == 5.0  # an edge between two cells


def flat(channels):
    return lambda params, image: (image[:, ::8, ::8, :1].repeat(channels, axis=-1),)


def test_a_function_is_a_backbone():
    network = Function(flat(6), [("mine", 8, 0.5, 6)])
    (found,) = backbones.apply(network, {}, jnp.zeros((2, 32, 32, 3)))
    assert found.shape == (2, 4, 4, 6)


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ([("mine", 8, 0.5, 5)], "layer 'mine' .* declares stride 8 and 5 channels"),
        ([("mine", 4, 0.5, 6)], "declares stride 4"),
        ([("mine", 8, 0.5, 6), ("more", 8, 0.5, 6)], "declares 2 layers and returns 1 maps"),
    ],
)
def test_a_backbone_whose_layers_lie_is_told(layers, says):
    with pytest.raises(ValueError, match=says):
        backbones.apply(Function(flat(6), layers), {}, jnp.zeros((1, 32, 32, 3)))


def test_a_backbone_that_is_no_function_is_told():
    with pytest.raises(ValueError, match="a backbone is a function"):
        Function("resnet", [("mine", 8, 0.5, 6)])
    with pytest.raises(ValueError, match=r"are Layer\(name, stride, offset, channels\) each"):
        Function(flat(6), [("mine", 8)])
    with pytest.raises(ValueError, match="declares one layer or more"):
        Function(flat(6), [])
    one = Function(lambda params, image: image[:, ::8, ::8], [("mine", 8, 0.5, 3)])
    with pytest.raises(ValueError, match="a tuple of maps is needed, one a layer"):
        backbones.apply(one, {}, jnp.zeros((1, 32, 32, 3)))


@pytest.mark.parametrize("preset", ["compact", "fast"])
def test_the_embedded_weights_cells_look_where_their_layers_say(preset):
    """A dot on a picture changes the trained maps most where the cells look at it."""
    tracker = presets.by_name(preset)
    params, network = store.load_params(tracker), tracker.backbone
    apply = jax.jit(network.apply)
    clip = synthetic.beetle_clip(40, 320, 240)
    pictures = [np.float32(frame.image)[None, :240, :240] for frame in clip.source][::4]
    rng = np.random.default_rng(0)
    misses = {layer.name: [] for layer in network.layers}
    for picture in pictures:
        before = apply(params, jnp.asarray(picture))
        x, y = rng.integers(90, 150, 2)
        dotted = picture.copy()
        dotted[:, y - 4 : y + 5, x - 4 : x + 5] = rng.integers(0, 256, 3)
        after = apply(params, jnp.asarray(dotted))
        for layer, a, b in zip(network.layers, after, before, strict=True):
            change = np.square(np.asarray(a - b)[0]).sum(axis=-1)
            cells = np.arange(len(change))
            place = np.array([change.sum(0) @ cells, change.sum(1) @ cells]) / change.sum()
            misses[layer.name] += [*(layer.pixel(place + 0.5) - ([x + 0.5, y + 0.5]))]
    for layer in network.layers:
        assert abs(np.mean(misses[layer.name])) < 0.25 * layer.stride
