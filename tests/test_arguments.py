"""What the functions take as frames, boxes and params, and what they say of the rest."""

from array import array
from collections import deque
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small
from PIL import Image

import dslt_jax as dslt
from dslt_jax import arguments, presets
from dslt_jax.app.session import Session

FRAME = np.random.default_rng(0).integers(0, 256, (12, 16, 3)).astype(np.uint8)
CLIP = np.stack([FRAME, FRAME[::-1]])


class Tensor:
    """What PyTorch's tensors have and NumPy's arrays have not."""

    def __init__(self, array):
        self.array = array

    def detach(self):
        return Tensor(self.array)

    def cpu(self):
        return self

    def numpy(self):
        return self.array


class Guarded:
    """An array on a device that NumPy may not take from."""

    def __array__(self, *_, **__):
        raise TypeError("copy it to the host first")


class Shown:
    """What is an array by NumPy's own word alone, or by JAX's."""

    def __init__(self, way, value):
        setattr(self, way, value)


class Lent:
    """What lends its memory by DLPack, as frameworks for GPUs do."""

    def __dlpack__(self, **options):
        return FRAME.__dlpack__(**options)

    def __dlpack_device__(self):
        return FRAME.__dlpack_device__()


class UMat:
    """OpenCV's picture on a GPU, which NumPy takes for an object."""


def refused(call, *words):
    with pytest.raises(ValueError) as caught:
        call()
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "frame",
    [
        FRAME.tolist(),
        tuple(FRAME),
        Image.fromarray(FRAME),
        Tensor(FRAME),
        jnp.asarray(FRAME),
        np.asfortranarray(FRAME),
        FRAME[:, ::-1][:, ::-1],
        deque(FRAME),
        memoryview(FRAME),
        Shown("__array_interface__", FRAME.__array_interface__),
        Shown("__jax_array__", lambda: jnp.asarray(FRAME)),
        Lent(),
    ],
)
def test_what_is_a_frame_in_other_clothes_is_taken(frame):
    found = arguments.check_frame(frame)
    assert isinstance(found, jax.Array)
    np.testing.assert_array_equal(found, FRAME)


