"""FCNT: its label, its selection and its networks by hand, what it decides, a clip followed."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pools
import pytest
import small

import dslt_jax as dslt
from dslt_jax import boxes, presets, settings
from dslt_jax.ops import particles
from dslt_jax.trackers import fcnt, fcnt_learning
from dslt_jax.trackers.fcnt_networks import Net, Training, label

GRID = 16


def tracker(**changes):
    learned = Training(rate=2e-5, steps=60, select_rate=1e-7, select_steps=5)
    tiny = {"backbone": pools.backbone(8, 16), "size": 128, "channels": 12, "every": 2}
    tiny |= {"specific": learned, "general": learned}
    return presets.fcnt().replace(**(tiny | changes))


@functools.cache
def run(seed=0, grey=False):
    frames, truth = pools.clip(6)
    frames = pools.grey(frames) if grey else frames
    return small.loop(tracker(), {}, frames, truth[0], key=jax.random.key(seed)), truth


def test_the_label_is_a_gaussian_in_the_box():
    found = np.asarray(label(GRID, jnp.array([8.5, 6.5]), jnp.array([9.0, 3.0])))
    assert np.unravel_index(found.argmax(), found.shape) == (6, 8) and found.max() == 1.0
    assert found[6, 5] == pytest.approx(np.exp(-0.5), rel=1e-5)  # a deviation to the left
    assert found[5, 8] == pytest.approx(np.exp(-0.5), rel=1e-5)  # and above
    assert not found[:5].any() and not found[:, 13:].any()
    large = label(200, jnp.full(2, 100.0), jnp.array([90.0, 60.0]))
    mean = particles.means(large, jnp.full((1, 2), 100.0), jnp.array([[90.0, 60.0]]))
    assert float(mean[0]) == pytest.approx(fcnt.IDEAL, abs=1e-3)


def maps_of(target, channels=6, seed=0):
    """Maps that are noise, but for two that are hot where the target is."""
    noise = np.random.default_rng(seed).uniform(size=(GRID, GRID, channels)).astype(np.float32)
    return jnp.asarray(0.3 * noise).at[..., 4].set(5 * target).at[..., 1].set(3 * target)


def test_the_maps_that_show_the_target_are_selected():
    target = label(GRID, jnp.full(2, 8.0), jnp.full(2, 6.0))
    training = Training(select_rate=1e-5)
    chosen = training.select(jax.random.key(0), maps_of(target), target, 2)
    assert sorted(np.asarray(chosen).tolist()) == [1, 4]


def test_32_maps_inside_of_a_network_are_as_one():
    """Whose weights start sqrt(32) times as large."""
    target = label(GRID, jnp.full(2, 8.0), jnp.full(2, 6.0))
    maps, training = maps_of(target), Training(rate=1e-3, steps=30)
    one, many = (training.start(jax.random.key(0), maps, target, hidden) for hidden in (1, 32))
    assert float(many.after) < 0.3 * float(many.before)
    np.testing.assert_allclose(one.kernel.heat(maps), many.kernel.heat(maps), atol=2e-3)


@pytest.mark.parametrize("grey", [False, True])
def test_it_follows(grey):
    outs, truth = run(grey=grey)
    assert boxes.iou(outs.box, truth[1:]).min() > 0.6 and not outs.lost.any()
    assert outs.confidence.min() > 0.5 and outs.confidence.max() < 1.5


def test_a_seed_gives_the_same_boxes_and_another_one_others():
    first, other = run()[0].box, run(seed=1)[0].box
    frames, truth = pools.clip(2)
    again = small.loop(tracker(), {}, frames, truth[0], key=jax.random.key(0)).box
    np.testing.assert_array_equal(again[0], first[0])
    assert np.abs(first - other).max() > 0.1


def test_each_frame_has_particles_of_its_own_around_the_last_box():
    frames, truth = pools.clip(1)
    state = dslt.init(tracker(), {}, frames[0], truth[0])
    limits = jnp.array([160.0, 120.0])
    center, size = tracker()._draw(state, limits)
    later, _ = tracker()._draw(state.replace(frames=state.frames + 1), limits)
    assert np.abs(center - later).min() > 0
    np.testing.assert_allclose(center.mean(axis=0), truth[0, :2] + truth[0, 2:] / 2, atol=0.8)
    np.testing.assert_array_equal(size, np.broadcast_to(truth[0, 2:], size.shape))
    _, varied = tracker()._draw(state.replace(zooms=jnp.asarray(True)), limits)
    np.testing.assert_allclose(varied.std(axis=0), 0.004 * truth[0, 2:], rtol=0.1)


class Fixed(Net):
    """A network that has seen its heat map already."""

    def heat(self, maps):
        return self.first


def seen(general, specific):
    """The state and the sight of a frame whose networks give these maps."""
    frames, truth = pools.clip(1)
    state = dslt.init(tracker(), {}, frames[0], truth[0])
    nets = {
        "general": Fixed(general, *[jnp.zeros(1)] * 3),
        "specific": Fixed(specific, *[jnp.zeros(1)] * 3),
    }
    patches = jnp.zeros((1, 128, 128, 3))
    (sight, response), _ = tracker().locate(
        {}, state.replace(**nets), patches, jnp.array([160.0, 120.0])
    )
    return state, sight, response


def test_gnet_decides_unless_there_is_a_distracter():
    left, right = (label(GRID, jnp.array([x, 8.0]), jnp.array([6.0, 5.0])) for x in (6.0, 10.0))
    state, sight, response = seen(left, right)
    assert float(sight.center[0]) < float(state.center[0]) and not sight.lost
    np.testing.assert_array_equal(response, left)
    assert bool(sight.distracted)  # SNet is hot outside of GNet's box
    far = label(GRID, jnp.array([2.0, 2.0]), jnp.array([4.0, 4.0]))
    state, sight, response = seen(jnp.maximum(left, far), right)
    assert float(sight.center[0]) > float(state.center[0])
    np.testing.assert_array_equal(response, right)


def test_without_heat_it_is_lost_and_stays():
    nothing = jnp.zeros((GRID, GRID))
    state, sight, _ = seen(nothing, nothing)
    assert bool(sight.lost)
    np.testing.assert_array_equal(sight.center, state.center)
    np.testing.assert_array_equal(sight.size, state.size)


@pytest.mark.parametrize(
    ("lowest", "width", "measured"),
    [
        (0.47, 50, True),
        (0.5, 50, False),
        (0.42, 50, True),
        (0.42, 30, False),
        (0.37, 50, False),
        (0.37, 15, True),
        (0.3, 15, False),
    ],
)
def test_sizes_are_measured_where_the_heat_was_high_enough(lowest, width, measured):
    size = jnp.array([width, 40.0])
    assert bool(fcnt_learning.can_measure(jnp.asarray(lowest), size)) == measured


@pytest.mark.slow
def test_snet_learns_every_so_often_from_the_surest_frame():
    frames, truth = pools.clip(4)
    quiet = tracker(distracter=1e9)
    state = dslt.init(quiet, {}, frames[0], truth[0])
    for i, frame in enumerate(frames[1:]):
        before = state
        state, out = dslt.step(quiet, {}, state, frame)
        changed = np.abs(state.specific.first - before.specific.first).max() > 0
        assert bool(out.extra["updated"]) == changed == (i == 1)
        np.testing.assert_array_equal(state.general.first, before.general.first)
    assert float(state.surest.heat) >= quiet.sure


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("channels=600", "channels=600 must be from 1 to the layers' 512"),
        ("size=100", "size=100 must be 2 or more times the deeper stride 16"),
        ("particles.count=0", "count=0 must be at least 1"),
        ("specific.dropout=1", "dropout=1.0 must be from 0 to below 1"),
        ("every=0", "every=0 must be at least 1"),
    ],
)
def test_wrong_settings_are_named(setting, words):
    with pytest.raises(ValueError, match=words):
        settings.override(presets.fcnt(), [setting])
