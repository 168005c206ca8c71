"""OpenCV's and PyTracking's interfaces, driven as their own trackers are."""

import numpy as np
import pytest
import small
from PIL import Image

from dslt_jax import arguments
from dslt_jax.adapters import opencv, pytracking
from dslt_jax.adapters.single import rgb
from dslt_jax.app.spec import Spec


@pytest.fixture(scope="module")
def clip():
    return small.clip(4)


@pytest.fixture(scope="module")
def expected(clip):
    frames, truth = clip
    session = Spec("mosse").build()
    session.init(frames[0], truth[:1])
    return np.stack([session.step(frame).boxes[0] for frame in frames[1:]])


def follow(tracker, frames, box):
    """A program as it is written for cv2's trackers."""
    found = []
    tracker.init(frames[0], box)
    for frame in frames[1:]:
        ok, rect = tracker.update(frame)
        assert isinstance(ok, bool) and len(rect) == 4
        found.append(rect)
    return np.array(found)


def test_it_follows_as_the_session_does(clip, expected):
    frames, truth = clip
    tracker = opencv.create("mosse")
    found = follow(tracker, frames[..., ::-1], tuple(truth[0]))
    np.testing.assert_array_equal(found, np.round(expected))
    np.testing.assert_allclose(tracker.box, expected[-1])
    assert tracker.getTrackingScore() > 0
    again = follow(tracker, frames[..., ::-1], tuple(truth[0]))  # from anew
    np.testing.assert_array_equal(again, found)


def test_the_same_program_runs_opencvs(clip):
    cv2 = pytest.importorskip("cv2")
    frames, truth = clip
    box = tuple(int(value) for value in truth[0])
    theirs = follow(cv2.TrackerCSRT_create(), np.ascontiguousarray(frames[..., ::-1]), box)
    ours = follow(opencv.Tracker("mosse"), np.ascontiguousarray(frames[..., ::-1]), box)
    assert theirs.shape == ours.shape
    np.testing.assert_allclose(theirs, ours, atol=12)


def test_a_picture_of_another_size_is_followed_in_its_own_pixels(clip, expected):
    frames, truth = clip
    tracker = opencv.Tracker("mosse")
    tracker.init(frames[0], truth[0])
    ok, rect = tracker.update(frames[1].repeat(2, 0).repeat(2, 1))
    assert ok
    np.testing.assert_allclose(rect, 2 * expected[0], atol=3)


def test_grey_and_alpha_are_taken(clip):
    frames, truth = clip
    grey = np.asarray(Image.fromarray(frames[0]).convert("L"))
    tracker = opencv.Tracker("mosse")
    for image in (grey, grey[..., None], np.concatenate([frames[0], frames[0][..., :1]], axis=-1)):
        tracker.init(image, truth[0])
        assert tracker.update(image)[0]


def test_a_pillow_image_is_rgb_and_of_any_depth(clip):
    frames, _ = clip
    image = Image.fromarray(frames[0])
    for order in ("rgb", "bgr"):
        np.testing.assert_array_equal(rgb(image, order), frames[0])
    np.testing.assert_array_equal(rgb(frames[0][..., ::-1], "bgr"), frames[0])
    grey = frames[0][..., 0]
    deep = Image.fromarray(grey.astype(np.uint16) * 256)
    assert deep.mode == "I;16"
    np.testing.assert_array_equal(rgb(deep), np.stack([grey] * 3, -1))
    with pytest.raises(ValueError, match=r"mode I;16: dslt_jax.media.images.to_rgb\(frame\)"):
        arguments.check_frame(deep)


@pytest.mark.parametrize("seed", ["some", None, 1.5, "1.5", 2**64, float("nan"), [1]])
def test_what_is_no_seed_is_told(seed):
    with pytest.raises(ValueError, match=r"seed=.* must be a whole number"):
        opencv.Tracker("mosse", seed=seed)


