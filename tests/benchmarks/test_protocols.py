"""Protocols: where trackers start and what the drivers ask of them."""

import numpy as np
import pytest

from dslt_jax import boxes as boxes_lib
from dslt_jax.benchmarks import protocols, starts, trajectory
from dslt_jax.benchmarks.datasets import DatasetError, Sequence
from dslt_jax.types import Observation


def _sequence(count=100, **fields):
    truth = np.tile([50.0, 40.0, 20.0, 10.0], (count, 1))
    truth[:, 0] += np.arange(count)
    return Sequence(
        "moving", truth, list_frames=lambda: list(range(count)), image_size=(320, 240), **fields
    )


class Clock:
    """A clock that only a tracker moves."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Follower:
    """Knows the truth, takes `cost` seconds a step and is lost in the frames `lost`.

    Half of the cost is that of learning, behind the step.
    """

    def __init__(self, sequence, clock=None, cost=0.0, lost=()):
        self.sequence, self.clock, self.cost, self.lost = sequence, clock, cost, lost
        self.started, self.stepped = [], []

    def init(self, frame, boxes):
        (box,) = boxes
        self.started.append((frame, tuple(box)))
        if self.clock:
            self.clock.now += 5.0

    def step(self, frame):
        self.stepped.append(frame)
        if self.clock:
            self.clock.now += self.cost / 2
        away = 1000.0 if frame in self.lost else 0.0
        boxes = self.sequence.boxes[frame][None] + [[away, 0, 0, 0]]
        return Observation(boxes, np.array([0.5]), np.zeros(1, bool))

    def wait(self):
        if self.clock:
            self.clock.now += self.cost / 2
        return self.cost / 2


def identity(path):
    return path


def test_ope_sees_every_frame_once():
    sequence, clock = _sequence(30), Clock()
    tracker = Follower(sequence, clock, 0.25)
    (run,) = starts.ope(sequence)
    result = protocols.follow(tracker, sequence, run, identity, clock)
    assert tracker.started == [(0, (50, 40, 20, 10))]
    assert tracker.stepped == list(range(1, 30))
    np.testing.assert_array_equal(result.regions, sequence.boxes)
    assert result.seconds.tolist() == [5.0] + [0.25] * 29
    assert result.codes[0] == trajectory.INITIALIZATION
    assert (result.codes[1:] == trajectory.TRACKED).all()


def test_tre_spreads_twenty_starts_and_leaves_twenty_frames():
    sequence = _sequence(119)
    runs = starts.tre(sequence)
    frames = [run.start for run in runs]
    assert len(frames) == 20
    assert frames[0] == 0
    assert frames[-1] == 99  # 20 frames are left
    assert set(np.diff(frames)) <= {4, 5, 6}
    assert all(run.stop == 119 for run in runs)
    assert runs[3].box.tolist() == sequence.boxes[frames[3]].tolist()


def test_tre_starts_only_where_there_is_a_target():
    sequence = _sequence(60)
    sequence.ground_truth[10:30] = np.nan
    sequence.ground_truth[35] = (-1, -1, 0, 0)
    frames = {run.start for run in starts.tre(sequence)}
    assert not frames & {*range(10, 30), 35}
    assert max(frames) == 40


def test_tre_of_a_short_sequence_is_one_pass():
    runs = starts.tre(_sequence(12))
    assert [(run.start, run.stop) for run in runs] == [(0, 12)]
    sequence = _sequence(12)
    sequence.ground_truth[:3] = np.nan
    (run,) = starts.tre(sequence)
    assert (run.start, run.stop, run.box.tolist()) == (3, 12, sequence.boxes[3].tolist())


def test_sre_has_twelve_wrong_boxes():
    sequence = _sequence(5)
    runs = {run.name: run.box for run in starts.sre(sequence)}
    assert len(runs) == 12
    assert runs["left"].tolist() == [48, 40, 20, 10]
    assert runs["down"].tolist() == [50, 41, 20, 10]
    assert runs["topleft"].tolist() == pytest.approx([48, 39, 22, 11])
    assert runs["bottomright"].tolist() == pytest.approx([50, 40, 22, 11])
    assert runs["scale80"].tolist() == pytest.approx([52, 41, 16, 8])
    assert runs["scale120"].tolist() == pytest.approx([48, 39, 24, 12])
    for box in runs.values():
        assert 0.5 < boxes_lib.iou(box, sequence.boxes[0]) < 1
    sequence.ground_truth[0] = (0, 0, 20, 10)
    runs = {run.name: run.box for run in starts.sre(sequence)}
    assert runs["left"].tolist() == [0, 0, 18, 10]  # cut to the image


def test_supervised_starts_again_five_frames_after_a_failure():
    sequence = _sequence(40)
    tracker = Follower(sequence, lost={10, 38})
    result = protocols.supervised(tracker, sequence, load=identity)
    assert [frame for frame, _ in tracker.started] == [0, 15]
    assert np.flatnonzero(result.codes == trajectory.FAILURE).tolist() == [10, 38]
    assert np.flatnonzero(result.codes == trajectory.INITIALIZATION).tolist() == [0, 15]
    assert np.flatnonzero(result.codes == trajectory.UNKNOWN).tolist() == [11, 12, 13, 14, 39]
    assert np.isnan(result.regions[[0, 10, 12, 15]]).all()
    assert result.failures == 2


def test_supervised_counts_overlap_in_the_image_only():
    sequence = _sequence(6)
    sequence.ground_truth[:] = (310, 40, 20, 10)  # half of it is outside
    beside = np.array([322.0, 40, 20, 10])  # overlaps, but only outside the image

    class Stubborn(Follower):
        def step(self, frame):
            return Observation(beside[None], np.ones(1), np.zeros(1, bool))

    assert boxes_lib.iou(beside, sequence.boxes[0]) > 0
    for exact in (False, True):
        result = protocols.supervised(Stubborn(sequence), sequence, exact=exact, load=identity)
        assert result.codes[1] == trajectory.FAILURE


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("absent", [range(6, 9), range(6, 30)])
def test_frames_without_truth_are_no_failures(exact, absent):
    sequence = _sequence(40)
    boxes = sequence.ground_truth.copy()
    sequence.ground_truth[list(absent)] = np.nan

    class Drifter(Follower):
        def step(self, frame):
            return Observation(boxes[frame][None], np.ones(1), np.zeros(1, bool))

    tracker = Drifter(sequence)
    result = protocols.supervised(tracker, sequence, exact=exact, load=identity)
    assert [frame for frame, _ in tracker.started] == [0]
    assert result.failures == 0
    np.testing.assert_array_equal(result.regions[1:], boxes[1:])


@pytest.mark.parametrize(
    "truth",
    [
        [np.nan] * 4,
        [60, 40, 0, 0],
        [60, 40, 1, 9],  # too small to start with
        [400, 40, 20, 10],  # beside the image
    ],
)
def test_a_new_start_waits_for_the_next_box_in_the_image(truth):
    sequence = _sequence(40)
    sequence.ground_truth[14:20] = truth  # 15 is five frames after the failure
    tracker = Follower(sequence, lost={10})
    result = protocols.supervised(tracker, sequence, load=identity)
    assert [frame for frame, _ in tracker.started] == [0, 20]
    assert np.flatnonzero(result.codes == trajectory.FAILURE).tolist() == [10]
    assert (result.codes[11:20] == trajectory.UNKNOWN).all()


def test_no_box_is_left_after_a_failure():
    sequence = _sequence(20)
    sequence.ground_truth[13:] = np.nan
    tracker = Follower(sequence, lost={12})
    result = protocols.supervised(tracker, sequence, load=identity)
    assert len(tracker.started) == 1
    assert (result.codes[13:] == trajectory.UNKNOWN).all()


def test_vot_starts_where_the_first_truth_is():
    sequence = _sequence(12)
    sequence.ground_truth[:3] = np.nan
    for play in (protocols.supervised, protocols.unsupervised):
        tracker = Follower(sequence)
        result = play(tracker, sequence, load=identity)
        assert tracker.started == [(3, tuple(sequence.boxes[3]))]
        assert result.codes[:5].tolist() == [0, 0, 0, 1, -1]
        assert len(result) == 12
        np.testing.assert_array_equal(result.regions[4:], sequence.boxes[4:])
    sequence = _sequence(3)
    sequence.ground_truth[:] = np.nan
    with pytest.raises(DatasetError, match="moving: no row of the ground truth is a box"):
        starts.first_frame(sequence)


def test_polygons_start_with_a_box_of_their_area():
    diamond = np.tile([50.0, 40, 60, 50, 50, 60, 40, 50], (3, 1))
    sequence = Sequence("d", diamond, list_frames=lambda: [0, 1, 2], image_size=(100, 100))
    tracker = Follower(sequence)
    protocols.unsupervised(tracker, sequence, identity)
    (_, box), *_ = tracker.started
    assert box[2] * box[3] == pytest.approx(200)


def test_repeat_stops_after_three_equal_runs():
    sequence, made = _sequence(10), []

    def run(noise):
        result = trajectory.from_regions(sequence.boxes + noise * len(made))
        made.append(result)
        return result

    assert len(protocols.repeat(lambda: run(0.0))) == 3
    made.clear()
    assert len(protocols.repeat(lambda: run(1.0), 7)) == 7


def test_a_fast_tracker_loses_no_frame_in_real_time():
    sequence, clock = _sequence(30), Clock()
    tracker = Follower(sequence, clock, cost=0.04)
    result = protocols.realtime(tracker, sequence, fps=20, load=identity, clock=clock)
    assert tracker.stepped == list(range(1, 30))
    np.testing.assert_array_equal(result.regions, sequence.boxes)


def test_a_slow_tracker_loses_frames_in_real_time():
    sequence, clock = _sequence(30), Clock()
    tracker = Follower(sequence, clock, cost=0.125)  # 2.5 frames at 20 a second
    result = protocols.realtime(tracker, sequence, fps=20, load=identity, clock=clock)
    # Frame 1 comes at 1, is ready at 3.5; then 3 is the newest, ready at 6; then 6, 8.5; ...
    assert tracker.stepped[:5] == [1, 3, 6, 8, 11]
    position = result.regions[:, 0] - 50
    # Frames 1 and 2 pass before the first answer; frame 3 is answered with frame 1's box.
    assert position[:9].tolist() == [0, 0, 0, 1, 1, 3, 3, 3, 6]
    assert np.isnan(result.seconds[2])
    assert result.seconds[3] == 0.125


def test_real_time_needs_a_rate():
    with pytest.raises(ValueError, match="a rate above 0"):
        protocols.realtime(Follower(_sequence(3)), _sequence(3), fps=0, load=identity)