def test_a_pillow_image_of_one_channel_is_grey_in_all_three():
    grey = Image.fromarray(FRAME).convert("L")
    found = arguments.check_frame(grey)
    np.testing.assert_array_equal(found, np.stack([np.asarray(grey)] * 3, -1))
    refused(lambda: arguments.check_frame(grey.convert("RGBA")), "mode RGBA", "convert('RGB')")


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (None, ["frame is None"]),
        ("a.png", ["frame is a str, 'a.png'", "PIL.Image.open"]),
        ((True, FRAME), ["frame is (found, frame), as OpenCV's read gives: take frame[1]"]),
        ((False, None), ["frame is (found, frame)"]),
        (UMat(), ["got a UMat: frame.get()"]),
        (object(), ["frame must be an array, got a object"]),
        (iter([FRAME]), ["list(frame)"]),
        ({"image": FRAME}, ["got a dict: frame['image'] or list(frame.values())"]),
        (np.ma.masked_array(FRAME), ["masked array: frame.filled(0)"]),
        (jax.ShapeDtypeStruct(FRAME.shape, np.uint8), ["has no numbers: jax.eval_shape"]),
        (Guarded(), ["frame is a Guarded that NumPy cannot take: copy it to the host first"]),
        ([[1, 2], [3]], ["frame[1] has shape (1,)"]),
        (FRAME[..., 0], ["got (12, 16) uint8 ndarray", "grey", "np.stack([frame] * 3, -1)"]),
        (FRAME[..., :1], ["(12, 16, 1)", "np.stack([frame[..., 0]] * 3, -1)"]),
        (np.zeros((12, 16, 4), np.uint8), ["(12, 16, 4)", "alpha", "frame[..., :3]"]),
        (FRAME.transpose(2, 0, 1), ["(3, 12, 16)", "frame.transpose(1, 2, 0)"]),
        (Tensor(FRAME.transpose(2, 0, 1)), ["(3, 12, 16) uint8 Tensor", "frame.permute(1, 2, 0)"]),
        (np.zeros((1, 12, 16), np.uint8), ["np.stack([frame.squeeze(0)] * 3, -1)"]),
        (FRAME[None], ["an axis too many, frame[0]"]),
        (CLIP, ["dslt.track takes clips"]),
        (FRAME[:0], ["it is empty"]),
        (FRAME[0, 0], ["1 axes, not 3"]),
        (np.zeros((12, 16, 7), np.uint8), ["7 channels"]),
        (FRAME / 255, ["float64", "0..1; (frame * 255).astype('uint8')"]),
        (FRAME.astype(np.float32), ["float32", "0..255; frame.astype('uint8')"]),
        (FRAME.astype(np.int32), ["int32", "frame.astype('uint8')"]),
        (FRAME.astype(np.uint16) * 257, ["16 bits; (frame / 257).astype('uint8')"]),
        (FRAME.astype(np.float64) * 1e6, ["numbers up to 2.55e+08"]),
        (FRAME - 128.0, ["below 0", "normalisation"]),
        (np.full((12, 16, 3), np.nan), ["NaN or infinity"]),
        (FRAME > 9, ["bool", "(frame * 255).astype('uint8')"]),
        (
            Tensor(np.float32(FRAME.transpose(2, 0, 1) / 255)),
            ["frame.permute(1, 2, 0); it holds 0..1; (frame * 255).byte()"],
        ),
        ((FRAME / 255).tolist(), ["(np.asarray(frame) * 255).astype('uint8')"]),
    ],
)
def test_what_is_no_frame_says_what_came_and_what_to_do(frame, words):
    refused(lambda: arguments.check_frame(frame), *words)


@pytest.mark.parametrize(
    "frames", [list(CLIP), tuple(map(Image.fromarray, CLIP)), [Tensor(f) for f in CLIP], CLIP]
)
def test_a_list_of_frames_is_a_clip(frames):
    np.testing.assert_array_equal(arguments.check_frames(frames), CLIP)


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (FRAME, ["one frame", "frames[None]"]),
        ([], ["N >= 1", "there are no frames"]),
        (CLIP[:0], ["(0, 12, 16, 3)", "there are no frames"]),
        ([FRAME, FRAME[:5]], ["frames[1] has shape (5, 16, 3), frames[0] has (12, 16, 3)", "step"]),
        ([FRAME, None], ["frames[1] is None"]),
        (["a.png", "b.png"], ["frames[0] is a str", "PIL.Image.open"]),
        ([(True, FRAME)] * 2, ["OpenCV's read gives: take frames[0][1]"]),
        ("clip.mp4", ["frames is a str, 'clip.mp4'", "dslt track"]),
        (CLIP.transpose(0, 3, 1, 2), ["frames.transpose(0, 2, 3, 1)"]),
        (CLIP[..., 0], ["np.stack([frames] * 3, -1)"]),
        (CLIP / 255, ["(frames * 255).astype('uint8')"]),
        (CLIP[None, :, :, :], ["an axis too many, frames[0]"]),
        (np.stack([CLIP, CLIP]), ["dslt.track_many"]),
    ],
)
def test_what_is_no_clip_is_told(frames, words):
    refused(lambda: arguments.check_frames(frames), *words)


def test_a_frame_for_each_target():
    assert arguments.check_frame(list(CLIP), 2).shape == (2, 12, 16, 3)
    assert arguments.check_frame(FRAME, 2).shape == (12, 16, 3)
    refused(lambda: arguments.check_frame(CLIP, 3), "2 frames for 3 targets")
    channels_first = CLIP.transpose(0, 3, 1, 2)
    refused(lambda: arguments.check_frame(channels_first, 2), "frame.transpose(0, 2, 3, 1)")


