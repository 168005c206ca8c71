"""Of a target that moves little the middle of its search region is seen, and no more."""

import blocks
import jax.numpy as jnp
import numpy as np
import pytest
import small

import dslt_jax as dslt
from dslt_jax import backbones, boxes
from dslt_jax.trackers.dslt_parts import Region

REGION = Region(target=32, search=128, near=64)


@pytest.mark.parametrize(
    ("search", "near", "side"),
    [(240, 144, 144), (192, 144, 160), (128, 144, 128), (240, 240, 240), (240, 0, 240)],
)
def test_the_middle_leaves_whole_cells_around_it(search, near, side):
    assert Region(target=32, search=search, near=near).middle(16) == side


def test_maps_of_the_middle_are_those_of_all_of_it_with_nothing_around():
    image = jnp.asarray(np.random.default_rng(0).uniform(1, 255, (2, 64, 64, 3)), jnp.float32)
    (whole,) = backbones.apply(blocks.BLOCKS, {}, image)
    (part,) = backbones.apply_middle(blocks.BLOCKS, {}, image, 40)
    np.testing.assert_array_equal(part[:, 3:13, 3:13], whole[:, 3:13, 3:13])
    assert part.shape == whole.shape
    assert float(jnp.abs(part).sum()) == pytest.approx(float(part[:, 3:13, 3:13].sum()))


@pytest.mark.parametrize(
    ("size", "pace", "beyond"),
    [
        ((20, 20), 0.16, False),  # three times as far it touches the middle's border
        ((20, 20), 0.17, True),
        ((40, 10), 0.0, False),  # as long as the middle
        ((40, 10), 0.01, True),
        ((20, 20), np.nan, True),
    ],
)
def test_a_target_is_beyond_the_middle_where_it_may_not_be_whole_in_it(size, pace, beyond):
    assert bool(REGION.beyond(64, jnp.float32(size), jnp.float32(pace))) is beyond


def test_the_pace_is_the_furthest_of_late_and_not_known_where_it_was_not_the_target():
    size, pace = jnp.array([40.0, 10.0]), jnp.float32(0)  # a length of 20
    for moved, sure, expected in [
        ((6, 8), True, 0.5),
        ((0, 2), True, 0.45),
        ((0, 0), True, 0.405),
        ((0, 0), False, 1.0),
        ((30, 0), True, 1.5),
    ]:
        pace = REGION.pace(pace, size, jnp.float32(moved), jnp.asarray(sure))
        assert float(pace) == pytest.approx(expected)


def scene(x):
    """A still target with its left edge at x, and where it is."""
    ground, target = small.clip(1, height=160, width=240)[0][0], small.clip(1)[0][0, 30:50, 40:64]
    frame = ground.copy()
    frame[30:50, 40:64] = ground[110:130, 40:64]
    frame[70:90, x : x + 24] = target
    return frame, np.float32([x, 70, 24, 20])


def test_nothing_beyond_the_middle_counts_until_the_target_jumps_there():
    tracker, params = small.tracker("region.near=64", "first.steps=60"), small.params()
    frame, box = scene(100)
    state = dslt.init(tracker, params, frame, box)
    disturbed = frame.copy()  # in its search region of 88 pixels, beyond the middle of 44
    disturbed[38:48, 75:150] = 255 - disturbed[38:48, 75:150]

    def responses():
        return [dslt.locate(tracker, params, state, x)[1].response for x in (frame, disturbed)]

    first = responses()
    assert float(jnp.abs(first[0] - first[1]).max()) > 1e-3  # nothing is known of its pace yet
    for _ in range(20):
        state, out = dslt.step(tracker, params, state, frame)
        assert boxes.iou(out.box, box) > 0.7
    np.testing.assert_array_equal(*responses())
    whole = dslt.override(tracker, ["region.near=0"])
    far, there = scene(132)
    for _ in range(3):
        last, (state, out) = state, dslt.step(tracker, params, state, far)
        # Whatever the middle showed, the next frame is searched as without one.
        assert boxes.iou(out.box, there) > 0.5 or float(state.pace) == 1
    assert boxes.iou(out.box, there) > 0.5 and not out.lost
    assert boxes.iou(dslt.locate(whole, params, last, far)[1].box, there) > 0.5


def test_many_targets_choose_each_for_itself():
    tracker, params = small.tracker("region.near=64", "first.steps=60"), small.params()
    frames = [scene(x)[0] for x in (100, 100, 100, 108, 100, 108)]
    start = np.stack([scene(100)[1], scene(104)[1]])
    group, outs = dslt.many(tracker), []
    state = dslt.init(group, params, frames[0], start)
    for frame in frames[1:]:
        state, out = dslt.step(group, params, state, frame)
        outs.append(out.box)
    for i in range(2):
        alone = small.loop(tracker, params, np.stack(frames), start[i])
        np.testing.assert_allclose(np.stack(outs)[:, i], alone.box, atol=1e-2)
