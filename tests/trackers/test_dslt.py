"""DSLT's own behaviour: what teaches, what is lost, what is told; with parts of one's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small

import dslt_jax as dslt
from dslt_jax import backbones, boxes, presets, stages, tracking
from dslt_jax.backbones import Function, Layer, box_head
from dslt_jax.learners import Adam, Memory
from dslt_jax.media import synthetic
from dslt_jax.ops.sizing import Scales
from dslt_jax.trackers.dslt_parts import Gates


def follow(tracker, frames, box, params=None):
    return small.loop(tracker, params or small.params(), frames, box)


def test_follows_a_moving_target():
    frames, truth = small.clip(15)
    outs = follow(small.tracker("first.steps=60"), frames, truth[0])
    centers = outs.box[:, :2] + outs.box[:, 2:] / 2
    miss = np.linalg.norm(centers - (truth[1:, :2] + [12, 10]), axis=1)
    assert (
        miss.max() < 9.0 and miss.mean() < 4.0
    )  # cells of 8 crop pixels are 5 here, and the weights are random
    assert not outs.lost.any()
    assert outs.confidence.min() > 0.2


def test_the_box_head_puts_disturbed_boxes_right_with_the_embedded_weights():
    tracker = presets.compact()
    trained, clip = dslt.load_params(tracker), synthetic.beetle_clip(60, 320, 240)
    frames = [np.asarray(frame.image) for frame in clip.source]
    state = dslt.init(tracker, trained, frames[0], clip.boxes[0])
    template, _ = state.sizing
    before, after = [], []
    for index in (3, 6, 9, 12):
        truth = clip.boxes[index]
        for change in ([-8, 0, 1.25, 1.25], [6, 4, 0.8, 0.8], [0, 5, 1.3, 0.9], [3, -5, 0.85, 1.2]):
            middle = truth[:2] + truth[2:] / 2 + change[:2]
            size = truth[2:] * change[2:]
            there = state.replace(center=jnp.float32(middle), size=jnp.float32(size))
            patch, _ = stages.next_cut(tracking.placed(tracker), there, frames[index])
            maps = backbones.apply(tracker.backbone, trained, patch)
            pixels = tracker.region.target / np.sqrt(size.prod())
            found = box_head.estimate(
                trained,
                template,
                tuple(x[0] for x in maps),
                tracker.backbone.box_layers,
                jnp.full(2, tracker.region.search / 2),
                jnp.float32(size * pixels),
            )
            assert found.match > 0
            moved, grown = middle + found.shift * size, size * np.exp(found.growth)
            before.append(boxes.iou(np.r_[middle - size / 2, size], truth))
            after.append(boxes.iou(np.r_[moved - grown / 2, grown], truth))
    assert np.mean(before) < 0.7 and np.mean(after) > 0.8


def test_confidence_is_high_on_the_target_and_low_beside_it():
    tracker = presets.compact()
    trained, clip = dslt.load_params(tracker), synthetic.beetle_clip(60, 320, 240)
    frames = [np.asarray(frame.image) for frame in clip.source]
    state = dslt.init(tracker, trained, frames[0], clip.boxes[0])
    for index in (3, 6, 9):
        box = clip.boxes[index]
        there = state.replace(center=jnp.float32(box[:2] + box[2:] / 2))
        _, out = dslt.locate(tracker, trained, there, frames[index])
        assert out.confidence > 0.7 and not out.lost
        away = np.where(np.array([320, 240]) / 2 > there.center, [300.0, 220.0], [20.0, 20.0])
        _, out = dslt.locate(tracker, trained, there.replace(center=away), frames[index])
        assert out.confidence < 0.3 and out.lost


@pytest.mark.parametrize("wrong", [0.85, 1.2])
def test_the_kernels_response_brings_a_wrong_area_back(wrong):
    tracker = presets.compact()
    alone = tracker.replace(size=tracker.size.replace(gain=0.0, area=1.0))
    trained, clip = dslt.load_params(tracker), synthetic.beetle_clip(2, 320, 240)
    frame = np.asarray(next(iter(clip.source)).image)
    state = dslt.init(alone, trained, frame, clip.boxes[0])
    state = state.replace(size=state.size * wrong)
    after, _ = dslt.step(alone, trained, state, frame)
    change = np.log(after.size / state.size)
    np.testing.assert_allclose(change[0], change[1], rtol=1e-3)  # the aspect ratio stays
    assert 0.01 < -change[0] * np.sign(np.log(wrong)) < 0.11


def test_a_key_changes_the_random_start():
    frames, truth = small.clip(1)
    tracker = small.tracker("fusion.reduction=random")
    kernels = [
        dslt.init(
            tracker, small.params(), frames[0], truth[0], key=jax.random.key(seed)
        ).head.kernel
        for seed in (0, 1)
    ]
    assert not np.array_equal(*kernels)


@pytest.mark.parametrize("fresh", ["never", "once"])
def test_the_moments_of_the_first_frame_go_on_or_start_afresh(fresh):
    frames, truth = small.clip(2)
    tracker = small.tracker(f"online.fresh={fresh}", "gates.learn=-1")
    first = dslt.init(tracker, small.params(), frames[0], truth[0])
    second, _ = dslt.step(tracker, small.params(), first, frames[1])
    assert (first.head.optimizer.count == 0) == (fresh == "once")
    steps = second.head.optimizer.count - first.head.optimizer.count
    assert steps == tracker.online.steps  # they go on from then


def test_nothing_to_see_is_lost_and_nothing_is_learned():
    frames, truth = small.clip(2)
    tracker = small.tracker()
    state = dslt.init(tracker, small.params(), frames[0], truth[0])
    after, out = dslt.step(tracker, small.params(), state, np.full_like(frames[0], 128))
    assert bool(out.lost) and not bool(out.extra["updated"])
    np.testing.assert_allclose(out.box, truth[0], atol=1e-3)
    np.testing.assert_array_equal(after.head.kernel, state.head.kernel)
    jax.tree.map(np.testing.assert_array_equal, after.samples, state.samples)


def test_only_every_second_frame_teaches():
    frames, truth = small.clip(7)
    tracker, updated = small.tracker("online.every=2", "gates.learn=-1"), []
    state = dslt.init(tracker, small.params(), frames[0], truth[0])
    for frame in frames[1:7]:
        last = state
        state, out = dslt.step(tracker, small.params(), state, frame)
        updated.append(bool(out.extra["updated"]))
        assert np.array_equal(last.head.kernel, state.head.kernel) == (not updated[-1])
        assert state.samples.stored == last.samples.stored + 1
    assert updated == [True, False] * 3


def test_the_loss_that_is_told_is_the_objectives_and_falls():
    frames, truth = small.clip(2)
    tracker = small.tracker("gates.learn=-1")
    state = dslt.init(tracker, small.params(), frames[0], truth[0])
    after, out = dslt.step(tracker, small.params(), state, frames[1])
    objective = tracker.objective(after.samples, after.head.mask)
    assert float(out.extra["loss"]) == pytest.approx(float(objective(state.head.kernel)), rel=1e-4)
    assert float(objective(after.head.kernel)) < float(out.extra["loss"])


def test_an_update_that_is_not_finite_is_told_its_sample_dropped_and_the_next_one_works():
    frames, truth = small.clip(3)
    tracker, params = small.tracker("gates.learn=-1"), small.params()
    state = dslt.init(tracker, params, frames[0], truth[0])
    sight, _ = dslt.locate(tracker, params, state, frames[1])
    broken = sight._replace(spectrum=sight.spectrum.at[0, 1, 1].set(jnp.inf))
    after, info = dslt.learn(tracker, params, state, broken)
    assert not bool(info["finite"]) and not bool(info["updated"])
    same = (after.head.kernel, after.head.optimizer, after.samples)
    jax.tree.map(
        np.testing.assert_array_equal,
        same,
        (state.head.kernel, state.head.optimizer, state.samples),
    )
    _, out = dslt.step(tracker, params, after, frames[2])
    assert bool(out.extra["finite"]) and bool(out.extra["updated"])


def test_the_centre_stays_in_the_frame_and_the_size_above_the_minimum():
    """A box may reach over the frame's edge: what is bounded is its middle and its size."""
    tracker = small.tracker("gates.lost=-9", "gates.size=-9", "size.step=2.0", "region.min_side=6")
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (12, 90, 110, 3)).astype(np.uint8)
    outs = follow(tracker, frames, [80, 60, 20, 16])
    center = outs.box[:, :2] + outs.box[:, 2:] / 2
    assert np.isfinite(outs.box).all()
    assert (center >= 0).all() and (center <= [110, 90]).all()
    assert (outs.box[:, 2:] >= 6.0 - 1e-4).all() and (outs.box[:, 2:] <= [110, 90]).all()