@pytest.mark.parametrize(
    "box",
    [
        [1, 2, 3, 4],
        (1.0, 2.0, 3.0, 4.0),
        np.arange(1, 5),
        Tensor(np.arange(1, 5)),
        array("f", [1, 2, 3, 4]),
        [Fraction(1), 2, 3, 4],
    ],
)
def test_boxes_are_numbers_however_they_are_held(box):
    assert arguments.check_boxes(box, 1).tolist() == [1, 2, 3, 4]
    assert arguments.check_boxes([box, box], 2).shape == (2, 4)
    assert arguments.check_boxes(box, None).shape == (1, 4)


@pytest.mark.parametrize(
    ("box", "ndim", "words"),
    [
        ([1, 2, 3], 1, ["box must be (4,)", "(3,)"]),
        ([[1, 2, 3, 4]], 1, ["many(tracker)", "box[0]"]),
        ([1, 2, 3, 4], 2, ["boxes must be (N, 4), N >= 1", "boxes[None]"]),
        (np.zeros((0, 4)), 2, ["N >= 1"]),
        ([], None, ["(N, 4)"]),
        (None, 1, ["box is None"]),
        (np.array([1, 2, 3, 4], object), 1, ["got object: np.asarray(box).astype(float)"]),
        ({"a": [1, 2, 3, 4]}, 2, ["got a dict: boxes['a'] or list(boxes.values())"]),
        ({"a": [1, 2, 3, 4]}.values(), 2, ["got a dict_values: list(boxes)"]),
        (UMat(), 2, ["boxes.get()"]),
        (object(), 1, ["got a object: four numbers are needed, [x, y, w, h]"]),
        ("1,2,3,4", 1, ["box is a str", "[x, y, w, h]"]),
        ([1, 2, None, 4], 1, ["the numbers x, y, w, h"]),
        ([[1, 2, 3, 4], [5, 6]], 2, ["boxes[1] has shape (2,)"]),
        ({"x": 1}, 1, ["got a dict"]),
    ],
)
def test_what_is_no_box_is_told(box, ndim, words):
    refused(lambda: arguments.check_boxes(box, ndim), *words)


def test_inside_a_jit_shapes_and_dtypes_are_checked():
    def shape(frame, box):
        array = arguments.check_frame(frame)
        return arguments.check_inside(arguments.check_boxes([box[0], 2, 3, 4], 1), array)

    assert jax.jit(shape)(FRAME, np.ones(4)).tolist() == [1, 2, 3, 4]
    refused(lambda: jax.jit(shape)(FRAME.transpose(2, 0, 1), np.ones(4)), "transpose(1, 2, 0)")
    refused(lambda: jax.jit(shape)(FRAME / 255, np.ones(4)), "where it holds 0..1")


def vgg16_params(*missing):
    shapes = dslt.presets.paper().backbone.param_shapes()
    return {name: np.zeros(1) for name in shapes if name not in missing}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        (None, ["params is None, the tracker needs vgg16's: dslt.load_params(tracker)"]),
        ({}, ["params are empty", "vgg16's"]),
        ("vgg16.npz", ["the path 'vgg16.npz'", "dslt.load_params(tracker, 'vgg16.npz')"]),
        ([1.0], ["params is a list"]),
        ({"a": 1}, ["params have a"]),
        (vgg16_params("conv5_3/b"), ["params lack conv5_3/b, the tracker needs vgg16's"]),
        (dslt.presets.googlenet().backbone.param_shapes(), ["params are googlenet's", "vgg16's"]),
        (small.tracker().backbone.param_shapes(), ["params are compact's, the tracker needs"]),
    ],
)
def test_params_that_the_network_cannot_take_are_told(params, words):
    refused(lambda: arguments.check_tracker(dslt.presets.paper(), params), *words)


def test_params_that_it_can_take():
    arguments.check_tracker(dslt.presets.paper(), vgg16_params() | {"conv5_3/winograd": 0})
    arguments.check_tracker(dslt.many(dslt.presets.paper()), vgg16_params())
    arguments.check_tracker(dslt.presets.mosse(), None)


