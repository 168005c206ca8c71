"""Boxes and polygons: overlap against counting, against each other and against known areas."""

import numpy as np
import pytest

from dslt_jax import boxes


def _random_boxes(count, seed):
    rng = np.random.default_rng(seed)
    return np.c_[rng.uniform(-20, 60, (count, 2)), rng.uniform(1, 40, (count, 2))]


def _rotated(count, seed):
    rng = np.random.default_rng(seed)
    center, angle = rng.uniform(0, 60, (count, 2)), rng.uniform(0, 2 * np.pi, count)
    side = np.stack([np.cos(angle), np.sin(angle)], 1) * rng.uniform(3, 25, (count, 1))
    up = np.stack([-np.sin(angle), np.cos(angle)], 1) * rng.uniform(3, 25, (count, 1))
    parts = [center - side - up, center + side - up, center + side + up, center - side + up]
    return np.concatenate(parts, axis=1)


def test_iou_of_known_boxes():
    a = (0, 0, 10, 10)
    assert boxes.iou(a, a) == 1
    assert boxes.iou(a, (5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert boxes.iou(a, (10, 0, 10, 10)) == 0
    assert boxes.iou((3, 3, 0, 0), (3, 3, 0, 0)) == 0
    assert boxes.iou(a, (2, 2, -4, 5)) == 0
    assert np.isnan(boxes.iou(a, (np.nan, 0, 1, 1)))


def test_iou_broadcasts():
    table = boxes.iou(_random_boxes(5, 0)[:, None], _random_boxes(7, 1)[None])
    assert table.shape == (5, 7)
    assert table[2, 3] == boxes.iou(_random_boxes(5, 0)[2], _random_boxes(7, 1)[3])


def test_corners_centers_clip():
    some = _random_boxes(20, 2)
    np.testing.assert_allclose(boxes.from_corners(boxes.to_corners(some)), some)
    assert boxes.center((2, 4, 6, 8)).tolist() == [5, 8]
    assert boxes.center_distance((0, 0, 2, 2), (3, 4, 2, 2)) == 5
    assert boxes.clip((-5, -5, 20, 8), 10, 30).tolist() == [0, 0, 10, 3]
    assert boxes.clip((50, 50, 5, 5), 10, 30)[2:].tolist() == [0, 0]


def test_bad_shape_is_told():
    with pytest.raises(ValueError, match=r"a has shape \(3,\): need a last axis of 4"):
        boxes.iou(np.zeros(3), np.zeros(4))


def test_polygon_iou_of_boxes_is_iou():
    a, b = _random_boxes(500, 3), _random_boxes(500, 4)
    np.testing.assert_allclose(boxes.polygon_iou(a, b), boxes.iou(a, b), atol=1e-12)
    bounded = boxes.iou(boxes.clip(a, 50, 40), boxes.clip(b, 50, 40))
    np.testing.assert_allclose(boxes.polygon_iou(a, b, (50, 40)), bounded, atol=1e-12)


def test_polygon_iou_does_not_change_under_rotation():
    a, b = _random_boxes(200, 5), _random_boxes(200, 6)
    turn = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    turned = [(boxes.to_polygons(v).reshape(-1, 4, 2) @ turn.T).reshape(-1, 8) for v in (a, b)]
    np.testing.assert_allclose(boxes.polygon_iou(*turned), boxes.iou(a, b), atol=1e-12)
    # Nor when a polygon is listed the other way round.
    reversed_b = turned[1].reshape(-1, 4, 2)[:, ::-1].reshape(-1, 8)
    np.testing.assert_allclose(
        boxes.polygon_iou(turned[0], reversed_b), boxes.iou(a, b), atol=1e-12
    )


def test_polygon_iou_against_counted_points():
    a, b = _rotated(6, 7), _rotated(6, 8)
    b[:, 0::2] += a[:, 0:1] - b[:, 0:1]
    b[:, 1::2] += a[:, 1:2] - b[:, 1:2]
    grid = np.stack(np.meshgrid(*[np.arange(-60, 130, 0.25)] * 2), axis=-1)

    def inside(polygon):
        points = polygon.reshape(4, 2)
        edges = np.roll(points, -1, axis=0) - points
        offsets = grid[..., None, :] - points
        side = edges[:, 0] * offsets[..., 1] - edges[:, 1] * offsets[..., 0]
        return (side > 0).all(-1) | (side < 0).all(-1)

    exact = boxes.polygon_iou(a, b)
    for i in range(len(a)):
        one, other = inside(a[i]), inside(b[i])
        counted = (one & other).sum() / (one | other).sum()
        assert exact[i] == pytest.approx(counted, abs=0.01)


def test_polygons_need_not_be_convex():
    # An arrow head of area 50 within a box of area 100.
    arrow = np.array([[0, 0, 10, 5, 0, 10, 5, 5]], float)
    square = np.array([[0, 0, 10, 10]], float)
    assert boxes.polygon_iou(arrow, square)[0] == pytest.approx(0.25)
    assert boxes.polygon_iou(arrow, arrow)[0] == pytest.approx(1)
    assert boxes.polygon_iou(arrow, np.array([[0, 4, 4, 2]], float))[0] == pytest.approx(0)


def test_one_polygon_and_what_is_none():
    one = boxes.to_polygons([0, 0, 4, 2])
    assert boxes.polygon_iou(one, [[0, 0, 4, 2]]).tolist() == [1]
    for call in (boxes.to_polygons, boxes.bounding_box, boxes.equal_area_box):
        with pytest.raises(ValueError, match=r"polygons have shape \(7,\): need a last axis x1"):
            call(np.zeros(7))
    with pytest.raises(ValueError, match="polygons have shape"):
        boxes.equal_area_box([0, 0, 4, 2])


def test_polygon_iou_of_missing_and_empty_polygons():
    some = _rotated(2, 9)
    missing = some * [[np.nan], [1]]
    values = boxes.polygon_iou(missing, some)
    assert np.isnan(values[0])
    assert values[1] == pytest.approx(1)
    point = np.tile([5.0, 5.0], 4)[None]
    assert boxes.polygon_iou(point, point)[0] == 0


def test_boxes_around_polygons():
    square = np.array([[5, 0, 10, 5, 5, 10, 0, 5]], float)  # turned by 45 degrees
    assert boxes.bounding_box(square).tolist() == [[0, 0, 10, 10]]
    same_area = boxes.equal_area_box(square)[0]
    assert same_area[2] * same_area[3] == pytest.approx(50)
    assert boxes.center(same_area).tolist() == pytest.approx([5, 5])