def test_a_size_by_scales_keeps_the_aspect_ratio_at_the_bounds():
    """In the frame's width, and at the smallest side."""
    frames = np.random.default_rng(0).integers(0, 256, (6, 90, 110, 3)).astype(np.uint8)
    for box in ([5, 30, 100, 30], [40, 40, 30, 9]):
        settings = ["gates.lost=-9", "gates.size=-9", "size.step=1.4", "size.penalty=0.01"]
        tracker = small.tracker(*settings, "region.min_side=8")
        outs = follow(tracker, frames, box)
        np.testing.assert_allclose(outs.box[:, 2] / outs.box[:, 3], box[2] / box[3], rtol=1e-4)
        assert (outs.box[:, 2:] <= [110.001, 90.001]).all() and (outs.box[:, 2:] >= 7.999).all()


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ([0, 0, 200, 10], "longer than the kernel's canvas"),
        ([0, 0, 60, 2.5], "shorter side is"),
        ([0, 0, 30, 30], None),
    ],
)
def test_what_a_box_asks_beyond_the_settings_is_told(box, words):
    notes = presets.compact().notes(box)
    assert notes == [] if words is None else any(words in note for note in notes)


def test_a_loss_of_ones_own_is_the_loss_of_the_same_name():
    frames, truth = small.clip(3)
    mine = small.tracker().replace(loss=lambda p, y: jnp.square(p - y))
    found = follow(mine, frames, truth[0])
    np.testing.assert_allclose(
        found.box, follow(small.tracker("loss=l2"), frames, truth[0]).box, atol=1e-3
    )


