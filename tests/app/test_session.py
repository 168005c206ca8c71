"""The session: what `tracking` gives, learned behind the boxes, and no compiling on the way."""

import copy
import pickle

import jax
import numpy as np
import pytest
import small

from dslt_jax import multi_target, presets, tracking
from dslt_jax.app import loop
from dslt_jax.app.session import Session


@pytest.fixture(scope="module")
def frames():
    return small.clip(5)[0]


def follow(session, frames, boxes):
    session.init(frames[0], boxes)
    seen = [session.step(frame) for frame in frames[1:]]
    session.wait()
    return seen


def test_it_gives_what_tracking_gives(frames):
    key = jax.random.key(3)
    session = Session(small.tracker(), small.params(), key=key)
    given = session.init(frames[0], [small.BOX])
    np.testing.assert_array_equal(given.boxes, [small.BOX])
    assert given.confidence.tolist() == [1] and given.lost.tolist() == [False]
    state = tracking.init(small.tracker(), small.params(), frames[0], small.BOX, key=key)
    for frame in frames[1:]:
        seen = session.step(frame)
        state, out = tracking.step(small.tracker(), small.params(), state, frame)
        np.testing.assert_array_equal(seen.boxes, out.box[None])
        np.testing.assert_array_equal(seen.confidence, out.confidence[None])
        np.testing.assert_array_equal(seen.response, out.response[None])
        np.testing.assert_array_equal(seen.search_boxes, out.search_box[None])


@pytest.mark.parametrize("kept", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
def test_a_session_is_copied_and_kept_in_mid_video(frames, kept):
    session = Session(presets.mosse(), {}, key=jax.random.key(3))
    kept(session)
    session.init(frames[0], small.BOX)
    other = kept(session)
    for frame in frames[1:3]:
        np.testing.assert_array_equal(other.step(frame).boxes, session.step(frame).boxes)
    other.init(frames[0], [small.BOX, small.BOX])


def test_several_targets_are_those_of_many(frames):
    boxes = np.stack([small.BOX, np.add(small.BOX, [20, 10, 4, -2], dtype=np.float32)])
    session, many = Session(small.tracker(), small.params()), multi_target.many(small.tracker())
    seen = follow(session, frames[:2], boxes)[0]
    state = tracking.init(many, small.params(), frames[0], boxes)
    _, out = tracking.locate(many, small.params(), state, frames[1])
    np.testing.assert_array_equal(seen.boxes, out.box)
    assert seen.boxes.shape == seen.search_boxes.shape == (2, 4)


def test_the_boxes_come_before_what_they_teach(frames, monkeypatch):
    session = Session(small.tracker(), small.params())
    session.init(frames[0], small.BOX)
    told, learn = [], tracking.learn
    monkeypatch.setattr(session, "_observe", lambda out: told.append("seen"))
    monkeypatch.setattr(tracking, "learn", lambda *a, **k: told.append("learned") or learn(*a, **k))
    session.step(frames[1])
    assert told == ["seen", "learned"]
    assert 0 < session.wait() < 600


def test_no_frame_after_the_first_compiles_anything(frames):
    session = Session(small.tracker(), small.params())
    session.init(frames[0], small.BOX)
    compiled = loop.compile_clock()
    for frame in frames[1:]:
        session.step(frame)
    session.init(frames[2], small.BOX)
    session.step(frames[3])
    assert loop.compile_clock() == compiled


def test_init_forgets_what_was_before(frames):
    session = Session(small.tracker(), small.params())
    session.warm_up(frames[2], [small.BOX + 7])
    with pytest.raises(RuntimeError, match="step before init"):
        session.step(frames[1])
    first = follow(session, frames, small.BOX)
    follow(session, frames[::-1], [small.BOX + 5, small.BOX])
    for one, other in zip(first, follow(session, frames, small.BOX), strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.confidence, other.confidence)


def test_init_forgets_what_went_wrong(frames, monkeypatch):
    session = Session(small.tracker(), small.params())
    first = follow(session, frames, small.BOX)
    with monkeypatch.context() as patch:
        patch.setattr(jax, "block_until_ready", lambda state: 1 / 0)
        session.step(frames[0])
        with pytest.raises(ZeroDivisionError):
            session.wait()
    for one, other in zip(first, follow(session, frames, small.BOX), strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)


def test_a_box_that_cannot_be_learned_leaves_no_session(frames):
    session = Session(small.tracker(), small.params())
    session.init(frames[0], small.BOX)
    with pytest.raises(ValueError, match="outside the 160 x 120 frame"):
        session.init(frames[0], [500, 10, 20, 20])
    with pytest.raises(RuntimeError, match="step before init"):
        session.step(frames[1])


def test_the_tracker_sees_one_size_and_the_boxes_are_in_each_frames_own(frames, monkeypatch):
    shapes, locate = [], tracking.locate

    def looking(tracker, params, state, frame):
        shapes.append(frame.shape)
        return locate(tracker, params, state, frame)

    session = Session(small.tracker(), small.params())
    plain = follow(session, frames, [small.BOX])
    monkeypatch.setattr(tracking, "locate", looking)
    session.init(frames[0], [small.BOX])
    session.step(frames[1])
    seen = session.step(frames[2].repeat(2, 0).repeat(2, 1))
    assert set(shapes) == {(120, 160, 3)}
    np.testing.assert_allclose(seen.boxes, 2 * plain[1].boxes, atol=4)
    searches = (seen.search_boxes, plain[1].search_boxes)
    np.testing.assert_allclose(searches[0], 2 * searches[1], atol=4)
    np.testing.assert_allclose(session.step(frames[3]).boxes, plain[2].boxes, atol=2)
    with pytest.raises(ValueError, match="frame must be"):
        session.step(frames[0][..., :2])
