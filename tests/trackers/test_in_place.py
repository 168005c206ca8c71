"""A state that is donated is changed where it lies: its samples are not copied."""

import contextlib
import re

import jax
import pytest
import small

import dslt_jax as dslt
from dslt_jax import presets, settings, stages, tracking


@contextlib.contextmanager
def optimised():
    """As XLA compiles for users; the other tests leave most of it out."""
    jax.config.update("jax_disable_most_optimizations", False)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", True)


ECO_HC = ("size=96", "first_rounds=2", "first_steps=5", "memory.size=4")


@pytest.mark.parametrize(
    ("one", "several"),
    [
        (small.tracker("memory.size=5"), False),
        (small.tracker("memory.size=5"), True),
        (settings.override(presets.eco_hc(), ECO_HC), False),
    ],
    ids=["dslt", "dslt, many", "eco_hc"],
)
def test_learning_copies_no_samples(one, several):
    frames, truth = small.clip(2)
    tracker = tracking.placed(dslt.many(one) if several else one)
    params = small.params() if one.backbone else {}
    state = dslt.init(tracker, params, frames[0], truth[:1].repeat(2, 0) if several else truth[0])
    sight, _ = dslt.locate(tracker, params, state, frames[1])
    lowered = stages.learn_in_place.lower(tracker, params, state, sight)
    with optimised():
        text = lowered.compile().as_text()
    samples = state.samples.spectra if hasattr(state, "samples") else state.memory.samples
    shape = ",".join(map(str, samples.shape))
    assert f"c64[{shape}]" in text
    assert not re.findall(rf"= c64\[{shape}\]\S* copy\(.*", text)


def test_a_step_may_be_given_the_state_to_change():
    frames, truth = small.clip(3)
    tracker, params = small.tracker(), small.params()
    state = kept = dslt.init(tracker, params, frames[0], truth[0])
    given = jax.tree.map(lambda x: x.copy(), state)
    for frame in frames[1:]:
        state, out = dslt.step(tracker, params, state, frame)
        given, same = dslt.step(tracker, params, before := given, frame, donate=True)
        assert before.samples.spectra.is_deleted()
        assert (out.box == same.box).all()
    assert not kept.samples.spectra.is_deleted()
