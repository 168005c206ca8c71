"""ECO on a network's layers: its update against the dense solution, cells in place, a clip."""

import functools

import jax.numpy as jnp
import numpy as np
import pools
import pytest
import small

import dslt_jax as dslt
from dslt_jax import boxes, presets, settings
from dslt_jax.backbones import Function, Layer
from dslt_jax.ops import fourier

GRID = 8


def tracker(size=128, **changes):
    few = {"deep": (4, 4), "first_rounds": 3, "first_steps": 10}
    return presets.eco().replace(backbone=pools.backbone(8, 16), size=size, **(few | changes))


@functools.cache
def first():
    """The state of the smallest filter there is, of 5 channels."""
    frames, truth = pools.clip(1)
    tiny = tracker(64, channels=2, deep=(2, 1), steps=150, least=0.01, edge=0.02)
    return tiny, dslt.init(tiny, {}, frames[0], truth[0])


def circulant(x):
    """(G^2, G^2) whose product with a filter is its circular convolution with x (G, G)."""
    y, x_ = np.divmod(np.arange(GRID**2), GRID)
    return x[(y[:, None] - y[None]) % GRID, (x_[:, None] - x_[None]) % GRID]


def test_an_update_is_weighted_ridge_regression_over_all_samples():
    """Against the normal equations in 64 bits, of 320 coefficients, over two samples."""
    tiny, state = first()
    sample = jnp.fft.rfft2(np.random.default_rng(1).normal(size=(5, GRID, GRID)) * 0.5)
    memory = tiny.memory.replace(rate=0.3).add(state.memory, sample.astype(jnp.complex64))
    np.testing.assert_allclose(memory.weights[:2], [0.7, 0.3], rtol=1e-6)

    found = np.asarray(fourier.inverse(tiny.update(memory, state)))
    label = np.asarray(fourier.inverse(tiny.target_label()), np.float64).ravel()
    penalty = np.tile(np.asarray(tiny.penalty(state.size), np.float64).ravel(), 5)
    normal, right = np.diag(penalty), 0.0
    for weight, x in zip((0.7, 0.3), np.asarray(fourier.inverse(memory.samples[:2])), strict=True):
        matrix = np.concatenate([circulant(channel) for channel in x.astype(np.float64)], axis=1)
        normal, right = normal + weight * matrix.T @ matrix, right + weight * matrix.T @ label
    expected = np.linalg.solve(normal, right).reshape(found.shape)
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())
    before = np.asarray(fourier.inverse(state.filter))
    assert np.abs(before - expected).max() > 0.05 * np.abs(expected).max()


def test_the_first_frame_is_answered_by_the_label():
    frames, truth = pools.clip(1)
    sure = tracker(label=1 / 4)  # of 0.9 cells: wide enough for the filter's frequencies
    state = dslt.init(sure, {}, frames[0], truth[0])
    response = fourier.inverse(sure.respond(state, state.memory.samples[0]))
    label = fourier.inverse(sure.target_label())
    np.testing.assert_allclose(response, label, atol=0.1)
    assert float(label.max()) > 0.9


@pytest.mark.slow
def test_projections_are_learned_beyond_the_principal_directions():
    """The filter's channels alone, as the first round leaves them, answer the label less well."""
    frames, truth = pools.clip(1)

    def misfit(rounds):
        one = tracker(deep=(1, 1), channels=1, first_rounds=rounds, label=1 / 4)
        state = dslt.init(one, {}, frames[0], truth[0])
        error = one.respond(state, state.memory.samples[0]) - one.target_label()
        return float(fourier.energy(error[None])), state.projections

    (alone, principal), (together, learned) = misfit(1), misfit(6)
    assert together < 0.9 * alone
    assert max(float(jnp.abs(a - b).max()) for a, b in zip(principal, learned, strict=True)) > 0.01


def test_all_layers_see_a_thing_at_the_same_place():
    """A soft spot, seen by fHOG's neighbours with strides of 8 and 16, one of them off its middle.

    On the filter's cells each layer's spectrum has the spot where it is in the crop.
    """

    def means(params, image):
        x = image[..., :1]
        n, height, width, _ = x.shape
        fine, coarse = (
            x.reshape(n, height // s, s, width // s, s, 1).mean(axis=(2, 4)) for s in (8, 16)
        )
        return fine, jnp.roll(coarse, -1, axis=(1, 2))  # cell i sees what lies a stride further

    backbone = Function(means, [Layer("fine", 8, 4.0, 1), Layer("coarse", 16, 24.0, 1)])
    seeing = tracker(256, deep=(1, 1)).replace(backbone=backbone)
    line = np.arange(256) + 0.5
    spot = np.exp(-0.5 * ((line[:, None] - 150) ** 2 + (line[None] - 110) ** 2) / 24**2)
    patch = jnp.asarray(np.repeat(255 * spot[..., None], 3, -1), jnp.float32)
    _, *layers = seeing.blocks({}, patch)
    assert [x.shape for x in layers] == [(32, 32, 1), (16, 16, 1)]
    for cells in layers:
        map_ = np.asarray(fourier.inverse(seeing.spectrum_of(cells)))[0]
        map_ = np.where(map_ > 0.3 * map_.max(), map_, 0)
        middles = 8 * (np.arange(32) + 0.5)
        place = (map_.sum(0) @ middles, map_.sum(1) @ middles) / map_.sum()
        np.testing.assert_allclose(place, [110, 150], atol=4)


@pytest.mark.slow
def test_it_follows_a_target_that_moves_and_grows():
    frames, truth = pools.clip(12, speed=(4.0, 2.0), growth=1.03)
    outs = small.loop(tracker(256, deep=(8, 8)), {}, frames, truth[0])
    overlap = boxes.iou(outs.box, truth[1:])
    assert overlap.min() > 0.65 and not outs.lost.any()
    np.testing.assert_allclose(outs.box[:, 2] / outs.box[:, 3], 36 / 30, rtol=1e-4)
    assert boxes.iou(truth[0], truth[-1]) < 0.2 and outs.box[-1, 2] > 1.15 * truth[0, 2]


def test_the_memory_has_channels_of_every_layer():
    frames, truth = pools.clip(3)
    state = dslt.init(tracker(), {}, frames[0], truth[0])
    assert [p.shape for p in state.projections] == [(10, 31), (4, 16), (4, 16)]
    state, _ = dslt.step(tracker(), {}, state, frames[1])
    assert state.memory.samples.shape == (presets.eco().memory.size, 18, 16, 9)
    assert int(state.frames) == 2 and np.count_nonzero(state.memory.weights) == 2


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("deep=16", "deep=16 must be 2, one for each layer of the backbone: shallow, deep"),
        ("deep=16,97", "deep=97 must be from 1 to 96, the channels of deep"),
        ("size=264", "size=264 must be 2 or more times the deepest stride 16"),
        ("hog_cell=5", "size=256 must be whole cells of hog_cell=5"),
        ("channels=0", "channels=0 must be from 1 to 31"),
        ("backbone=alexnet", "backbone='alexnet' is not one of compact, narrow, googlenet, vgg16"),
    ],
)
def test_wrong_settings_are_named(setting, words):
    with pytest.raises(ValueError, match=words):
        settings.override(presets.eco(), [setting])


def test_settings_choose_network_and_widths():
    changed = settings.override(presets.eco(), ["backbone=vgg16", "deep=32,48", "memory.rate=.02"])
    assert [network.name for network in changed.networks] == ["vgg16"]
    assert changed.widths == (10, 32, 48) and changed.memory.rate == 0.02
