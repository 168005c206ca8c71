"""Overlap counted in pixels, as the VOT toolkits do it; `boxes.polygon_iou` is the exact one.

Corners are rounded to pixels. A box fills x .. x + w - 1, a polygon fills each pixel row from its
leftmost to its rightmost crossing, both ends included, which for a convex polygon is what the
toolkit's scan line does. So a row is an interval and no mask is needed.

Equal to votchallenge/toolkit but for one case: without bounds, that one cuts a box short when the
pair's extent starts left of or above the image. The MATLAB toolkit's older "legacy" rasterisation,
which does not round, is not here.
"""

import numpy as np
from numpy.typing import ArrayLike

from dslt_jax.boxes import Array

_OUTSIDE = (1.0, 0.0)  # an empty interval
_CHUNK = 4_000_000  # row crossings held in memory at once


def raster_iou(a: ArrayLike, b: ArrayLike, bounds: tuple[int, int] | None = None) -> Array:
    """Returns overlaps (N,) of regions a and b, boxes (N, 4) or convex polygons (N, 2K).

    Args:
        a, b: regions in pixel coordinates; NaN gives 0.
        bounds: (width, height); pixels outside do not count.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    missing = np.isnan(a).any(axis=1) | np.isnan(b).any(axis=1)
    # The toolkit holds regions in single precision and rounds halves to even.
    a, b = (np.round(np.where(missing[:, None], 0, v).astype(np.float32)) for v in (a, b))
    a, b = a.astype(np.float64), b.astype(np.float64)
    overlap = np.zeros(len(a))
    extent = _union(_extent(a), _extent(b))
    window = extent.copy()
    if bounds is not None:
        window[:, :2] = np.maximum(window[:, :2], 0)
        window[:, 2:] = np.minimum(window[:, 2:], np.array(bounds) - 1)
    rows = np.where(missing, 0, window[:, 3] - window[:, 1] + 1).astype(int)
    step = max(1, _CHUNK // (max(int(rows.max(initial=1)), 1) * max(a.shape[1], b.shape[1])))
    for start in range(0, len(a), step):
        part = slice(start, start + step)
        overlap[part] = _count(a[part], b[part], window[part])
    # As the toolkit has it: regions without extent are alike, regions beyond the image are not.
    flat = (window[:, 0] >= window[:, 2]) | (window[:, 1] >= window[:, 3])
    alike = (extent[:, 0] >= extent[:, 2]) | (extent[:, 1] >= extent[:, 3])
    return np.where(missing, 0, np.where(alike, 1, np.where(flat, 0, overlap)))


def _extent(regions: Array) -> Array:
    if regions.shape[1] == 4:
        return np.concatenate([regions[:, :2], regions[:, :2] + regions[:, 2:] - 1], axis=1)
    x, y = regions[:, 0::2], regions[:, 1::2]
    return np.stack([x.min(1), y.min(1), x.max(1), y.max(1)], axis=1)


def _union(a: Array, b: Array) -> Array:
    return np.concatenate([np.minimum(a[:, :2], b[:, :2]), np.maximum(a[:, 2:], b[:, 2:])], axis=1)


def _count(a: Array, b: Array, window: Array) -> Array:
    height = int(max((window[:, 3] - window[:, 1]).max(initial=0), 0)) + 1
    row = window[:, 1:2] + np.arange(height)
    left_a, right_a = _intervals(a, row, window)
    left_b, right_b = _intervals(b, row, window)
    inside = row <= window[:, 3:]
    size_a = np.where(inside, np.maximum(right_a - left_a + 1, 0), 0)
    size_b = np.where(inside, np.maximum(right_b - left_b + 1, 0), 0)
    both = np.minimum(right_a, right_b) - np.maximum(left_a, left_b) + 1
    both = np.where((size_a > 0) & (size_b > 0), np.maximum(both, 0), 0).sum(axis=1)
    either = size_a.sum(axis=1) + size_b.sum(axis=1) - both
    return both / np.where(either == 0, 1, either)


def _intervals(regions: Array, row: Array, window: Array) -> tuple[Array, Array]:
    """Returns the first and last pixel (N, H) of each region in each row, cut to the window."""
    if regions.shape[1] == 4:
        x, y, width, height = (regions[:, i : i + 1] for i in range(4))
        filled = (row >= y) & (row <= y + height - 1)
        left, right = np.where(filled, x, _OUTSIDE[0]), np.where(filled, x + width - 1, _OUTSIDE[1])
    else:
        left, right = _crossings(regions, row, window[:, :1])
        filled = right >= left
    left = np.where(filled, np.maximum(left, window[:, :1]), _OUTSIDE[0])
    return left, np.where(filled, np.minimum(right, window[:, 2:3]), _OUTSIDE[1])


def _crossings(polygons: Array, row: Array, origin: Array) -> tuple[Array, Array]:
    x, y = polygons[:, 0::2], polygons[:, 1::2]
    left, right = np.full(row.shape, np.inf), np.full(row.shape, -np.inf)
    for i in range(x.shape[1]):
        x0, y0, x1, y1 = (v[:, [k]] for k in (i, i - 1) for v in (x, y))
        level = y0 == y1
        along = np.where(level, 0, (row - y0) / np.where(level, 1, y1 - y0))
        # Truncated toward the window's left edge, as an integer cast does.
        node = np.trunc(x0 - origin + along * (x1 - x0)) + origin
        touches = (row >= np.minimum(y0, y1)) & (row <= np.maximum(y0, y1))
        left = np.where(touches, np.minimum(left, node), left)
        right = np.where(touches, np.maximum(right, node), right)
    return left, right
