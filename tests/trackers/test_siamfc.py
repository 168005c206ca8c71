"""SiamFC: its correlation by hand, where peaks are placed, scales, the window, a clip followed."""

import jax
import jax.numpy as jnp
import numpy as np
import pools
import pytest
import small

import dslt_jax as dslt
from dslt_jax import boxes, presets, settings
from dslt_jax.backbones import Siamese, siamese


def affine(gain, bias):
    return {
        "siamfc/response/gain": jnp.full(1, gain, jnp.float32),
        "siamfc/response/b": jnp.full(1, bias, jnp.float32),
    }


RESPONSE = affine(1e-3, 0.0)  # products of what `pools` finds are large


def tracker(**changes):
    return presets.siamfc().replace(backbone=pools.backbone(8), **changes)


@pytest.fixture(scope="module")
def random():
    return Siamese().init(jax.random.key(0))


def test_the_response_is_the_mean_product_of_every_place():
    rng = np.random.default_rng(0)
    template, maps = rng.normal(size=(4, 4, 3)), rng.normal(size=(2, 10, 10, 3))
    found = siamese.respond(
        affine(2.0, -0.5), *(jnp.asarray(x, jnp.float32) for x in (template, maps))
    )
    expected = np.array(
        [
            [
                [2 * np.mean(template * x[i : i + 4, j : j + 4]) - 0.5 for j in range(7)]
                for i in range(7)
            ]
            for x in maps
        ]
    )
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_network_of_ones_own_needs_no_gain_and_bias():
    template, maps = jnp.ones((2, 2, 3)), jnp.ones((1, 4, 4, 3))
    np.testing.assert_allclose(siamese.respond({}, template, maps), np.ones((1, 3, 3)), atol=1e-6)


def test_the_embedding_is_two_dense_layers_of_both_maps(random):
    """Of even maps, whose interpolation is known."""
    rng = np.random.default_rng(0)
    shallow, deep = rng.normal(size=64), rng.normal(size=96)
    maps = (np.broadcast_to(x, (1, n, n, len(x))) for x, n in ((shallow, 6), (deep, 3)))
    found = Siamese().embed(random, *(jnp.asarray(x, jnp.float32) for x in maps))
    first, second, last = (
        np.asarray(random[f"siamfc/{name}/w"][0, 0], float) for name in ("shallow", "deep", "embed")
    )
    hidden = np.maximum(shallow @ first + deep @ second, 0)  # biases begin at 0
    expected = np.broadcast_to(hidden @ last, (1, 6, 6, 64))
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("shift", [(0, 0), (26, 0), (0, -26), (13, 26)])
def test_the_box_goes_where_the_picture_goes(shift):
    """The template's region moved, on noise that is the same nowhere else."""
    rng = np.random.default_rng(1)
    ground = rng.integers(0, 256, (60, 60, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    box = np.array([214, 214, 52, 52], np.float32)
    one = tracker(scales=1, influence=0.0)
    state = dslt.init(one, RESPONSE, ground, box)
    _, out = dslt.step(one, RESPONSE, state, np.roll(ground, shift[::-1], (0, 1)))
    np.testing.assert_allclose(out.box, box + np.float32([*shift, 0, 0]), atol=2.0)
    peak = np.unravel_index(np.argmax(out.response), out.response.shape)
    layer = one.backbone.layers[0]
    np.testing.assert_allclose(
        layer.pixel(np.array(peak[::-1])), 104 + np.array(shift), atol=layer.stride / 2 + 1
    )


def test_it_follows_and_the_template_stays():
    frames, truth = pools.clip(6)
    state = first = dslt.init(tracker(), RESPONSE, frames[0], truth[0])
    for frame, box in zip(frames[1:], truth[1:], strict=True):
        state, out = dslt.step(tracker(), RESPONSE, state, frame)
        assert boxes.iou(out.box[None], box[None])[0] > 0.6 and not bool(out.lost)
        assert bool(out.extra["finite"]) and not bool(out.extra["updated"])
    np.testing.assert_array_equal(state.template, first.template)
    assert np.linalg.norm(state.center - first.center) > 15


def test_the_scale_is_damped_towards_the_best():
    """A template of itself zoomed: the region that shows it so is taken, by its share."""
    frames, truth = pools.clip(1)
    frame = frames[0]
    larger = np.asarray(jax.image.resize(frame, (144, 192, 3), "cubic")).clip(0, 255)
    larger = larger.astype(np.uint8)
    box = truth[0].copy()
    box[:2] = box[:2] * 1.2 + box[2:] * 0.1
    one = presets.siamfc().replace(step=1.2, penalty=1.0)
    params = dslt.load_params(one)
    state = dslt.init(one, params, frame, truth[0])
    state = state.replace(center=jnp.asarray(box[:2] + box[2:] / 2))
    _, out = dslt.step(one, params, state, larger)
    np.testing.assert_allclose(out.extra["scale"], 1 + 0.59 * 0.2, rtol=1e-5)
    _, out = dslt.step(one.replace(penalty=1e-3), params, state, larger)
    np.testing.assert_allclose(out.extra["scale"], 1.0, rtol=1e-5)


def test_all_window_is_no_motion():
    frames, truth = pools.clip(2, speed=(12.0, 8.0))
    held, free = (
        dslt.step(one, RESPONSE, dslt.init(one, RESPONSE, frames[0], truth[0]), frames[1])[1].box
        for one in (tracker(influence=1.0, scales=1), tracker(influence=0.0, scales=1))
    )
    np.testing.assert_allclose(held, truth[0], atol=0.5)
    assert np.linalg.norm(free[:2] - truth[1, :2]) < 4.0


def test_the_embedded_head_follows_where_a_random_one_does_not_know():
    """On the rendered target; the probability at the place found is what training made it."""
    frames, truth = small.clip(8)
    one = presets.siamfc()
    outs = small.loop(one, dslt.load_params(one), frames, truth[0])
    assert boxes.iou(outs.box, truth[1:]).min() > 0.5
    assert outs.confidence.min() > 0.6


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("size=100", "size=100 must be a multiple of 16 pixels"),
        ("template=7", "template=7 must be even and at least 2"),
        ("template=26", "template=26 must be at most 24"),
        ("scales=2", "scales=2 must be odd"),
        ("influence=2", "influence=2.0 must be from 0 to 1"),
        ("damping=-1", "damping=-1.0 must be from 0 to 1"),
    ],
)
def test_wrong_settings_are_named(setting, words):
    with pytest.raises(ValueError, match=words):
        settings.override(presets.siamfc(), [setting])


def test_one_layer_is_correlated():
    with pytest.raises(ValueError, match="backbone=function has 2 layers, not one"):
        presets.siamfc().replace(backbone=pools.backbone(8, 16))
