"""HCFT: its filters against the formula in NumPy, the sum of layers by hand, a clip followed."""

import jax.numpy as jnp
import numpy as np
import pools
import pytest
import small

import dslt_jax as dslt
from dslt_jax import boxes, presets, settings
from dslt_jax.ops.scale_filter import ScaleFilter


def tracker(size=224, **changes):
    return presets.hcft().replace(backbone=pools.backbone(4, 8, 16), size=size, **changes)


@pytest.fixture(scope="module")
def first():
    frames, truth = small.clip(1)
    return dslt.init(tracker(size=96, cell=4), {}, frames[0], truth[0])


def test_the_filters_are_ridge_regression_over_all_shifts(first):
    """(X'X / N + decay) a = y, for the circulant matrix X of one layer's shifts, by NumPy."""
    grid, size = 24, np.array([24.0, 20.0])
    line = np.arange(grid) - grid // 2
    sigma = 0.1 * np.sqrt(24 * 20) * grid / (2.8 * size)
    label = np.exp(-0.5 * ((line[:, None] / sigma[1]) ** 2 + (line[None] / sigma[0]) ** 2))
    for template, alpha in zip(first.templates, first.alphas, strict=True):
        x = np.fft.irfft2(np.asarray(template), (grid, grid)).astype(float)
        spectrum = np.fft.fft2(x)
        kernel = (np.abs(spectrum) ** 2).sum(axis=0) / x.size
        expected = np.fft.fft2(np.fft.ifftshift(label)) / (kernel + 1e-4)
        half = np.asarray(alpha)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(half / scale, expected[:, : grid // 2 + 1] / scale, atol=1e-3)


def test_the_response_is_the_weighted_sum_of_what_the_layers_say(first):
    """Each over its own maximum; where all agree it is as high as the label, in the middle."""
    same = tracker(size=96, cell=4).fuse(first, first.templates)
    assert np.unravel_index(np.argmax(same), same.shape) == (12, 12)
    assert float(same.max()) == pytest.approx(1.0, abs=0.05)

    def moved(spectrum, cells):
        x = jnp.fft.irfft2(spectrum, (24, 24))
        return jnp.fft.rfft2(jnp.roll(x, cells, axis=-1))

    # The coarse layer has seen it 6 cells to the right, the others where it was.
    seen = (*first.templates[:2], moved(first.templates[2], 6))
    apart = np.asarray(tracker(size=96, cell=4).fuse(first, seen))
    assert np.unravel_index(np.argmax(apart), apart.shape) == (12, 18)
    alone = [
        np.asarray(tracker(size=96, cell=4, weights=w).fuse(first, seen))
        for w in np.eye(3).tolist()
    ]
    tops = np.array([x.max() for x in alone])
    weights = np.array([0.02, 0.5, 1.0]) / 1.52
    expected = sum(w * x / top for w, x, top in zip(weights, alone, tops, strict=True))
    np.testing.assert_allclose(apart, expected * (weights @ tops), atol=1e-4)


@pytest.mark.parametrize("grey", [False, True])
def test_it_follows(grey):
    frames, truth = pools.clip(6)
    outs = small.loop(tracker(), {}, pools.grey(frames) if grey else frames, truth[0])
    assert boxes.iou(outs.box, truth[1:]).min() > 0.7 and not outs.lost.any()
    np.testing.assert_array_equal(outs.box[:, 2:], truth[1:, 2:])


def test_a_scale_filter_measures_the_size():
    frames, truth = pools.clip(6, speed=(0.0, 0.0), growth=1.05)
    fixed = small.loop(tracker(), {}, frames, truth[0])
    measured = small.loop(tracker(scale=ScaleFilter()), {}, frames, truth[0])
    assert boxes.iou(measured.box[-1], truth[-1]) > 0.8 > boxes.iou(fixed.box[-1], truth[-1])
    assert measured.extra["scale"].min() > 0.98


def test_a_tall_target_has_a_low_region():
    high, wide = (presets.hcft().first_look(jnp.array([0.0, 0.0, *s])) for s in ((9, 20), (20, 20)))
    np.testing.assert_allclose(high.sides[0], [2.8 * 9, 1.4 * 20], rtol=1e-6)
    np.testing.assert_allclose(wide.sides[0], [56, 56], rtol=1e-6)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("weights=1,2", "weights=1.0,2.0 must be 3, one for each layer of the backbone: conv3_3"),
        ("size=100", "size=100 must be 2 or more times the deepest stride 16"),
        ("scale=boxes", "scale='boxes' is not one of none, filter"),
        ("rate=2", "rate=2.0 must be from 0 to 1"),
    ],
)
def test_wrong_settings_are_named(setting, words):
    with pytest.raises(ValueError, match=words):
        settings.override(presets.hcft(), [setting])


def test_settings_reach_the_scale_filter():
    changed = settings.override(presets.hcft(), ["scale=filter", "scale.count=17", "weights.0=.25"])
    assert changed.scale.count == 17 and changed.weights == (0.25, 0.5, 1.0)
