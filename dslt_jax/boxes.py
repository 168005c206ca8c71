"""Boxes and polygons: formats, centers, overlap.

A box is (x, y, w, h), top-left corner, 0-based continuous pixel edges: the image spans
[0, W] x [0, H]. Functions take arrays whose last axis is the box and broadcast over the others.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def _boxes(name: str, boxes: ArrayLike) -> Array:
    boxes = np.asarray(boxes, np.float64)
    if boxes.ndim == 0 or boxes.shape[-1] != 4:
        raise ValueError(f"{name} has shape {boxes.shape}: need a last axis of 4 (x, y, w, h)")
    return boxes


def _polygons(polygons: ArrayLike) -> Array:
    polygons = np.asarray(polygons, np.float64)
    if polygons.ndim == 0 or polygons.shape[-1] < 6 or polygons.shape[-1] % 2:
        raise ValueError(
            f"polygons have shape {polygons.shape}: need a last axis x1, y1, x2, y2, x3, y3, ..."
        )
    return polygons


def to_corners(boxes: ArrayLike) -> Array:
    """Returns (left, top, right, bottom) (..., 4) of boxes (..., 4)."""
    boxes = _boxes("boxes", boxes)
    return np.concatenate([boxes[..., :2], boxes[..., :2] + boxes[..., 2:]], axis=-1)


def from_corners(corners: ArrayLike) -> Array:
    """Returns (x, y, w, h) (..., 4) of (left, top, right, bottom) (..., 4)."""
    corners = _boxes("corners", corners)
    return np.concatenate([corners[..., :2], corners[..., 2:] - corners[..., :2]], axis=-1)


def center(boxes: ArrayLike) -> Array:
    """Returns the centers (..., 2) of boxes (..., 4)."""
    boxes = _boxes("boxes", boxes)
    return boxes[..., :2] + boxes[..., 2:] / 2


def center_distance(a: ArrayLike, b: ArrayLike) -> Array:
    """Returns the distance in pixels between the centers of a and b, NaN where a box has one."""
    return np.linalg.norm(center(a) - center(b), axis=-1)


def iou(a: ArrayLike, b: ArrayLike) -> Array:
    """Returns intersection over union of a (..., 4) and b (..., 4).

    It is 0 where both are empty and NaN where a box has a NaN. A box of negative size is empty.
    """
    a, b = _boxes("a", a), _boxes("b", b)
    size_a, size_b = np.maximum(a[..., 2:], 0), np.maximum(b[..., 2:], 0)
    top_left = np.maximum(a[..., :2], b[..., :2])
    bottom_right = np.minimum(a[..., :2] + size_a, b[..., :2] + size_b)
    overlap = np.prod(np.maximum(bottom_right - top_left, 0), axis=-1)
    union = np.prod(size_a, axis=-1) + np.prod(size_b, axis=-1) - overlap
    return overlap / np.where(union == 0, 1, union)


def clip(boxes: ArrayLike, width: ArrayLike, height: ArrayLike) -> Array:
    """Returns boxes (..., 4) cut to the image [0, width] x [0, height]; outside, the size is 0.

    `width` and `height` are numbers or (...) arrays, one for each box.
    """
    limit = np.stack(np.broadcast_arrays(width, height, width, height), axis=-1)
    return from_corners(np.clip(to_corners(boxes), 0, limit))


def to_polygons(regions: ArrayLike) -> Array:
    """Returns regions (..., 4) boxes or (..., 2K) polygons as polygons x1, y1, x2, y2, ..."""
    regions = np.asarray(regions, np.float64)
    if regions.ndim == 0 or regions.shape[-1] != 4:
        return _polygons(regions)
    left, top, right, bottom = np.moveaxis(to_corners(regions), -1, 0)
    return np.stack([left, top, right, top, right, bottom, left, bottom], axis=-1)


def bounding_box(polygons: ArrayLike) -> Array:
    """Returns the boxes (..., 4) around polygons (..., 2K)."""
    polygons = _polygons(polygons)
    x, y = polygons[..., 0::2], polygons[..., 1::2]
    corners = np.stack([x.min(-1), y.min(-1), x.max(-1), y.max(-1)], axis=-1)
    return from_corners(corners)


def equal_area_box(polygons: ArrayLike) -> Array:
    """Returns boxes (..., 4) of about the polygons' (..., 8) area, centred on their vertices' mean.

    The box around the polygon, shrunk by sqrt(area of the rotated rectangle / area of the box), as
    the VOT wrappers of most trackers do (without their one extra pixel).
    """
    polygons = _polygons(polygons)
    points = polygons.reshape(*polygons.shape[:-1], -1, 2)
    middle = points.mean(axis=-2)
    side_a = np.linalg.norm(points[..., 0, :] - points[..., 1, :], axis=-1)
    side_b = np.linalg.norm(points[..., 1, :] - points[..., 2, :], axis=-1)
    extent = points.max(axis=-2) - points.min(axis=-2)
    area = np.prod(extent, axis=-1)
    size = extent * np.sqrt(side_a * side_b / np.where(area == 0, 1, area))[..., None]
    return np.concatenate([middle - size / 2, size], axis=-1)


def polygon_iou(a: ArrayLike, b: ArrayLike, bounds: tuple[float, float] | None = None) -> Array:
    """Returns the exact intersection over union (N,) of polygons a (N, 2K) and b (N, 2L).

    The polygons need not be convex: each is a sum of signed triangles, and triangles are clipped
    against each other (Sutherland and Hodgman 1974). Boxes (N, 4) may stand for polygons. With
    `bounds` (width, height), only what lies in the image counts. It is 0 where both are empty and
    NaN where a polygon has a NaN. One polygon (2K,) is (1, 2K).
    """
    signs_a, triangles_a = _triangles(to_polygons(np.atleast_2d(a)))
    signs_b, triangles_b = _triangles(to_polygons(np.atleast_2d(b)))
    if bounds is not None:
        width, height = bounds
        image = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
        triangles_a, triangles_b = _clip(triangles_a, image), _clip(triangles_b, image)
    area_a = (signs_a * _area(triangles_a)).sum(axis=-1)
    area_b = (signs_b * _area(triangles_b)).sum(axis=-1)
    _, sides_b = _triangles(to_polygons(np.atleast_2d(b)))
    pairs = _clip(triangles_a[:, :, None], sides_b[:, None])
    overlap = (signs_a[:, :, None] * signs_b[:, None] * _area(pairs)).sum(axis=(1, 2))
    # A polygon listed clockwise has signed area below zero.
    overlap, union = np.abs(overlap), np.abs(area_a) + np.abs(area_b)
    union = union - overlap
    return np.clip(overlap / np.where(union == 0, 1, union), 0, 1)


def _triangles(polygons: Array) -> tuple[Array, Array]:
    """Fans polygons (N, 2K) into signs (N, K - 2) and triangles (N, K - 2, 3, 2), all positive."""
    points = polygons.reshape(len(polygons), -1, 2)
    count = points.shape[1] - 2
    first = np.repeat(points[:, :1], count, axis=1)
    triangles = np.stack([first, points[:, 1:-1], points[:, 2:]], axis=2)
    signs = np.sign(_area(triangles))
    flipped = np.where(signs[..., None, None] < 0, triangles[:, :, ::-1], triangles)
    return signs, flipped


def _area(polygons: Array) -> Array:
    """Returns signed areas (...) of polygons (..., K, 2), relative to the first vertex."""
    points = polygons - polygons[..., :1, :]
    following = np.roll(points, -1, axis=-2)
    cross = points[..., 0] * following[..., 1] - points[..., 1] * following[..., 0]
    return cross.sum(axis=-1) / 2


def _clip(subject: Array, window: Array) -> Array:
    """Clips convex polygons (..., K, 2) with convex windows (..., L, 2): (..., K + L, 2).

    Unused vertices repeat the last one, which leaves the area as it is.
    """
    for i in range(window.shape[-2]):
        start, end = window[..., i, :], window[..., (i + 1) % window.shape[-2], :]
        subject = _clip_half_plane(subject, start[..., None, :], end[..., None, :])
    return subject


def _clip_half_plane(points: Array, start: Array, end: Array) -> Array:
    offset, along = points - start, end - start
    side = along[..., 0] * offset[..., 1] - along[..., 1] * offset[..., 0]
    next_side, next_points = np.roll(side, -1, axis=-1), np.roll(points, -1, axis=-2)
    inside, crosses = side >= 0, (side >= 0) != (next_side >= 0)
    step = side / np.where(crosses, side - next_side, 1)
    crossing = points + step[..., None] * (next_points - points)

    both = np.stack([np.broadcast_to(points, crossing.shape), crossing], axis=-2)
    both = both.reshape(*both.shape[:-3], -1, 2)
    keep = np.stack([inside, crosses], axis=-1).reshape(*inside.shape[:-1], -1)
    count = keep.sum(axis=-1, keepdims=True)
    order = np.argsort(~keep, axis=-1, kind="stable")[..., : points.shape[-2] + 1]
    slot = np.minimum(np.arange(order.shape[-1]), np.maximum(count - 1, 0))
    chosen = np.take_along_axis(order, slot, axis=-1)
    return np.take_along_axis(both, chosen[..., None], axis=-2) * (count > 0)[..., None]
