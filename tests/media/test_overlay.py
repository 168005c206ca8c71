import numpy as np
import pytest

from dslt_jax.media import overlay
from dslt_jax.media.overlay import Overlay
from dslt_jax.types import Observation


def scene(width=640, height=480, shade=128):
    return np.full((height, width, 3), shade, np.uint8)


def seen(boxes, lost=False, response=None, search=None):
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    count = len(boxes)
    return Observation(boxes, np.full(count, 0.87), np.full(count, lost), response, search)


def near(image, color, tolerance=40):
    """Where the image has about this colour."""
    return (np.abs(image.astype(int) - color).max(-1) <= tolerance).nonzero()


def test_the_box_is_drawn_at_its_edges_and_the_frame_is_not_touched():
    frame = scene()
    image = Overlay().draw(frame, 0, seen([100, 200, 80, 60]))
    assert (frame == 128).all()
    rows, columns = near(image[199:270], overlay.COLORS[0])
    assert (columns.min(), columns.max()) == (100, 179)
    assert (rows.min() + 199, rows.max() + 199) == (200, 259)
    assert (image[220:240, 120:160] == 128).all()  # nothing inside


def test_small_frames_are_enlarged_and_large_ones_are_not():
    assert Overlay().draw(scene(128, 96), 0, seen([50, 40, 20, 20])).shape == (384, 512, 3)
    assert Overlay().draw(scene(1920, 1080), 0, seen([50, 40, 20, 20])).shape == (1080, 1920, 3)
    image = Overlay().draw(scene(128, 96), 0, seen([60, 60, 20, 20]))
    _, columns = near(image[238:], overlay.COLORS[0])
    assert (columns.min(), columns.max()) == (240, 319)


def test_a_lost_target_is_red_and_dashed():
    image = Overlay().draw(scene(), 0, seen([100, 200, 80, 60], lost=True))
    edge = image[200, 100:180]
    red = np.abs(edge.astype(int) - overlay.LOST).max(-1) < 40
    assert 0.3 < red.mean() < 0.8
    assert len(near(image, overlay.COLORS[0], 20)[0]) == 0


def test_targets_have_colours_of_their_own():
    boxes = [[60 * i + 20, 200, 40, 40] for i in range(8)]
    image = Overlay([str(i) for i in range(8)]).draw(scene(), 0, seen(boxes))
    for i, color in enumerate(overlay.COLORS):
        _, columns = near(image[198:242], color, 5)
        assert (columns.min(), columns.max()) == (60 * i + 20, 60 * i + 59)
    assert Overlay().color(8) == overlay.COLORS[0]


def test_the_frame_number_shows():
    images = [Overlay().draw(scene(), index, seen([300, 300, 40, 40])) for index in (7, 8)]
    changed = (images[0] != images[1]).any(-1).nonzero()
    assert changed[0].max() < 30 and changed[1].max() < 120


def test_the_response_is_brightest_at_its_peak():
    response = np.zeros((1, 32, 32), np.float32)
    response[0, 24, 8] = 1.0
    search = np.array([[100, 100, 320, 320]], np.float32)
    observation = seen([180, 300, 40, 40], response=response, search=search)
    with_map = Overlay().draw(scene(), 0, observation)
    without = Overlay().draw(scene(), 0, seen([180, 300, 40, 40]))
    rows, columns = (with_map != without).any(-1).nonzero()
    side = columns.max() - columns.min() + 1
    assert side == rows.max() - rows.min() + 1 == round(0.32 * 480)
    inset = with_map[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].astype(int)
    heat = inset[..., 0] - inset[..., 2]  # the hot colours have no blue
    heat[:3] = heat[-3:] = heat[:, :3] = heat[:, -3:] = 0
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert abs(row / side - 24.5 / 32) < 0.04
    assert abs(column / side - 8.5 / 32) < 0.04


def test_the_inset_leaves_the_corner_when_a_box_comes_there():
    response = np.zeros((1, 8, 8), np.float32)
    search = np.array([[100, 100, 100, 100]], np.float32)

    def corner(image):
        dark = (image != 128).any(-1)
        return dark[-40:, -40:].mean() > 0.5, dark[40:80, -40:].mean() > 0.5

    drawing = Overlay()
    away = drawing.draw(scene(), 0, seen([20, 200, 40, 40], response=response, search=search))
    assert corner(away) == (True, False)
    under = drawing.draw(scene(), 1, seen([560, 400, 40, 40], response=response, search=search))
    assert corner(under) == (False, True)
    after = drawing.draw(scene(), 2, seen([20, 200, 40, 40], response=response, search=search))
    assert corner(after) == (False, True)  # it does not jump back


def test_a_damaged_frame_is_dimmed():
    image = Overlay().draw(scene(), 0, seen([100, 200, 80, 60], lost=True), damaged=True)
    assert image[400, 300].tolist() == [51, 51, 51]


@pytest.mark.parametrize(
    "box", [[-50, -50, 80, 80], [600, 440, 500, 500], [0, 0, 640, 480], [10, 10, 0.2, 0.2]]
)
def test_boxes_beyond_the_edges_are_drawn_without_an_error(box):
    response = np.full((1, 8, 8), np.nan, np.float32)
    search = np.array([[-500, -500, 2000, 2000]], np.float32)
    image = Overlay().draw(scene(), 0, seen(box, response=response, search=search))
    assert image.shape == (480, 640, 3)


def test_heat_colours_grow_lighter():
    colors = overlay.heat_colors(np.linspace(0, 1, 50))
    lightness = colors @ [0.3, 0.59, 0.11]
    assert (np.diff(lightness) > 0).all()
    np.testing.assert_array_equal(overlay.heat_colors([-1.0, np.nan, 0.0]), [colors[0]] * 3)