def test_a_backbone_of_ones_own():
    """A Flax-like apply with declared layers, no line of the package changed."""
    compact = small.tracker().backbone

    def apply(params, image):
        return compact.apply(params["params"], image)

    mine = small.tracker().replace(backbone=Function(apply, compact.layers))
    frames, truth = small.clip(3)
    found = follow(mine, frames, truth[0], {"params": small.params()})
    np.testing.assert_allclose(found.box, follow(small.tracker(), frames, truth[0]).box, atol=1e-3)


def test_a_learner_of_ones_own():
    class Momentum(Adam):
        """Anything with `init` and `fit`; here Adam that forgets less."""

    tracker = small.tracker()
    online = tracker.online.replace(learner=Momentum((3e-4, 3e-4), b1=0.95))
    frames, truth = small.clip(4)
    outs = follow(tracker.replace(online=online), frames, truth[0])
    assert not outs.lost.any()


def test_a_fusion_of_ones_own():
    class Shallow:
        """The first layer alone, of unit deviation on the first frame."""

        def fit(self, key, maps):
            return maps[0].std()

        def __call__(self, maps, deviation, layers):
            return maps[0].transpose(0, 3, 1, 2) / (8 * deviation)

    jax.tree_util.register_static(Shallow)
    frames, truth = small.clip(3)
    tracker = small.tracker("first.steps=60").replace(fusion=Shallow())
    outs = follow(tracker, frames, truth[0])
    assert np.isfinite(outs.box).all() and outs.confidence.min() > 0.1


def test_a_wrong_number_of_layers_is_told():
    network = Function(lambda p, x: (x[:, ::8, ::8],), [Layer("grey", 8, 0.5, 3)])
    with pytest.raises(ValueError, match="needs two layers, the backbone 'function' has 1"):
        small.tracker().replace(backbone=network, size=Scales(crop=64))


