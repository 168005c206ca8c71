"""What the functions take as trackers, params, states and sights, and what they say of the rest."""

from typing import Any, NamedTuple

import flax.serialization
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small
from test_arguments import refused

import dslt_jax as dslt
from dslt_jax import arguments, presets, states
from dslt_jax.parts import Part


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, np.int32])
def test_params_of_another_dtype_are_told(dtype):
    params = {name: array.astype(dtype) for name, array in small.params().items()}
    says = f"params must be float32 arrays, stage1/w is {np.dtype(dtype)}: {{k: np.asarray(v"
    refused(lambda: arguments.check_params(small.tracker(), params), says)


def test_params_are_of_the_dtype_that_jax_makes_of_them():
    params = {name: np.asarray(array, np.float64) for name, array in small.params().items()}
    arguments.check_params(small.tracker(), params)
    with small.enable_x64(True):
        refused(lambda: arguments.check_params(small.tracker(), params), "is float64")
    listed = params | {"stage1/w": params["stage1/w"].tolist()}
    refused(lambda: arguments.check_params(small.tracker(), listed), "stage1/w is list")


@pytest.fixture(scope="module")
def followed():
    """A clip, and what kcf gives on it: a state of one and of two targets, a sight, an output."""
    frames, truth = small.clip(2)
    tracker = presets.kcf()
    state = dslt.init(tracker, {}, frames[0], truth[0])
    two = dslt.init(dslt.many(tracker), {}, frames[0], [truth[0]] * 2)
    return frames, state, two, *dslt.locate(tracker, {}, state, frames[1])


def test_what_is_no_state_of_this_tracker_is_told(followed):
    frames, state, two, _, out = followed
    tracker, compact, params = presets.kcf(), small.tracker(), small.params()
    wanted = "this tracker's is a dslt_jax.trackers.kcf.State: dslt.init("
    refused(lambda: dslt.step(tracker, {}, {}, frames[1]), "state is a dict", wanted)
    refused(lambda: dslt.step(tracker, {}, out, frames[1]), "a dslt_jax.types.Output", wanted)
    refused(lambda: dslt.track(tracker, {}, frames, state=out), "types.Output", wanted)
    refused(lambda: dslt.track(dslt.many(tracker), {}, frames, state=out), "types.Output", wanted)
    other = ("a dslt_jax.trackers.kcf.State", "is a dslt_jax.trackers.dslt_state.State")
    refused(lambda: dslt.step(compact, params, state, frames[1]), *other)
    refused(lambda: dslt.step(dslt.many(tracker), {}, state, frames[1]), "state is of one target")
    refused(lambda: dslt.track_many(tracker, {}, frames, state=state), "state is of one target")
    refused(lambda: dslt.step(tracker, {}, two, frames[1]), "several targets: `many`")
    refused(lambda: dslt.track(tracker, {}, frames, state=two), "several targets: `many`")


def test_a_state_as_a_file_gives_it_is_told(followed):
    frames, state, *_ = followed
    read = flax.serialization.to_state_dict(state)
    says = "flax.serialization.from_state_dict(dslt.init(...), state) makes one of it"
    refused(lambda: dslt.step(presets.kcf(), {}, read, frames[1]), "state is a dict", says)
    orbax = {name: [leaf] for name, leaf in read.items()}  # of a tuple
    refused(lambda: dslt.step(presets.kcf(), {}, orbax, frames[1]), "restore(path, dslt.init(...))")
    whole = flax.serialization.from_state_dict(state, read)
    states.check_state(presets.kcf(), whole)


def test_a_state_of_another_version_or_of_other_settings_is_told(followed):
    frames, state, two, *_ = followed
    lacking = object.__new__(type(state))
    vars(lacking).update(center=state.center, size=state.size)
    says = ("state was made by another version of this package", "dslt.init(...) anew")
    refused(lambda: dslt.step(presets.kcf(), {}, lacking, frames[1]), *says)
    small_crop = dslt.override(presets.kcf(), "size=64")
    says = ("state was made with other settings: its ", "dslt.init starts anew")
    refused(lambda: dslt.step(small_crop, {}, state, frames[1]), *says)
    refused(lambda: dslt.track(small_crop, {}, frames, state=state), *says)
    refused(lambda: dslt.locate(dslt.many(small_crop), {}, two, frames[1]), *says)
    small_crop, mosse = dslt.override(presets.mosse(), "size=32"), presets.mosse()
    state, own = (dslt.init(one, {}, frames[0], small.BOX) for one in (mosse, small_crop))
    sight, _ = dslt.locate(mosse, {}, state, frames[1])
    refused(lambda: dslt.learn(small_crop, {}, state, sight), *says)
    says = ("sight was made with other settings: its ", "locate with this tracker gives it")
    refused(lambda: dslt.learn(small_crop, {}, own, sight), *says)


def test_a_sight_of_other_targets_is_told(followed):
    frames, state, two, sight, _ = followed
    tracker = presets.kcf()
    several, _ = dslt.locate(dslt.many(tracker), {}, two, frames[1])
    one = jax.tree.map(lambda x: x[:1], two)
    refused(lambda: dslt.learn(tracker, {}, state, several), "sight is of several targets")
    refused(lambda: dslt.learn(dslt.many(tracker), {}, two, sight), "sight is of one target")
    says = "sight is of 2 targets, the state of 1"
    refused(lambda: dslt.learn(dslt.many(tracker), {}, one, several), says)


def test_a_state_that_was_donated_is_told(followed):
    frames, state, *_ = followed
    tracker, own = presets.kcf(), jax.tree.map(jnp.copy, state)
    sight, _ = dslt.locate(tracker, {}, own, frames[1])
    dslt.learn(tracker, {}, own, sight, donate=True)
    for call in (
        lambda: dslt.step(tracker, {}, own, frames[1]),
        lambda: dslt.learn(tracker, {}, own, sight),
        lambda: dslt.track(tracker, {}, frames, state=own),
    ):
        refused(call, "state is gone: it was donated", "go on from the state that came back")