def test_a_tracker_that_is_none_and_a_state_that_is_none():
    refused(lambda: dslt.init("compact", {}, FRAME, small.BOX), "got 'compact'")
    refused(lambda: dslt.init(dslt.presets.compact, {}, FRAME, small.BOX), "call it")
    refused(lambda: dslt.init(type(dslt.presets.mosse()), {}, FRAME, small.BOX), "call it")
    tracker = dslt.presets.mosse()
    refused(lambda: dslt.step(tracker, {}, None, FRAME), "dslt.init(")
    refused(lambda: dslt.learn(tracker, {}, None, 0), "dslt.init(")
    refused(lambda: dslt.locate(tracker, {}, (0, 1), FRAME), "state, out = dslt.step")


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ([500, 1, 20, 30], ["outside the 160 x 120 frame"]),
        ((np.nan, 1, 20, 30), ["finite"]),
        ([20, 40, 0, 0], ["more than one pixel"]),
        ([20, 40, 20, -3.0], ["more than one pixel"]),
        (np.array([0, 0, 200, 30]), ["larger than"]),
    ],
)
def test_a_box_that_cannot_be_tracked_is_told_wherever_it_is_given(box, words):
    frames = list(np.zeros((2, 120, 160, 3), np.uint8))
    tracker = dslt.presets.mosse()
    refused(lambda: dslt.init(tracker, {}, frames[0], box), "box x=", *words)
    refused(lambda: dslt.track(tracker, {}, frames, box), "box x=", *words)
    several = [small.BOX, box]
    refused(lambda: dslt.track_many(tracker, {}, frames, several), "boxes[1] x=", *words)
    refused(lambda: Session(tracker, {}).init(frames[0], several), "boxes[1] x=", *words)


def test_what_is_wrong_is_told_wherever_it_is_given():
    tracker, session = dslt.presets.mosse(), Session(dslt.presets.mosse(), {})
    many = dslt.many(tracker)
    refused(lambda: dslt.init(many, {}, FRAME, small.BOX), "boxes must be (N, 4)")
    refused(lambda: dslt.track_many(tracker, {}, [FRAME] * 2, small.BOX), "boxes must be (N, 4)")
    refused(lambda: dslt.track(tracker, {}, CLIP[:0], small.BOX), "there are no frames")
    refused(lambda: dslt.track(tracker, {}, CLIP[..., 0], small.BOX), "np.stack([frames] * 3, -1)")
    refused(lambda: dslt.track_many(tracker, {}, FRAME, [small.BOX]), "frames[None]")
    refused(lambda: session.init(None, small.BOX), "frame is None")
    refused(lambda: session.init(FRAME, "1,2,3,4"), "boxes is a str")
    refused(lambda: session.init(FRAME, [1, 2, 3]), "(N, 4)")
    refused(lambda: session.warm_up(FRAME, []), "(N, 4)")
    paper = dslt.presets.paper()
    refused(lambda: dslt.track(paper, {}, CLIP, small.BOX), "the tracker needs vgg16's")
    refused(lambda: Session(paper, small.params()).init(FRAME, [small.BOX]), "vgg16's")


def test_a_list_of_frames_and_a_list_for_a_box_are_tracked():
    frames, truth = small.clip(3)
    tracker = dslt.presets.mosse()
    _, expected = dslt.track(tracker, {}, frames, truth[0])
    _, out = dslt.track(tracker, {}, list(frames), truth[0].astype(int).tolist())
    np.testing.assert_array_equal(out.box, expected.box)


def test_weights_of_a_network_with_the_same_names_are_told():
    params = dslt.load_params(presets.compact())
    frame = np.zeros((120, 160, 3), np.uint8)
    with pytest.raises(ValueError, match="params are of another network than narrow: stage"):
        dslt.init(presets.fast(), params, frame, [40, 40, 30, 30])
