import numpy as np
import pytest

from dslt_jax.app.resize import Canvas
from dslt_jax.types import Observation


def observation(*box):
    boxes = np.array([box], np.float32)
    return Observation(boxes, np.ones(1), np.zeros(1, bool), None, boxes)


def test_a_frame_of_the_first_size_is_itself():
    canvas, image = Canvas(np.zeros((120, 160, 3), np.uint8)), np.ones((120, 160, 3), np.uint8)
    shown, place = canvas.fit(image)
    seen = observation(20, 40, 28, 24)
    assert shown is image
    assert place.back(seen) is seen


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((320, 240), (40, 80, 56, 48)),  # twice as large
        ((80, 60), (10, 20, 14, 12)),  # half
        ((240, 180), (30, 60, 42, 36)),
        ((161, 120), (20.125, 40, 28.175, 24)),  # rounded by the encoder: stretched
        ((120, 160), (-56 / 3, 160 / 3, 112 / 3, 32)),  # turned: between bars at the sides
        ((320, 120), (40, 20, 56, 48)),  # wider: between bars above and below
    ],
)
def test_boxes_come_back_in_the_pixels_of_the_frame(size, box):
    canvas = Canvas(np.zeros((120, 160, 3), np.uint8))
    shown, place = canvas.fit(np.zeros((size[1], size[0], 3), np.uint8))
    seen = place.back(observation(20, 40, 28, 24))
    assert shown.shape == (120, 160, 3)
    np.testing.assert_allclose(seen.boxes[0], box, atol=1e-4)


@pytest.mark.parametrize("size", [(320, 240), (120, 160), (100, 300), (700, 90), (854, 480)])
def test_what_is_in_a_box_stays_in_it(size):
    """A bright patch of the frame is where its box is, on the canvas and back."""
    image = np.zeros((size[1], size[0], 3), np.uint8)
    x, y, w, h = (round(f * s) for f, s in zip((0.3, 0.4, 0.2, 0.25), size * 2, strict=True))
    image[y : y + h, x : x + w] = 255
    shown, place = Canvas(np.zeros((120, 160, 3), np.uint8)).fit(image)
    rows, columns = np.nonzero(shown[..., 0] > 127)
    found = columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1
    back = place.back(observation(*found)).boxes[0]
    np.testing.assert_allclose(back, (x, y, w, h), atol=1.01 * max(1, *(1 / place.scale)))


def test_a_middle_beside_the_frame_is_moved_to_its_border():
    canvas = Canvas(np.zeros((120, 160, 3), np.uint8))
    _, place = canvas.fit(np.zeros((160, 120, 3), np.uint8))  # 90 pixels wide in the middle
    left = place.back(observation(0, 40, 20, 20)).boxes[0]
    assert left[0] + left[2] / 2 == 0
