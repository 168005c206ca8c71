import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax import presets, settings
from dslt_jax.app import loop
from dslt_jax.app.session import Session
from dslt_jax.media.source import DamagedFrame, Frame, FramesError
from dslt_jax.types import Observation


def frames(count, damaged=()):
    for index in range(count):
        image = np.full((40, 60, 3), index, np.uint8)
        yield Frame(index, str(index), DamagedFrame("bad") if index in damaged else image, 0.001)


class Drift:
    """A session in which everything moves by a pixel a frame, and is learned in `wait`."""

    def __init__(self, learning=0.0):
        self.learning, self.learned = learning, 0

    def init(self, frame, boxes):
        self.boxes = boxes
        return Observation(boxes, np.ones(len(boxes)), np.zeros(len(boxes), bool))

    def step(self, frame):
        self.boxes = self.boxes + np.array([1, 0, 0, 0], np.float32)
        count = len(self.boxes)
        return Observation(self.boxes, np.full(count, 0.5), np.zeros(count, bool))

    def wait(self):
        self.learned += 1
        return self.learning


class List:
    def __init__(self):
        self.records, self.closed = [], False

    def write(self, record):
        self.records.append(record)

    def close(self):
        self.closed = True


def test_the_first_record_holds_the_given_boxes_and_the_others_what_was_found():
    records = list(loop.follow(frames(3), Drift(), [[1, 2, 3, 4], [5, 6, 7, 8]]))
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
    records = list(loop.follow(frames(5, damaged=[2, 3]), Drift(), [1, 2, 3, 4]))
    assert [record.seen.boxes[0, 0] for record in records] == [1, 2, 2, 2, 3]
    assert [bool(record.seen.lost[0]) for record in records] == [False, False, True, True, False]
    assert [record.seen.confidence[0] for record in records] == [1, 0.5, 0, 0, 0.5]
    assert [record.damaged for record in records] == [None, None, "bad", "bad", None]
    assert records[3].image is records[1].image


def test_a_damaged_first_frame_and_no_frame_are_errors():
    with pytest.raises(FramesError, match="the first frame cannot be read: bad"):
        list(loop.follow(frames(3, damaged=[0]), Drift(), [1, 2, 3, 4]))
    with pytest.raises(FramesError, match="there are no frames"):
        list(loop.follow(frames(0), Drift(), [1, 2, 3, 4]))


def test_compilation_is_told_apart_from_the_time_of_a_step():
    @jax.jit
    def compiled_here(x):
        return jnp.sin(x) @ x

    class Compiling(Drift):
        def step(self, frame):
            compiled_here(jnp.ones((8, 8))).block_until_ready()
            time.sleep(0.02)
            return super().step(frame)

    records = list(loop.follow(frames(4), Compiling(), [1, 2, 3, 4]))
    assert 0 < records[1].compile_seconds <= records[1].seconds - 0.02
    assert [record.compile_seconds for record in records[2:]] == [0, 0]
    assert all(record.seconds >= 0.02 for record in records[1:])


def test_the_clock_of_compiling_is_that_of_the_calling_thread():
    def compile_something():
        jax.jit(lambda x: jnp.cos(x) + 3)(jnp.ones(5)).block_until_ready()

    begin = loop.compile_clock()
    thread = threading.Thread(target=compile_something)
    thread.start()
    thread.join()
    assert loop.compile_clock() == begin
    compile_something()
    assert loop.compile_clock() > begin


def test_a_record_is_out_before_its_frame_is_learned():
    session = Drift(learning=0.25)
    learned = []
    for record in loop.follow(frames(4, damaged=[2]), session, [1, 2, 3, 4]):
        before = session.learned
        learned.append((before, record.learning()))
    assert learned == [(0, 0.25), (1, 0.25), (2, 0.0), (2, 0.25)]


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
        loop.run(loop.follow(frames(5), Drift(), [1, 2, 3, 4]), [first, second, third])
    assert len(first.records) == 3
    assert first.closed and second.closed and third.closed


def test_dslt_follows_several_targets_in_one_program():
    """The real tracker, small and with random weights."""
    small = ["target_size=32", "search_size=96", "channels=8", "init_steps=2"]
    tracker = settings.override(presets.compact(), small)
    draw = np.random.default_rng(0)
    shapes = tracker.backbone.param_shapes()
    params = {name: jnp.asarray(0.1 * draw.normal(size=s), "float32") for name, s in shapes.items()}
    scene = draw.integers(0, 256, (12, 16, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    clip = (Frame(index, "", np.roll(scene, index, axis=1), 0.0) for index in range(4))
    boxes = np.array([[40, 30, 24, 20], [70, 50, 20, 28]], np.float32)
    records = list(loop.follow(clip, Session(tracker, params), boxes))
    seen = records[-1].seen
    assert np.shape(seen.boxes) == np.shape(seen.search_boxes) == (2, 4)
    assert np.shape(seen.confidence) == np.shape(seen.lost) == (2,)
    assert np.shape(seen.response)[0] == 2 and isinstance(seen.response, np.ndarray)
    assert np.isfinite(seen.boxes).all()
    assert records[0].compile_seconds > 0
    assert [record.compile_seconds for record in records[1:]] == [0, 0, 0]
    assert records[-1].learning() > 0
