"""Filters on a wide square region: they follow place and size, each in its own way."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dslt_jax as dslt
from dslt_jax import boxes, presets, settings
from dslt_jax.ops import fourier, windows
from dslt_jax.ops.scale_filter import zooms

SMALL = {
    "srdcf": ("size=96", "scales=3"),
    "strcf": ("size=96", "scales=3"),
    "eco_hc": ("size=96", "first_rounds=3", "first_steps=10", "memory.size=4"),
    "fdsst": ("size=96",),
}


@functools.cache
def tracker(name):
    return settings.override(presets.by_name(name), SMALL[name])


@functools.cache
def clip():
    """Frames and boxes of a textured target that grows."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (20, 20, 3)).repeat(12, 0).repeat(12, 1).astype(np.float32)
    growth = 1.01 ** np.arange(14)
    frames = [
        np.asarray(zooms(coarse, np.float32([[160 / g] * 2]), 160)[0]).astype(np.uint8)
        for g in growth
    ]
    return frames, [np.float32([80 - 24 * g, 80 - 16 * g, 48 * g, 32 * g]) for g in growth]


@functools.cache
def run(name):
    frames, truth = clip()
    state, overlaps, infos = dslt.init(tracker(name), {}, frames[0], truth[0]), [], []
    for frame, box in zip(frames[1:], truth[1:], strict=True):
        state, out = dslt.step(tracker(name), {}, state, frame)
        overlaps.append(boxes.iou(np.asarray(out.box), box))
        infos.append(out.extra)
    return state, overlaps, infos


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_it_follows_a_target_that_grows(name):
    state, overlaps, _ = run(name)
    assert min(overlaps) > 0.8  # a box that does not grow has 0.77 at the end
    np.testing.assert_allclose(state.size[0] / state.size[1], 1.5, rtol=1e-4)


def energy_inside(name):
    state, _, _ = run(name)
    square = np.square(fourier.inverse(state.filter)).sum(axis=0)
    box = np.asarray(windows.box(24, tracker(name).cells(state.size)))
    return (square * box).sum() / square.sum()


@pytest.mark.parametrize("name", ["srdcf", "strcf", pytest.param("eco_hc", marks=pytest.mark.slow)])
def test_filters_look_at_the_target(name):
    assert energy_inside(name) > 0.5  # whose share of the region is 1/16 or less


def test_srdcf_keeps_running_means():
    small = tracker("srdcf")
    frames, truth = clip()
    state = dslt.init(small, {}, frames[0], truth[0])
    sight, _ = dslt.locate(small, {}, state, frames[1])
    after, _ = dslt.learn(small, {}, state, sight)
    new = small.products(sight.spectrum)
    for old, fresh, mixed in zip(state.means, new, after.means, strict=True):
        np.testing.assert_allclose(mixed, 0.975 * old + 0.025 * fresh, rtol=1e-3, atol=1e-2)


def test_strcf_stays_near_the_last_filter():
    frames, truth = clip()
    changes = []
    for temporal in (1.0, 1000.0):
        small = settings.override(tracker("strcf"), [f"temporal={temporal}"])
        state = dslt.init(small, {}, frames[0], truth[0])
        after, _ = dslt.step(small, {}, state, frames[1])
        changes.append(float(jnp.linalg.norm(after.filter - state.filter)))
    assert changes[1] < 0.1 * changes[0]


def test_eco_learns_every_frame_at_first_and_then_now_and_then():
    state, _, infos = run("eco_hc")
    updated = [bool(info["updated"]) for info in infos]
    assert updated == [True] * 9 + [False, False, True, False]  # of the frames 2, 3, ..., 14
    assert int(state.frames) == 14
    assert np.all(np.asarray(state.memory.weights) > 0)
    np.testing.assert_allclose(state.memory.weights.sum(), 1.0, rtol=1e-5)


def test_eco_projects_each_kind_of_features():
    state, _, _ = run("eco_hc")
    assert [p.shape for p in state.projections] == [(10, 31), (3, 11), (3, 6)]
    assert state.filter.shape == (16, 24, 13)
    assert jax.tree.all(jax.tree.map(lambda p: bool(jnp.isfinite(p).all()), state.projections))


@pytest.mark.parametrize(
    "name, setting, words",
    [
        ("srdcf", "scales=2", "scales=2 must be odd"),
        ("srdcf", "sparsity=1", "sparsity=1.0 must be from 0 to below 1"),
        ("srdcf", "size=98", "size=98 must be 8 or more cells of 4"),
        ("strcf", "later_stiffness=0", "later_stiffness=0.0 must be greater than 0"),
        ("eco_hc", "size=100", "size=100 must be whole cells of hog_cell=6"),
        ("eco_hc", "channels=32", "channels=32 must be from 1 to 31"),
        ("fdsst", "learner.channels=0", "channels=0 must be at least 1"),
    ],
)
def test_wrong_settings_are_named(name, setting, words):
    with pytest.raises(ValueError, match=words):
        settings.override(presets.by_name(name), [setting])


def test_gradients_are_finite_where_nothing_is_to_be_seen():
    """Equal eigenvalues have no slope."""
    frames = np.full((3, 96, 96, 3), 90, np.uint8)

    def place(rate):
        one = tracker("fdsst")
        one = one.replace(learner=one.learner.replace(rate=rate))
        return dslt.track(one, {}, frames, [30, 30, 40, 30])[1].box.sum()

    assert np.isfinite(jax.grad(place)(0.1))


def test_a_response_lies_over_its_search_box():
    """That of the scale that was chosen."""
    frames, truth = clip()
    state = dslt.init(tracker("srdcf"), {}, frames[0], truth[0])
    _, out = dslt.step(tracker("srdcf"), {}, state, frames[2])
    factor = float(out.extra["scale"])
    assert factor > 1.005
    np.testing.assert_allclose(
        out.search_box[2:], factor * tracker("srdcf")._extent(state.size), rtol=1e-5
    )