def test_a_target_is_put_on_an_edge_between_cells_wherever_they_look():
    """A label between two cells has its height in none: of narrow targets nothing was left."""
    compact = small.tracker().backbone
    off = [layer._replace(offset=layer.offset + 2.5) for layer in compact.layers]
    shifted = small.tracker("first.steps=60").replace(backbone=Function(compact.apply, off))
    frames, truth = small.clip(6)
    state = dslt.init(shifted, small.params(), frames[0], truth[0])
    assert float(state.samples.labels[0].max()) == pytest.approx(1.0)
    outs = follow(shifted, frames, truth[0])
    centers = outs.box[:, :2] + outs.box[:, 2:] / 2
    assert np.linalg.norm(centers - (truth[1:, :2] + [12, 10]), axis=1).max() < 9.0


def test_a_memory_of_one_slot_teaches_by_the_first_frame_alone():
    frames, truth = small.clip(3)
    tracker = small.tracker("gates.learn=-1").replace(memory=Memory(size=1))
    state = dslt.init(tracker, small.params(), frames[0], truth[0])
    after, _ = dslt.step(tracker, small.params(), state, frames[1])
    jax.tree.map(np.testing.assert_array_equal, after.samples, state.samples)


def test_gates_may_be_shares_of_the_usual_response():
    absolute, relative = Gates(), Gates(relative=True)
    assert float(absolute.judge(jnp.float32(0.1), jnp.float32(0.4))) == pytest.approx(0.1)
    assert float(relative.judge(jnp.float32(0.1), jnp.float32(0.4))) == pytest.approx(0.25)
    assert float(relative.judge(jnp.float32(0.1), jnp.float32(0.0))) == 1.0  # the second frame


def test_what_was_lost_is_found_by_more_than_what_keeps_it():
    gates = Gates(lost=0.2, found=0.7, doubt=5.0, patience=100.0)
    asked = [float(gates.least(jnp.float32(missing))) for missing in (0, 1, 5, 50, 100, 1000)]
    assert asked == pytest.approx([0.2, 0.299, 0.675, 0.45, 0.2, 0.2])
    assert float(Gates(lost=0.2).least(jnp.float32(1))) == pytest.approx(0.2)
    assert float(Gates(lost=-jnp.inf).least(jnp.float32(0))) == -jnp.inf

    frames, truth = small.clip(3)
    tracker = small.tracker("gates.lost=1e3", "gates.found=1e4")
    state = dslt.init(tracker, small.params(), frames[0], truth[0])
    for missing in (1, 2):
        state, out = dslt.step(tracker, small.params(), state, frames[1])
        assert out.lost and float(state.missing) == missing
    for found in (0.0, 1e3):  # of the same frame
        one = tracker.replace(gates=tracker.gates.replace(lost=0.01, found=found))
        after, out = dslt.step(one, small.params(), state, frames[1])
        assert bool(out.lost) == (found > 1)
        assert float(after.missing) == (3 if out.lost else 0)


def test_a_response_that_is_no_number_closes_no_gate_for_good():
    gates, nan = Gates(relative=True), jnp.float32(jnp.nan)
    assert not float(gates.judge(nan, jnp.float32(0.0))) >= gates.lost
    frames, truth = small.clip(3)
    tracker = small.tracker("gates.relative=true", "gates.learn=0.01")
    state = dslt.init(tracker, small.params(), frames[0], truth[0])
    state, _ = dslt.step(tracker, small.params(), state, frames[1])
    sight, _ = dslt.locate(tracker, small.params(), state, frames[2])
    broken = sight._replace(height=nan, lost=jnp.array(True), teaches=jnp.array(False))
    after, _ = dslt.learn(tracker, small.params(), state, broken)
    assert float(after.usual) == float(state.usual) > 0


def test_the_usual_response_is_a_mean_over_frames_that_teach():
    frames, truth = small.clip(4)
    tracker = small.tracker("gates.relative=true", "gates.rate=0.5", "gates.learn=0.01")
    state = dslt.init(tracker, small.params(), frames[0], truth[0])
    assert float(state.usual) == 0.0
    usual = None
    for frame in frames[1:]:
        state, out = dslt.step(tracker, small.params(), state, frame)
        assert not out.lost
        seen = float(out.confidence)
        usual = seen if usual is None else usual + 0.5 * (seen - usual)
        assert float(state.usual) == pytest.approx(usual, rel=1e-5)
    strict = tracker.replace(gates=tracker.gates.replace(learn=100.0))
    held, _ = dslt.step(strict, small.params(), state, frames[0])
    assert float(held.usual) == float(state.usual)
