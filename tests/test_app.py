import dataclasses
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax import app, presets
from dslt_jax.app import Observation
from dslt_jax.backbones import compact
from dslt_jax.media.source import DamagedFrame, Frame, FramesError


def frames(count, damaged=()):
    for index in range(count):
        image = np.full((40, 60, 3), index, np.uint8)
        yield Frame(index, str(index), DamagedFrame("bad") if index in damaged else image, 0.001)


def drift(image, boxes):
    return boxes


def drift_step(state, image):
    """Everything moves by a pixel a frame."""
    boxes = state + np.array([1, 0, 0, 0], np.float32)
    count = len(boxes)
    return boxes, Observation(boxes, np.full(count, 0.5), np.zeros(count, bool))


DRIFT = app.Tracker(drift, drift_step)


class List:
    def __init__(self):
        self.records, self.closed = [], False

    def write(self, record):
        self.records.append(record)

    def close(self):
        self.closed = True


def test_the_first_record_holds_the_given_boxes_and_the_others_what_was_found():
    records = list(app.follow(frames(3), DRIFT, [[1, 2, 3, 4], [5, 6, 7, 8]]))
    assert [record.frame.index for record in records] == [0, 1, 2]
    assert [record.seen.boxes[1].tolist() for record in records] == [
        [5, 6, 7, 8],
        [6, 6, 7, 8],
        [7, 6, 7, 8],
    ]
    assert records[0].seen.confidence.tolist() == [1, 1]
    assert not records[2].seen.lost.any()
    assert all(record.image is record.frame.image for record in records)


def test_a_damaged_frame_repeats_the_last_box_as_lost():
    records = list(app.follow(frames(5, damaged=[2, 3]), DRIFT, [1, 2, 3, 4]))
    assert [record.seen.boxes[0, 0] for record in records] == [1, 2, 2, 2, 3]
    assert [bool(record.seen.lost[0]) for record in records] == [False, False, True, True, False]
    assert [record.seen.confidence[0] for record in records] == [1, 0.5, 0, 0, 0.5]
    assert [record.damaged for record in records] == [None, None, "bad", "bad", None]
    assert records[3].image is records[1].image


def test_a_damaged_first_frame_and_no_frame_are_errors():
    with pytest.raises(FramesError, match="the first frame cannot be read: bad"):
        list(app.follow(frames(3, damaged=[0]), DRIFT, [1, 2, 3, 4]))
    with pytest.raises(FramesError, match="there are no frames"):
        list(app.follow(frames(0), DRIFT, [1, 2, 3, 4]))


def test_compilation_is_told_apart_from_the_time_of_a_step():
    @jax.jit
    def compiled_here(x):
        return jnp.sin(x) @ x

    def step(state, image):
        compiled_here(jnp.ones((8, 8))).block_until_ready()
        time.sleep(0.02)
        return drift_step(state, image)

    records = list(app.follow(frames(4), app.Tracker(drift, step), [1, 2, 3, 4]))
    assert 0 < records[1].compile_seconds <= records[1].seconds - 0.02
    assert [record.compile_seconds for record in records[2:]] == [0, 0]
    assert all(record.seconds >= 0.02 for record in records[1:])


def test_every_sink_is_closed_whatever_happens():
    class Full(List):
        def write(self, record):
            if record.frame.index == 2:
                raise OSError("full")

    class Broken(List):
        def close(self):
            super().close()
            raise OSError("broken")

    first, second, third = List(), Broken(), Full()
    with pytest.raises(OSError, match="broken"):
        app.run(app.follow(frames(5), DRIFT, [1, 2, 3, 4]), [first, second, third])
    assert len(first.records) == 3
    assert first.closed and second.closed and third.closed


def test_dslt_follows_several_targets_in_one_program():
    """The real tracker, small and with random weights."""
    config = dataclasses.replace(
        presets.compact(), target_size=32, search_size=96, scale_size=64, channels=8, init_steps=2
    )
    draw = np.random.default_rng(0)
    shapes = compact.param_shapes(config)
    params = {name: jnp.asarray(0.1 * draw.normal(size=s), "float32") for name, s in shapes.items()}
    scene = draw.integers(0, 256, (12, 16, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    clip = (Frame(index, "", np.roll(scene, index, axis=1), 0.0) for index in range(4))
    boxes = np.array([[40, 30, 24, 20], [70, 50, 20, 28]], np.float32)
    records = list(app.follow(clip, app.make_tracker(config, params, targets=2), boxes))
    seen = records[-1].seen
    assert np.shape(seen.boxes) == np.shape(seen.search_boxes) == (2, 4)
    assert np.shape(seen.confidence) == np.shape(seen.lost) == (2,)
    assert np.shape(seen.response)[0] == 2 and isinstance(seen.response, np.ndarray)
    assert np.isfinite(seen.boxes).all()
    assert records[1].compile_seconds > 0
    assert records[2].compile_seconds == records[3].compile_seconds == 0
