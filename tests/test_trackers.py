"""The promises that every preset keeps, small and with random weights."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small

import dslt_jax as dslt
from dslt_jax import presets, settings, stages, tracking

# What makes a preset small; of those that have a network.
SHRUNK = (
    "region.target=16",
    "region.search=64",
    "fusion.channels=4",
    "kernel_size=8",
    "first.steps=2",
    "augment=false",
)
# The same of trackers that are made otherwise.
OWN = {
    "fcnt": ("size=64", "channels=8", "particles.count=50", "specific.steps=2", "steps=2"),
    "hcft": ("size=64",),
    "siamfc": ("size=96", "template=4"),
    "srdcf": ("size=96", "scales=3", "first_steps=5"),
    "strcf": ("size=96", "scales=3"),
    "eco_hc": ("size=96", "first_rounds=2", "first_steps=5", "memory.size=4"),
    "eco": ("size=128", "deep=4,4", "first_rounds=2", "first_steps=5", "memory.size=4"),
}
# What compiles soon, one of each kind; the promises of the others are among the slow tests.
QUICK = ("compact", "kcf", "mosse")
# Run through the code of another preset; without jit that takes as long again and tells nothing.
ALIKE = ("fast", "dslt_offline", "googlenet", "released", "vgg16", "dcf", "fdsst", "eco_hc")


@pytest.fixture(
    scope="module",  # so that all tests of a preset run together, on programs compiled once
    params=[
        pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow])
        for name in presets.PRESETS
    ],
)
def name(request):
    yield request.param
    jax.clear_caches()


@functools.cache
def tracker(name):
    preset = presets.by_name(name)
    if preset.backbone is None:
        return settings.override(preset, OWN.get(name, ()))
    crop = ["size.crop=32"] if hasattr(preset.size, "crop") else []
    return settings.override(preset, OWN.get(name, (*SHRUNK, *crop)))


@functools.cache
def params(name):
    found = {}
    for network in getattr(tracker(name), "networks", ()):
        found |= network.init(jax.random.key(0))
    return found


@functools.cache
def run(name):
    """Outputs and last state of the small clip, by a loop."""
    frames, truth = small.clip(4)
    state, outs = dslt.init(tracker(name), params(name), frames[0], truth[0]), []
    for frame in frames[1:]:
        state, out = dslt.step(tracker(name), params(name), state, frame)
        outs.append(out)
    return jax.tree.map(lambda *leaves: np.stack(leaves), *outs), jax.tree.map(np.array, state)


def test_outputs_are_what_types_say(name):
    outs, _ = run(name)
    assert outs.box.shape == outs.search_box.shape == (3, 4)
    assert outs.confidence.shape == outs.lost.shape == (3,) and outs.lost.dtype == bool
    assert outs.response.ndim == 3 and outs.response.shape[1] == outs.response.shape[2]
    for leaf in jax.tree.leaves(outs):
        assert np.isfinite(leaf).all()
    assert {"updated", "finite"} <= outs.extra.keys()


def test_one_compilation_over_many_sizes(name):
    frames, truth = small.clip(2)
    state = dslt.init(tracker(name), params(name), frames[0], truth[0])
    dslt.step(tracker(name), params(name), state, frames[1])
    programs = (stages.init, stages.locate, stages.measure, stages.learn)
    before = [program._cache_size() for program in programs]
    rng = np.random.default_rng(0)
    for _ in range(3):
        height, width = rng.integers(60, 300, 2)
        frames = rng.integers(0, 256, (2, height, width, 3)).astype(np.uint8)
        w, h = rng.integers(8, 50, 2)
        state = dslt.init(tracker(name), params(name), frames[0], [3, 3, w, h])
        dslt.step(tracker(name), params(name), state, frames[1])
    assert [program._cache_size() for program in programs] == before


def test_two_runs_give_the_same_bits_and_leave_the_state_alone(name):
    frames, truth = small.clip(2)
    state = dslt.init(tracker(name), params(name), frames[0], truth[0])
    before = jax.tree.map(np.array, state)
    first, second = (dslt.step(tracker(name), params(name), state, frames[1]) for _ in range(2))
    jax.tree.map(np.testing.assert_array_equal, first, second)
    jax.tree.map(np.testing.assert_array_equal, jax.tree.map(np.array, state), before)
    np.testing.assert_array_equal(first[1].box, run(name)[0].box[0])


def test_a_scan_is_the_loop(name):
    frames, truth = small.clip(4)
    state, outs = dslt.track(tracker(name), params(name), frames, truth[0])
    expected, last = run(name)
    np.testing.assert_allclose(outs.box, expected.box, atol=2e-2)
    np.testing.assert_allclose(state.center, last.center, atol=2e-2)


def test_many_is_one_by_one(name):
    frames, truth = small.clip(4)
    boxes = np.stack([truth[0], [90, 60, 20, 30]]).astype(np.float32)
    group = dslt.many(tracker(name))
    state = dslt.init(group, params(name), frames[0], boxes)
    for i, frame in enumerate(frames[1:]):
        state, outs = dslt.step(group, params(name), state, frame)
        np.testing.assert_allclose(outs.box[0], run(name)[0].box[i], atol=2e-2)
    assert outs.box.shape == (2, 4)


def test_a_frame_size_may_change(name):
    frames, truth = small.clip(2)
    state = dslt.init(tracker(name), params(name), frames[0], truth[0])
    wider = np.pad(frames[1], ((0, 30), (0, 9), (0, 0)))
    _, out = dslt.step(tracker(name), params(name), state, wider)
    np.testing.assert_allclose(out.box, run(name)[0].box[0], atol=2.0)


def test_nothing_is_learned_while_lost(name):
    """Whatever a tracker calls lost: here by a threshold that no response reaches."""
    gate = "lost" if hasattr(tracker(name), "lost") else "gates.lost"
    blind = settings.override(tracker(name), [f"{gate}=1e9"])
    frames, truth = small.clip(2)
    state = dslt.init(blind, params(name), frames[0], truth[0])
    after, out = dslt.step(blind, params(name), state, frames[1])
    assert bool(out.lost) and not bool(out.extra["updated"])
    noted = {n: getattr(state, n) for n in ("missing", "limits") if hasattr(state, n)}
    jax.tree.map(np.testing.assert_array_equal, after.replace(**noted), state)


def test_the_offline_twin_is_taught_by_the_first_frame_alone():
    frames, truth = small.clip(3)
    sure = settings.override(tracker("dslt_offline"), ["gates.lost=-1e9", "size.wrong=0"])
    state = start = dslt.init(sure, params("dslt_offline"), frames[0], truth[0])
    for frame in frames[1:]:
        state, out = dslt.step(sure, params("dslt_offline"), state, frame)
        assert not bool(out.lost) and not bool(out.extra["updated"])
    np.testing.assert_array_equal(state.head.kernel, start.head.kernel)
    assert not np.array_equal(state.center, start.center)


def test_inside_a_callers_jit_with_settings_as_arguments(name):
    frames, truth = small.clip(2)
    state = dslt.init(tracker(name), params(name), frames[0], truth[0])
    _, out = jax.jit(dslt.step)(
        tracking.placed(tracker(name)), params(name), state, jnp.asarray(frames[1])
    )
    np.testing.assert_allclose(out.box, run(name)[0].box[0], atol=2e-2)


@pytest.mark.parametrize(
    "name", ["compact", pytest.param("paper", marks=pytest.mark.slow), "kcf", "mosse"]
)
def test_in_64_bit_mode_everything_stays_32_bit(name):
    frames, _ = small.clip(2)
    params(name)
    with small.enable_x64(True):
        state = dslt.init(tracker(name), params(name), frames[0], [40.0, 30.0, 24.0, 20.0])
        state, out = dslt.step(tracker(name), params(name), state, frames[1])
        for leaf in jax.tree.leaves((state, out)):
            assert leaf.dtype not in (jnp.float64, jnp.complex128)
    np.testing.assert_allclose(out.box, run(name)[0].box[0], atol=2e-2)


def test_numbers_of_64_bits_make_no_state_of_64():
    """Of settings, as `jnp.linspace` gives them in that mode, and of a loss of one's own."""
    frames, truth = small.clip(2)
    with small.enable_x64(True):
        base = tracker("compact")
        rates = jnp.linspace(1e-4, 1e-3, 3)
        changed = base.replace(
            loss=lambda p, y: np.float64(2) * (p - y) ** 2,
            online=base.online.replace(
                learner=base.online.learner.replace(rates=(rates[0], rates[1]))
            ),
            decay=rates[2],
        )
        state, outs = dslt.track(changed, params("compact"), frames, truth[0])
        for leaf in jax.tree.leaves((state, outs)):
            assert leaf.dtype not in (jnp.float64, jnp.complex128)


@pytest.mark.parametrize("name", ["kcf", "mosse"])
def test_a_correlation_filter_follows(name):
    frames, truth = small.clip(12)
    outs = small.loop(presets.by_name(name), {}, frames, truth[0])
    centers = outs.box[:, :2] + outs.box[:, 2:] / 2
    miss = np.linalg.norm(centers - (truth[1:, :2] + [12, 10]), axis=1)
    assert miss.max() < 4.0 and not outs.lost.any()


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in presets.PRESETS if name not in ALIKE])
def test_without_jit_gives_the_same(name):
    frames, truth = small.clip(2)
    with jax.disable_jit():
        state = dslt.init(tracker(name), params(name), frames[0], truth[0])
        _, out = dslt.step(tracker(name), params(name), state, frames[1])
    np.testing.assert_allclose(out.box, run(name)[0].box[0], atol=1e-1)
