"""The drivers: what compiles, what is differentiated, what is batched, what is refused."""

import functools
import resource

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small

import dslt_jax as dslt
from dslt_jax import settings, stages, tracking
from dslt_jax.multi_target import over_targets

PROGRAMS = (stages.init, stages.locate, stages.measure, stages.learn)


def compiled():
    return [program._cache_size() for program in PROGRAMS]


def run(tracker, frames, box, **options):
    return small.loop(tracker, small.params(), frames, box, **options)


def test_floats_and_the_key_compile_nothing():
    frames, truth = small.clip(2)
    run(small.tracker(), frames, truth[0])
    before = compiled()
    for change in (
        "loss.a=7",
        "online.learner.rates.0=1e-5",
        "first.learner.rates.1=2e-3",
        "gates.lost=.1",
        "size.step=1.02",
        "size.penalty=1",
        "label.sigma=.1",
        "fusion.deep=.4",
        "motion=.7",
        "decay=1e-3",
        "region.min_side=5",
        "memory.first_weight=2",
    ):
        run(small.tracker(change), frames, truth[0])
    run(small.tracker(), frames, truth[0], key=jax.random.key(7))
    assert compiled() == before


def test_a_static_change_compiles_once():
    frames, truth = small.clip(2)
    run(small.tracker(), frames, truth[0])
    before = compiled()
    run(small.tracker("online.steps=3"), frames, truth[0])
    assert [a - b for a, b in zip(compiled(), before, strict=True)] == [1, 1, 1, 1]


@pytest.mark.slow
def test_a_batch_of_settings_is_swept_by_vmap():
    frames, truth = small.clip(4)
    frames = jnp.asarray(frames)
    rates = jnp.array([1e-5, 3e-4, 3e-3])

    def lead(rate):
        online = small.tracker().online
        learner = online.learner.replace(rates=(rate, rate))
        tracker = small.tracker().replace(online=online.replace(learner=learner))
        return dslt.track(tracker, small.params(), frames, truth[0])[1].confidence

    swept = jax.vmap(lead)(rates)
    assert np.unique(np.asarray(swept)[:, -1]).size == 3
    np.testing.assert_allclose(swept[1], lead(3e-4), atol=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("learner", "change", "point", "step"),
    [
        ("gauss_newton", lambda t, a: t.replace(loss=t.loss.replace(a=a)), 10.0, 0.1),
        (
            "adam",
            lambda t, rate: t.replace(
                first=t.first.replace(learner=t.first.learner.replace(rates=(rate, rate)))
            ),
            1e-3,
            1e-5,
        ),
    ],
)
def test_a_step_is_differentiated_by_a_losss_constant_and_a_rate(learner, change, point, step):
    frames, truth = small.clip(2)
    tracker = small.tracker(f"first.learner={learner}", "first.steps=8", "decay=0.1")

    def confidence(value):
        changed = change(tracker, value)
        state = dslt.init(changed, small.params(), frames[0], truth[0])
        return dslt.step(changed, small.params(), state, frames[1])[1].confidence

    expected = float(confidence(point + step) - confidence(point - step)) / (2 * step)
    assert float(jax.grad(confidence)(point)) == pytest.approx(expected, rel=0.1)


@pytest.mark.slow
def test_track_is_differentiated_by_params_and_state():
    frames, truth = small.clip(3)
    tracker = small.tracker("first.steps=2", "gates.learn=-1")
    state = dslt.init(tracker, small.params(), frames[0], truth[0])

    def score(params, kernel, center):
        start = state.replace(head=state.head._replace(kernel=kernel), center=center)
        _, outs = dslt.track(tracker, params, frames[1:], state=start)
        return outs.confidence.sum() + 0.01 * outs.box.sum()

    slopes = jax.grad(score, (0, 1, 2))(small.params(), state.head.kernel, state.center)
    for leaf in jax.tree.leaves(slopes):
        assert np.isfinite(leaf).all()
    assert all(np.abs(x).max() > 0 for x in (slopes[0]["stage1/w"], slopes[1], slopes[2]))


def test_a_stop_rule_has_no_reverse_mode_and_runs():
    frames, truth = small.clip(2)
    outs = run(small.tracker("first.stop=0.5"), frames, truth[0])
    assert np.isfinite(outs.box).all()