@pytest.mark.parametrize(
    "key", [np.asarray(jax.random.PRNGKey(1)), jax.random.key(1), jax.random.key(1, impl="rbg")]
)
def test_a_key_may_be_of_any_kind(key):
    assert arguments.check_key(key) is key


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (3, ["jax.random.key(3), got 3"]),
        (np.int64(3), ["jax.random.key(3), got 3"]),
        (True, ["jax.random.key(0), got a bool"]),
        ([0, 1], ["got a list"]),
        (jax.random.split(jax.random.key(0), 3), ["got keys of shape (3,): key[0] is one"]),
        (jax.random.split(jax.random.PRNGKey(0), 3), ["got keys of shape (3, 2): key[0]"]),
        (np.zeros(4, np.uint32), ["key has 4 numbers", "jax.random.wrap_key_data(key, impl="]),
    ],
)
def test_what_is_no_key_is_told(key, words):
    refused(lambda: arguments.check_key(key), *words)


def test_what_is_no_sight_of_this_tracker_is_told(followed):
    frames, state, _, sight, out = followed
    for value, kind in (
        ((sight, out), "tuple"),
        (None, "NoneType"),
        (out, "dslt_jax.types.Output"),
        (frames[1], "numpy.ndarray"),
    ):
        says = (f"sight is a {kind}, this tracker's", "sight, out = dslt.locate(")
        refused(lambda value=value: dslt.learn(presets.kcf(), {}, state, value), *says)


def test_the_kinds_of_every_preset_are_known_and_others_may_have_none():
    for name in presets.PRESETS:
        kinds = states._kinds(type(presets.by_name(name)))
        assert {"state", "sight"} <= kinds.keys()
        assert "center" in kinds["state"].__annotations__  # tells one target from several

    class Bare:
        def learn(self, params, state, sight: Any): ...

    assert not states._kinds(Bare) and not states._kinds(object)
    states.check_state(Bare(), 0)


def test_a_tracker_is_asked_for_wherever_one_is_needed():
    refused(lambda: dslt.load_params("compact"), "tracker must be", "got 'compact'")
    refused(lambda: dslt.load_params(presets.compact), "tracker must be", "call it")
    refused(lambda: dslt.many("kcf"), "tracker must be", "got 'kcf'")
    refused(lambda: dslt.many(dslt.many(presets.kcf())), "`many` of one already")


class Followed(NamedTuple):
    """A state whose center is of hypotheses."""

    inner: Any
    center: jax.Array


class Wrap(Part):
    """A tracker of one's own around another one."""

    tracker: Any

    def __getattr__(self, name: str):
        return getattr(self.tracker, name)

    def look(self, state):
        return self.tracker.look(state.inner)

    def locate(self, params, state, patches, limits):
        return self.tracker.locate(params, state.inner, patches, limits)

    def measure(self, params, state, sight, patches, limits):
        return self.tracker.measure(params, state.inner, sight, patches, limits)

    def learn(self, params, state: "what it carries", sight: "1/0"):  # noqa: F722
        inner, info = self.tracker.learn(params, state.inner, sight)
        return state._replace(inner=inner), info


def test_a_tracker_of_ones_own_may_have_any_state(followed):
    frames, state, *_ = followed
    mine = Followed(state, jnp.zeros((8, 2)))
    wrapped, out = dslt.step(Wrap(tracker=presets.kcf()), {}, mine, frames[1])
    _, expected = dslt.step(presets.kcf(), {}, state, frames[1])
    np.testing.assert_array_equal(out.box, expected.box)
    assert wrapped.center.shape == (8, 2)


class Counted(Wrap):
    """One with a field that `many` calls its own."""

    targets: int = 1


def test_a_tracker_of_ones_own_may_have_a_field_called_targets(followed):
    frames, state, *_ = followed
    _, out = dslt.step(Counted(tracker=presets.kcf()), {}, Followed(state, None), frames[1])
    assert out.box.shape == (4,)


def test_a_key_beside_a_state_is_told(followed):
    frames, state, *_ = followed
    says = "key is of a start: a state has made its random choices"
    key = jax.random.key(1)
    refused(lambda: dslt.track(presets.kcf(), {}, frames, state=state, key=key), says)


def test_a_path_is_no_params_of_a_tracker_without_a_network(followed):
    frames, *_ = followed
    says = "params is the path 'x.npz', this tracker has no network"
    refused(lambda: dslt.init(presets.kcf(), "x.npz", frames[0], [40, 30, 24, 20]), says)


class Lazy:
    """A learner of one's own, which learns nothing."""

    def init(self, kernel):
        return ()

    def fit(self, objective, kernel, state, *, steps, stop=None):
        return kernel, state


def test_a_part_that_is_no_pytree_is_told():
    tracker = small.tracker()
    mine = tracker.replace(online=tracker.online.replace(learner=Lazy()))
    says = ("online.learner is a Lazy, which is no pytree", "jax.tree_util.register_static")
    refused(lambda: dslt.init(mine, small.params(), small.clip(1)[0][0], small.BOX), *says)
    refused(lambda: dslt.init(dslt.many(mine), small.params(), None, None), "tracker.online.le")


def test_a_learner_that_returns_no_fit_is_told():
    schedule = dslt.learners.Schedule(Lazy())
    says = ("`fit` of Lazy returned a tuple", "learners.Fit(kernel, state, before, after, finite)")
    refused(lambda: schedule.fit(None, jnp.zeros(2), ()), *says)
