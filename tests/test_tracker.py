"""The tracker's promises: one compilation, scan == loop, vmap == loop, equal bits, flat memory."""

import dataclasses
import functools
import resource

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dslt_jax as dslt
from dslt_jax import backbones, boxes, tracker
from dslt_jax.backbones import box_head
from dslt_jax.media import synthetic

CONFIG = dataclasses.replace(
    dslt.presets.compact(),
    target_size=32,
    search_size=128,
    scale_size=64,
    channels=8,
    kernel_size=8,
    init_steps=15,
    size_search="scales",  # a box head needs trained weights
    update_interval=1,
)
BOX = np.array([40, 30, 24, 20], np.float32)


@functools.cache
def params():
    return backbones.module(CONFIG).init(jax.random.key(0), CONFIG)


def clip(count, height=120, width=160, seed=0, speed=(2.0, 1.0)):
    """A textured patch that moves over a textured background, and its true boxes."""
    rng = np.random.default_rng(seed)
    small = rng.integers(60, 180, (height // 8 + 1, width // 8 + 1, 3)).astype(np.uint8)
    ground = small.repeat(8, 0).repeat(8, 1)[:height, :width]
    target = rng.integers(0, 256, (5, 6, 3)).astype(np.uint8).repeat(4, 0).repeat(4, 1)
    frames, boxes = [], []
    for i in range(count):
        x, y = int(40 + speed[0] * i), int(30 + speed[1] * i)
        frame = ground.copy()
        frame[y : y + 20, x : x + 24] = target
        frames.append(frame)
        boxes.append([x, y, 24, 20])
    return np.stack(frames), np.array(boxes, np.float32)


def loop(config, frames, box):
    state, outs = dslt.init(config, params(), frames[0], box), []
    for frame in frames[1:]:
        state, out = dslt.step(config, params(), state, frame)
        outs.append(out)
    return jax.tree.map(lambda *leaves: np.stack(leaves), *outs)


def test_follows_a_moving_target():
    frames, truth = clip(15)
    outs = loop(dataclasses.replace(CONFIG, init_steps=60), frames, truth[0])
    miss = np.linalg.norm(
        (outs.box[:, :2] + outs.box[:, 2:] / 2) - (truth[1:, :2] + [12, 10]), axis=1
    )
    assert miss.max() < 7.0  # cells of 8 crop pixels are 5 here, and the weights are random
    assert not outs.lost.any()
    assert outs.confidence.min() > 0.2


def test_track_is_the_loop():
    frames, truth = clip(6)
    outs = dslt.track(CONFIG, params(), frames, truth[0])
    expected = loop(CONFIG, frames, truth[0])
    np.testing.assert_allclose(outs.box, expected.box, atol=1e-3)
    np.testing.assert_allclose(outs.response, expected.response, atol=1e-3)


def test_track_many_is_track_in_one_stream_and_over_clips():
    frames, truth = clip(5)
    other, _ = clip(5, seed=3, speed=(-1.0, 2.0))
    boxes = np.stack([truth[0], [90, 60, 20, 30]])
    one = [dslt.track(CONFIG, params(), frames, box).box for box in boxes]
    stream = dslt.track_many(CONFIG, params(), frames, boxes)
    np.testing.assert_allclose(stream.box, np.stack(one), atol=1e-2)
    clips = dslt.track_many(CONFIG, params(), np.stack([frames, other]), boxes)
    two = dslt.track(CONFIG, params(), other, boxes[1]).box
    np.testing.assert_allclose(clips.box, np.stack([one[0], two]), atol=1e-2)


def test_step_many_is_step():
    frames, truth = clip(3)
    boxes = np.stack([truth[0], [90, 60, 20, 30]])
    states = dslt.init_many(CONFIG, params(), frames[0], boxes)
    states, _ = dslt.step_many(CONFIG, params(), states, frames[1])
    _, outs = dslt.step_many(CONFIG, params(), states, frames[2])
    for i, box in enumerate(boxes):
        np.testing.assert_allclose(outs.box[i], loop(CONFIG, frames, box).box[-1], atol=1e-2)


@pytest.mark.slow
def test_without_jit_gives_the_same():
    config = dataclasses.replace(
        CONFIG, target_size=16, search_size=64, scale_size=32, init_steps=1, augment=False
    )
    frames, truth = clip(2)
    expected = loop(config, frames, truth[0])
    with jax.disable_jit():
        found = loop(config, frames, truth[0])
    np.testing.assert_allclose(found.box, expected.box, atol=1e-2)


def test_ten_sizes_compile_init_and_step_once():
    config = dataclasses.replace(CONFIG, seed=77)  # a key of its own in the caches
    rng = np.random.default_rng(0)
    stages = (tracker._start, tracker._search, tracker._learn)
    before = [stage._cache_size() for stage in stages]
    for _ in range(10):
        height, width = rng.integers(60, 300, 2)
        frames = rng.integers(0, 256, (2, height, width, 3)).astype(np.uint8)
        w, h = rng.integers(8, 50, 2)
        state = dslt.init(config, params(), frames[0], [3, 3, w, h])
        dslt.step(config, params(), state, frames[1])
    assert [stage._cache_size() - n for stage, n in zip(stages, before, strict=True)] == [1, 1, 1]


def test_the_box_head_puts_disturbed_boxes_right_with_the_embedded_weights():
    config = dslt.presets.compact()
    trained, clip = dslt.load_params(config), synthetic.beetle_clip(60, 320, 240)
    frames = [np.asarray(frame.image) for frame in clip.source]
    state = dslt.init(config, trained, frames[0], clip.boxes[0])
    before, after = [], []
    for index in (3, 6, 9, 12):
        truth = clip.boxes[index]
        for change in ([-8, 0, 1.25, 1.25], [6, 4, 0.8, 0.8], [0, 5, 1.3, 0.9], [3, -5, 0.85, 1.2]):
            middle = truth[:2] + truth[2:] / 2 + change[:2]
            size = truth[2:] * change[2:]
            patch = tracker._look(config, frames[index], middle, size)[None]
            pixels = config.target_size / np.sqrt(size.prod())
            shallow, deep = backbones.apply(trained, patch, config)
            found = box_head.estimate(
                trained,
                state.template,
                (shallow[0], deep[0]),
                backbones.strides(config),
                np.full(2, config.search_size / 2, np.float32),
                np.float32(size * pixels),
            )
            assert found.match > 0
            moved, grown = middle + found.shift * size, size * np.exp(found.growth)
            before.append(boxes.iou(np.r_[middle - size / 2, size], truth))
            after.append(boxes.iou(np.r_[moved - grown / 2, grown], truth))
    assert np.mean(before) < 0.7 and np.mean(after) > 0.8


def test_recovery_looks_aside_while_the_target_is_lost():
    config = dataclasses.replace(CONFIG, recovery=True, lost_confidence=1e9)
    frames, truth = clip(4)
    outs = loop(config, frames, truth[0])
    assert outs.lost.all()
    # The next look after the first and second loss; the box itself is held.
    aside = outs.search_box[1:, :2] - outs.search_box[0, :2]
    assert np.abs(aside).max(axis=1).tolist() == pytest.approx([0, 0.4 * outs.search_box[0, 2]])
    np.testing.assert_allclose(outs.box, np.broadcast_to(outs.box[0], outs.box.shape), atol=1e-3)


def test_two_runs_give_the_same_bits():
    frames, truth = clip(5)
    first, second = (loop(CONFIG, frames, truth[0]) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_seed_changes_the_random_start():
    frames, truth = clip(1)
    kernels = [
        dslt.init(
            dataclasses.replace(CONFIG, seed=s, reduction="random"), params(), frames[0], truth[0]
        ).head.kernel
        for s in (0, 1)
    ]
    assert not np.array_equal(*kernels)


def test_memory_stays_flat():
    """The short form of 10,000 frames: the peak of the process does not grow any more."""
    frames, truth = clip(10)
    state = dslt.init(CONFIG, params(), frames[0], truth[0])
    peak = 0
    for i in range(400):
        state, out = dslt.step(CONFIG, params(), state, frames[i % 10])
        out.box.block_until_ready()
        if i == 100:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 4096  # kilobytes


def test_state_is_not_changed_by_a_step():
    frames, truth = clip(2)
    state = dslt.init(CONFIG, params(), frames[0], truth[0])
    before = jax.tree.map(np.array, state)
    dslt.step(CONFIG, params(), state, frames[1])
    jax.tree.map(np.testing.assert_array_equal, jax.tree.map(np.array, state), before)


def test_nothing_to_see_is_lost_and_the_box_is_held():
    frames, truth = clip(2)
    state = dslt.init(CONFIG, params(), frames[0], truth[0])
    kernel = state.head.kernel
    state, out = dslt.step(CONFIG, params(), state, np.full_like(frames[0], 128))
    assert bool(out.lost) and not bool(out.updated)
    np.testing.assert_allclose(out.box, truth[0], atol=1e-3)
    np.testing.assert_array_equal(state.head.kernel, kernel)


def test_box_stays_in_the_frame_and_above_the_minimum():
    config = dataclasses.replace(
        CONFIG,
        lost_confidence=-9.0,
        scale_confidence=-9.0,
        scale_step=2.0,
        num_scales=3,
        min_side=6.0,
    )
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (12, 90, 110, 3)).astype(np.uint8)
    outs = loop(config, frames, [80, 60, 20, 16])
    center = outs.box[:, :2] + outs.box[:, 2:] / 2
    assert np.isfinite(outs.box).all()
    assert (center >= 0).all() and (center <= [110, 90]).all()
    assert (outs.box[:, 2:] >= 6.0).all() and (outs.box[:, 2:] <= [110, 90]).all()


def test_frame_size_may_change():
    frames, truth = clip(2)
    state = dslt.init(CONFIG, params(), frames[0], truth[0])
    state, out = dslt.step(CONFIG, params(), state, np.pad(frames[1], ((0, 30), (0, 9), (0, 0))))
    np.testing.assert_allclose(out.box[:2], truth[1][:2], atol=6.0)


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ([1, 2, 3], "shape"),
        ([0, 0, 0, 5], "more than one pixel"),
        ([0, 0, 5, -1], "more than one pixel"),
        ([3, 3, 1, 1], "more than one pixel"),
        ([500, 0, 10, 10], "outside the 160 x 120 frame"),
        ([0, 0, float("nan"), 3], "finite"),
        ([0, 0, 200, 20], "larger than"),
    ],
)
def test_bad_boxes_are_named(box, words):
    frames, _ = clip(1)
    with pytest.raises(ValueError, match=words):
        dslt.init(CONFIG, params(), frames[0], box)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (np.zeros((20, 20), np.uint8), "frame must be"),
        (np.zeros((20, 20, 4), np.uint8), "frame must be"),
        (np.zeros((20, 20, 3), np.float32), "uint8"),
    ],
)
def test_bad_frames_are_named(frame, words):
    with pytest.raises(ValueError, match=words):
        dslt.init(CONFIG, params(), frame, BOX)


def test_boxes_of_many_are_checked_one_by_one():
    frames, truth = clip(1)
    with pytest.raises(ValueError, match="x=999"):
        dslt.init_many(CONFIG, params(), frames[0], [truth[0], [999, 0, 10, 10]])


def test_works_inside_a_callers_jit():
    frames, truth = clip(2)
    state = dslt.init(CONFIG, params(), frames[0], truth[0])
    run = jax.jit(functools.partial(dslt.step, CONFIG))
    _, out = run(params(), state, jnp.asarray(frames[1]))
    _, expected = dslt.step(CONFIG, params(), state, frames[1])
    np.testing.assert_allclose(out.box, expected.box, atol=1e-3)


def test_only_every_second_frame_teaches():
    frames, truth = clip(7)
    config = dataclasses.replace(CONFIG, update_interval=2, update_confidence=-1.0)
    state, updated = dslt.init(config, params(), frames[0], truth[0]), []
    for frame in frames[1:7]:
        last = state
        state, out = dslt.step(config, params(), state, frame)
        updated.append(bool(out.updated))
        same = np.array_equal(last.head.kernel, state.head.kernel)
        assert same == (not out.updated)
        assert state.memory.stored == last.memory.stored + 1
    assert updated == [True, False] * 3