def test_track_is_the_loop_and_goes_on_from_a_state():
    frames, truth = small.clip(7)
    tracker, params = small.tracker(), small.params()
    expected = run(tracker, frames, truth[0])
    _, outs = dslt.track(tracker, params, frames, truth[0])
    np.testing.assert_allclose(outs.box, expected.box, atol=1e-3)
    np.testing.assert_allclose(outs.response, expected.response, atol=1e-3)
    state, first = dslt.track(tracker, params, frames[:4], truth[0])
    _, second = dslt.track(tracker, params, frames[4:], state=state)
    joined = np.concatenate([first.box, second.box])
    np.testing.assert_allclose(joined, expected.box, atol=1e-3)


def test_locate_then_learn_is_a_step_and_the_box_is_there_first():
    frames, truth = small.clip(2)
    tracker, params = small.tracker("gates.learn=-1"), small.params()
    state = dslt.init(tracker, params, frames[0], truth[0])
    sight, out = dslt.locate(tracker, params, state, frames[1])
    after, info = dslt.learn(tracker, params, state, sight)
    expected, whole = dslt.step(tracker, params, state, frames[1])
    np.testing.assert_array_equal(out.box, whole.box)
    jax.tree.map(np.testing.assert_array_equal, after, expected)
    assert out.extra | info == whole.extra


