"""One sequence under each protocol, and the frames read ahead."""

import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
import fake_trackers
import layouts

from dslt_jax.benchmarks import datasets, execute
from dslt_jax.benchmarks.datasets import DatasetError
from dslt_jax.benchmarks.execute import Failure, Protocol, Reader, Task
from dslt_jax.media.frames import open_frames


@pytest.fixture
def root(tmp_path):
    layouts.generic(tmp_path / "data", ("one", "two"), count=30)
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("name", "runs"),
    [("ope", 1), ("tre", 11), ("sre", 12), ("supervised", 3), ("unsupervised", 1)],
)
def test_every_protocol_gives_its_trajectories_again_and_again(root, name, runs):
    sequence = datasets.load("generic", root)["one"]
    tracker = fake_trackers.Fake().build()
    protocol = Protocol(name)
    first = execute.execute(tracker, sequence, protocol)
    assert len(first) == runs
    execute.execute(tracker, datasets.load("generic", root)["two"], protocol)
    for one, other in zip(first, execute.execute(tracker, sequence, protocol), strict=True):
        assert one.same_regions(other)
        np.testing.assert_array_equal(one.confidence, other.confidence)
    assert execute.expected_frames(sequence, protocol) == sum(len(one) for one in first)


def test_a_first_frame_without_a_target_is_told_where_a_protocol_starts_there(root):
    truth = root / "one" / "groundtruth.txt"
    truth.write_text("NaN,NaN,NaN,NaN\n" + truth.read_text().partition("\n")[2])
    sequence = datasets.load("generic", root)["one"]
    tracker = fake_trackers.Fake().build()
    for name in ("ope", "sre", "realtime"):
        with pytest.raises(DatasetError, match=f"one: .*first frame is NaN, and {name} starts"):
            execute.execute(tracker, sequence, Protocol(name))
    for name in ("tre", "supervised", "unsupervised"):
        assert execute.execute(tracker, sequence, Protocol(name))


def test_pictures_of_12_bits_are_seen_as_in_a_folder(root):
    for path in (root / "one").glob("*.jpg"):
        red = int(path.stem)
        path.unlink()
        values = np.full((48, 64), red * 100 + 1000, np.uint16)
        Image.fromarray(values).save(path.with_suffix(".png"))
    sequence = datasets.load("generic", root)["one"]
    tracker, seen = fake_trackers.Fake().build(), []
    step = tracker.step
    tracker.step = lambda frame: seen.append(frame) or step(frame)
    execute.execute(tracker, sequence, Protocol())
    folder = [frame.image for frame in open_frames(root / "one")][1:]
    np.testing.assert_array_equal(seen, folder)
    assert np.ptp([frame.mean() for frame in folder]) > 100


def test_a_size_that_changes_is_told_once(root, caplog):
    for number in (3, 4):
        Image.new("RGB", (128, 96)).save(root / "one" / f"{number:04d}.jpg")
    sequence = datasets.load("generic", root)["one"]
    execute.execute(fake_trackers.Fake().build(), sequence, Protocol())
    (told,) = caplog.messages
    place = root / "one" / "0003.jpg"
    assert f"size changes from 64 x 48 to 128 x 96 pixels at {place}: the boxes are sca" in told


def test_real_time_has_a_box_for_every_frame(root):
    sequence = datasets.load("generic", root)["one"]
    tracker = fake_trackers.Fake(cost=0.02).build()
    (result,) = execute.execute(tracker, sequence, Protocol("realtime", fps=100))
    assert np.isfinite(result.regions).all()
    assert np.isnan(result.seconds).any()  # it was too slow for some


def test_the_tracker_is_warmed_up_before_time_counts(root):
    sequence = datasets.load("generic", root)["one"]
    tracker = fake_trackers.Fake().build()
    seen = []
    tracker.init = lambda frame, boxes: (
        seen.append(list(tracker.warmed)) or setattr(tracker, "boxes", boxes.copy())
    )
    execute.execute(tracker, sequence, Protocol())
    assert seen == [[(48, 64, 3)]]


def test_protocols_have_names_and_only_their_own_settings():
    assert Protocol("ope").describe() == {"name": "ope"}
    assert Protocol("realtime", fps=30).describe() == {"name": "realtime", "fps": 30}
    assert Protocol("supervised").describe() == {"name": "supervised", "repetitions": 15}
    with pytest.raises(ValueError, match="no protocol 'all': choose one of ope, tre"):
        Protocol("all")


def test_perform_returns_what_goes_wrong(root):
    task = Task("generic", str(root), None, "one", Protocol())
    outcome = execute.perform(fake_trackers.Fake(fails_at=3), task)
    assert isinstance(outcome, Failure)
    assert outcome.reason == "cannot bear the red of 3"
    assert "fake_trackers.py" in outcome.traceback
    assert not outcome.fatal
    outcome = execute.perform(fake_trackers.Fake(absent=True), task)
    assert outcome.fatal
    assert outcome.reason == "the tracker cannot start: its weights are not here"


def test_missing_and_damaged_frames_are_named(root):
    def reason():
        return execute.perform(
            fake_trackers.Fake(), Task("otb", str(root), None, "Own", Protocol())
        ).reason

    layouts.otb(root)
    images = root / "Own" / "img"
    (images / "0007.jpg").write_bytes((images / "0007.jpg").read_bytes()[:300])
    execute._dataset.cache_clear()
    assert reason().startswith(f"the image {images / '0007.jpg'} cannot be decoded")
    (images / "0006.jpg").unlink()
    execute._dataset.cache_clear()
    assert reason() == f"Own: 1 of 6 frames are missing, the first is {images / '0006.jpg'}"


def test_frames_are_decoded_ahead_in_another_thread():
    threads, counted = {}, []

    def load(path):
        threads[path] = threading.current_thread().name
        return path

    with Reader("abcdefghij", counted.append, load) as read:
        assert read("a") == "a"
        assert [read(path) for path in "bc"] == ["b", "c"]
        assert read("h") == "h"  # a jump on, as after a failure
        assert read("a") == "a"  # and back, as for another start
    assert counted == [1] * 5
    assert all(name.startswith("decode") for name in threads.values())
    assert set("abch") < set(threads)


def test_a_frame_that_cannot_be_loaded_is_raised_where_it_is_asked_for():
    def load(path):
        if path == "b":
            raise OSError("no b")
        return path

    with Reader("abc", load=load) as read:
        assert read("a") == "a"
        with pytest.raises(OSError, match="no b"):
            read("b")
        assert read("c") == "c"
