"""Staple's colours: histograms by hand, and a target that only its colour tells from the ground."""

import jax.numpy as jnp
import numpy as np
import pytest

import dslt_jax as dslt
from dslt_jax import boxes, presets, settings, stages


def test_histograms_are_those_of_core_and_surroundings():
    tracker = settings.override(presets.by_name("staple"), ["bins=2"])
    patch = np.zeros((144, 144, 3), np.float32)
    size = jnp.array([30.0, 30.0])
    inside = round(float(tracker.pixels(size)[0]))
    assert inside == 72  # of a region of twice its side
    low, high = 72 - inside // 2, 72 + inside // 2
    patch[low:high, low:high] = (255, 0, 0)
    target, around = np.asarray(tracker.colours(jnp.asarray(patch), size))
    assert target[4] == pytest.approx(1.0, abs=1e-3)  # red
    assert around[0] == pytest.approx(1.0, abs=0.03) and around.sum() == pytest.approx(
        1.0, abs=1e-3
    )
    likely = tracker.likelihood(jnp.stack([target, around]), jnp.asarray(patch))
    assert likely[72, 72] > 0.95 and likely[3, 3] == 0.0
    unseen = jnp.full((144, 144, 3), 255.0)
    assert not np.any(tracker.likelihood(jnp.stack([target, around]), unseen))


def frame(x, y):
    rng = np.random.default_rng(0)
    image = np.zeros((120, 160, 3), np.uint8)
    image[..., 1:] = rng.integers(60, 200, (120, 160, 1))
    image[y : y + 24, x : x + 28] = (220, 60, 60)
    return image


def test_it_follows_a_colour_and_keeps_its_place_in_grey():
    tracker = presets.by_name("staple")
    for colour in (True, False):
        frames = [frame(30 + 3 * i, 40 + i) for i in range(8)]
        if not colour:
            frames = [np.repeat(f.mean(-1, keepdims=True).astype(np.uint8), 3, -1) for f in frames]
        state = dslt.init(tracker, {}, frames[0], [30, 40, 28, 24])
        for image in frames[1:]:
            state, out = dslt.step(tracker, {}, state, image)
        assert boxes.iou(np.asarray(out.box), np.array([51.0, 47.0, 28.0, 24.0])) > 0.7


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match=r"merge=1\.5 must be from 0 to 1"):
        settings.override(presets.by_name("staple"), ["merge=1.5"])


@pytest.mark.parametrize("size", [144, 132, 148])
def test_the_colours_point_where_the_filter_does(size):
    """Both have no shift at cell G // 2, also where G is odd."""
    tracker = settings.override(presets.by_name("staple"), [f"size={size}", "merge=1"])
    image = np.zeros((120, 160, 3), np.uint8)
    image[50:74, 60:88] = (220, 60, 60)
    box = np.float32([60, 50, 28, 24])
    patches, _ = stages.first_cut(tracker, image, box)
    response = tracker.response(dslt.init(tracker, {}, image, box), patches[0])
    cells = np.arange(len(response)) - len(response) // 2
    for axis in (0, 1):
        assert abs(response.sum(axis) @ cells / response.sum()) < 0.05