@pytest.mark.slow
def test_track_many_is_track_in_one_stream_and_over_clips():
    frames, truth = small.clip(5)
    other, _ = small.clip(5, seed=3, speed=(-1.0, 2.0))
    boxes = np.stack([truth[0], [90, 60, 20, 30]])
    tracker, params = small.tracker(), small.params()
    one = [dslt.track(tracker, params, frames, box)[1].box for box in boxes]
    state, stream = dslt.track_many(tracker, params, frames, boxes)
    np.testing.assert_allclose(stream.box, np.stack(one), atol=1e-2)
    _, clips = dslt.track_many(tracker, params, np.stack([frames, other]), boxes)
    two = dslt.track(tracker, params, other, boxes[1])[1].box
    np.testing.assert_allclose(clips.box, np.stack([one[0], two]), atol=1e-2)
    _, more = dslt.track_many(tracker, params, frames[:2], state=state)
    assert more.box.shape == (2, 2, 4)


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 11])
def test_many_is_one_by_one_beyond_a_batch_too(count):
    frames, truth = small.clip(3)
    rng = np.random.default_rng(0)
    boxes = np.column_stack([rng.uniform(5, 120, count), rng.uniform(5, 80, count)])
    boxes = np.column_stack([boxes, np.full((count, 2), 24.0)]).astype(np.float32)
    boxes[0] = truth[0]
    tracker, params = small.tracker(), small.params()
    group = dslt.many(tracker, batch=4)
    state = dslt.init(group, params, frames[0], boxes)
    state, _ = dslt.step(group, params, state, frames[1])
    _, outs = dslt.step(group, params, state, frames[2])
    assert outs.box.shape == (count, 4)
    for i in {0, count // 2, count - 1}:
        found = run(tracker, frames, boxes[i])
        np.testing.assert_allclose(outs.box[i], found.box[-1], atol=1e-2)


@pytest.mark.parametrize("count", [3, 8, 21])
def test_a_gpu_sees_the_first_crops_of_a_few_targets_at_once(monkeypatch, count):
    monkeypatch.setattr(jax.lax, "platform_dependent", lambda *x, cpu, default: default(*x))
    numbers = jnp.arange(float(count))

    def every(numbers):
        return over_targets(lambda x: x**2, 1, numbers, elsewhere=8)

    np.testing.assert_array_equal(every(numbers), numbers**2)
    assert ("scan" in str(jax.make_jaxpr(every)(numbers))) == (count > 8)


def test_an_update_that_is_not_due_is_left_out_for_many_on_a_cpu_too():
    """A vmapped `cond` computes both sides; in a loop over targets it stays one."""
    frames, truth = small.clip(2)
    tracker = small.tracker()
    group, params = dslt.many(tracker), small.params()
    state = dslt.init(group, params, frames[0], np.repeat(truth[:1], 3, axis=0))
    sight, _ = dslt.locate(group, params, state, frames[1])
    lowered = stages.learn.lower(tracking.placed(group), params, state, sight).as_text()
    assert "stablehlo.case" in lowered or "stablehlo.if" in lowered


def test_settings_are_put_on_the_device_once():
    tracker = small.tracker()
    first, second = tracking.placed(tracker), tracking.placed(settings.override(tracker, []))
    assert first is second
    leaves = jax.tree.leaves(first)
    assert all(isinstance(leaf, jax.Array) and leaf.dtype == jnp.float32 for leaf in leaves)
    assert tracking.placed(first) is first


@pytest.mark.slow
def test_sharded_over_two_devices_with_its_checks_on():
    devices = jax.devices()[:2]
    assert len(devices) == 2  # conftest asks for them
    mesh = jax.sharding.Mesh(np.array(devices), ("targets",))
    each, whole = (jax.sharding.PartitionSpec(*axes) for axes in (("targets",), ()))
    frames, truth = small.clip(3)
    boxes = jnp.asarray(np.repeat(truth[:1], 4, axis=0) + np.arange(4)[:, None], jnp.float32)
    group = tracking.placed(dslt.many(small.tracker()))
    frames = jnp.asarray(frames)

    def follow(tracker, params, frames, boxes):
        state = dslt.init(tracker, params, frames[0], boxes)
        for frame in (frames[1], frames[2]):
            state, out = dslt.step(tracker, params, state, frame)
        return out.box, out.extra["updated"]

    sharded = jax.jit(
        jax.shard_map(
            follow, mesh=mesh, in_specs=(whole, whole, whole, each), out_specs=(each, each)
        )
    )
    found, updated = sharded(group, small.params(), frames, boxes)
    expected, _ = follow(group, small.params(), frames, boxes)
    np.testing.assert_allclose(found, expected, atol=1e-2)
    assert updated.shape == (4,)


def test_works_inside_a_callers_jit_with_the_tracker_an_argument_or_a_constant():
    frames, truth = small.clip(2)
    tracker, params = small.tracker(), small.params()
    state = dslt.init(tracker, params, frames[0], truth[0])
    _, expected = dslt.step(tracker, params, state, frames[1])
    frame = jnp.asarray(frames[1])
    for call in (
        jax.jit(functools.partial(dslt.step, tracker)),
        functools.partial(jax.jit(dslt.step), tracker),
    ):
        _, out = call(params, state, frame)
        np.testing.assert_allclose(out.box, expected.box, atol=1e-3)
    _, again = dslt.step(tracker, params, state, frames[1])  # no tracer was kept
    np.testing.assert_array_equal(again.box, expected.box)


def test_memory_stays_flat():
    """The short form of 10,000 frames: the peak of the process does not grow any more."""
    frames, truth = small.clip(10)
    tracker, params = small.tracker(), small.params()
    state = dslt.init(tracker, params, frames[0], truth[0])
    peak = 0
    for i in range(400):
        state, out = dslt.step(tracker, params, state, frames[i % 10])
        out.box.block_until_ready()
        if i == 100:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 4096  # kilobytes


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
        ([[0, 0, 20, 20]], r"several targets take `many\(tracker\)`"),
    ],
)
def test_bad_boxes_are_named(box, words):
    frames, _ = small.clip(1)
    with pytest.raises(ValueError, match=words):
        dslt.init(small.tracker(), small.params(), frames[0], box)


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
        dslt.init(small.tracker(), small.params(), frame, small.BOX)


def test_boxes_of_many_are_checked_one_by_one():
    frames, truth = small.clip(1)
    with pytest.raises(ValueError, match="x=999"):
        dslt.init(
            dslt.many(small.tracker()), small.params(), frames[0], [truth[0], [999, 0, 10, 10]]
        )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({}, "give one of them"), ({"box": [1, 1, 9, 9], "state": 0}, "give one of them")],
)
def test_track_needs_a_start(arguments, words):
    frames, _ = small.clip(2)
    with pytest.raises(ValueError, match=words):
        dslt.track(small.tracker(), small.params(), frames, **arguments)


def test_no_frames_are_told():
    with pytest.raises(ValueError, match="N >= 1"):
        dslt.track(small.tracker(), small.params(), np.zeros((0, 9, 9, 3), np.uint8), small.BOX)


def test_track_many_takes_many_too():
    frames, truth = small.clip(2)
    tracker, boxes = dslt.presets.kcf(), [truth[0]] * 2
    _, expected = dslt.track_many(tracker, {}, frames, boxes)
    _, outs = dslt.track_many(dslt.many(tracker), {}, frames, boxes)
    np.testing.assert_array_equal(outs.box, expected.box)
