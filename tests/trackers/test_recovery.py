"""A target that was lost is looked for all over the frame."""

import jax.numpy as jnp
import numpy as np
import pytest
import small

import dslt_jax as dslt
from dslt_jax import boxes, presets
from dslt_jax.media import synthetic
from dslt_jax.trackers.dslt_parts import Recovery


def test_another_place_is_seen_every_third_frame_after_ten():
    recovery = Recovery(after=10, every=3)
    seen = [bool(recovery.elsewhere(jnp.float32(missing))) for missing in range(20)]
    assert [i for i, yes in enumerate(seen) if yes] == [10, 13, 16, 19]
    assert not any(Recovery().elsewhere(jnp.float32(missing)) for missing in range(20))


@pytest.mark.parametrize("side", [120.0, 3000.0])
def test_the_places_cover_the_frame(side):
    recovery, limits = Recovery(after=4, every=2), np.float32([640.0, 360.0])
    places = np.stack(
        [recovery.place(jnp.float32(4 + 2 * k), jnp.float32(side), limits) for k in range(120)]
    )
    assert (places >= 0).all() and (places <= limits).all()
    if side > 2 * limits.max():  # it sees all of the frame from its middle
        np.testing.assert_allclose(places, np.tile(limits / 2, (120, 1)), atol=1e-3)
        return
    pixels = np.stack(np.meshgrid(np.arange(0.5, 640, 10), np.arange(0.5, 360, 10)), -1)
    far = np.abs(pixels[:, :, None] - places).max(-1).min(-1)
    assert far.max() < side / 2


def scene():
    """A frame with a beetle, the same without it, with it elsewhere, and with a leaf there."""
    clip = synthetic.beetle_clip(60, 480, 360)
    first = np.asarray(next(iter(clip.source)).image)
    box = np.round(clip.boxes[0]).astype(int)
    x, y, w, h = box
    target = first[y : y + h, x : x + w]
    without = first.copy()
    without[y : y + h, x : x + w] = first[y + h : y + 2 * h, x : x + w]
    there = np.array([20, 20, w, h])
    elsewhere, other = without.copy(), without.copy()
    elsewhere[20 : 20 + h, 20 : 20 + w] = target
    other[20 : 20 + h, 20 : 20 + w] = first[y - h : y, x : x + w]
    return first, box, without, elsewhere, other, there


@pytest.mark.parametrize("preset", ["compact", "fast"])
def test_a_target_that_comes_back_elsewhere_is_found_and_nothing_else(preset):
    tracker = presets.by_name(preset)
    params = dslt.load_params(tracker)
    first, box, without, elsewhere, other, there = scene()
    state = dslt.init(tracker, params, first, np.float32(box))
    state, out = dslt.step(tracker, params, state, first)
    assert not out.lost
    for frame in [without] * 12 + [other] * 30:
        last = state
        state, out = dslt.step(tracker, params, state, frame)
        assert out.lost and not out.extra["updated"] and out.confidence < 0.7
        np.testing.assert_array_equal(state.head.kernel, last.head.kernel)
        np.testing.assert_allclose(state.size, last.size, rtol=0.1)
    for _ in range(45):
        state, out = dslt.step(tracker, params, state, elsewhere)
    assert not out.lost and boxes.iou(out.box, there) > 0.5


def test_without_it_the_region_stays():
    frames, truth = small.clip(2)
    tracker = small.tracker("gates.lost=1e3", "recovery.after=0")
    state = dslt.init(tracker, small.params(), frames[0], truth[0])
    for _ in range(15):
        state, out = dslt.step(tracker, small.params(), state, frames[1])
        assert out.lost
        np.testing.assert_allclose(out.box, truth[0], atol=1e-3)
        middle = out.search_box[:2] + out.search_box[2:] / 2
        np.testing.assert_allclose(middle, truth[0][:2] + truth[0][2:] / 2, atol=0.1)