def test_one_setting_may_stand_alone():
    assert opencv.Tracker("kcf", {"rate": 0.1}, seed="7").session.tracker.rate == 0.1
    assert opencv.Tracker("kcf", "rate=0.1").session.tracker.rate == 0.1


@pytest.mark.parametrize(
    ("image", "error", "says"),
    [
        (None, TypeError, "image is None"),
        (np.zeros((9, 9, 3)), ValueError, "uint8"),
        (np.zeros((9, 9, 2), np.uint8), ValueError, r"\(9, 9, 2\)"),
        (np.zeros((9, 9, 3)), ValueError, r"uint8 BGR, .* \(image \* 255\).astype\('uint8'\)"),
        (np.zeros((3, 9, 9), np.uint8), ValueError, r"image.transpose\(1, 2, 0\)"),
        ("a.png", ValueError, "image is a str, 'a.png', .*PIL.Image.open"),
        ((True, np.zeros((9, 9, 3), np.uint8)), ValueError, r"take image\[1\]"),
        (np.zeros((0, 9), np.uint8), ValueError, "it is empty"),
    ],
)
def test_what_is_no_picture_is_told(image, error, says):
    with pytest.raises(error, match=says):
        opencv.Tracker("mosse").init(image, (1, 1, 5, 5))


def test_what_is_no_box_is_told_and_the_last_one_stays(clip):
    frames, truth = clip
    tracker = opencv.Tracker("mosse")
    tracker.init(frames[0], truth[0])
    for box, says in (
        ((1, 2, 3), r"must be 4 numbers x, y, w, h, got \(1, 2, 3\)"),
        (None, "None"),
        ("20,40,28,24", "must be 4 numbers .* got '20,40,28,24'"),
        ((1, 2, (3, 4)), "must be 4 numbers"),
        ({1: (1, 2, 3, 4)}, "must be 4 numbers"),
    ):
        with pytest.raises(ValueError, match=says):
            tracker.init(frames[0], box)
    np.testing.assert_array_equal(tracker.box, truth[0].astype(np.float32))
    with pytest.raises(ValueError, match="outside"):
        tracker.init(frames[0], (9000, 9000, 5, 5))
    np.testing.assert_array_equal(tracker.box, truth[0].astype(np.float32))


def test_the_callers_box_may_change_and_an_order_of_colours_is_one_of_two(clip):
    frames, truth = clip
    tracker, box = opencv.Tracker("mosse"), truth[0].astype(np.float32)
    tracker.init(frames[0], box)
    box += 100
    np.testing.assert_array_equal(tracker.box, truth[0].astype(np.float32))
    with pytest.raises(ValueError, match="order='BGR' is no order of colours: it is 'rgb' or"):
        rgb(frames[0], "BGR")


def test_an_update_before_init_is_told(clip):
    with pytest.raises(RuntimeError, match="before init"):
        opencv.Tracker("mosse").update(clip[0][0])


def test_pytrackings_dictionaries(clip, expected):
    frames, truth = clip
    tracker = pytracking.Tracker("mosse")
    first = tracker.initialize(frames[0], {"init_bbox": list(truth[0])})
    np.testing.assert_allclose(first["target_bbox"], truth[0])
    for frame, box in zip(frames[1:], expected, strict=True):
        out = tracker.track(frame, {})
        np.testing.assert_allclose(out["target_bbox"], box)
        assert out["lost"] is False and out["object_presence_score"] > 0
    with pytest.raises(ValueError, match="init_bbox"):
        tracker.initialize(frames[0], {"box": [1, 2, 3, 4]})
    for info in (None, [20, 40, 28, 24]):
        with pytest.raises(ValueError, match=r"info must be \{'init_bbox': \[x, y, w, h\]\}, got"):
            tracker.initialize(frames[0], info)
    with pytest.raises(ValueError, match="must be 4 numbers x, y, w, h"):
        tracker.initialize(frames[0], {"init_bbox": {1: [20, 40, 28, 24]}})
