"""Overlap counted in pixels: against masks."""

import numpy as np

from dslt_jax import boxes
from dslt_jax.benchmarks.metrics.raster import raster_iou


def test_boxes_count_pixels():
    a = np.array([[10, 10, 20, 20], [0, 0, 10, 10], [0, 0, 10, 10]], float)
    b = np.array([[20, 10, 20, 20], [0, 0, 10, 10], [40, 40, 5, 5]], float)
    np.testing.assert_allclose(raster_iou(a, b), [200 / 600, 1, 0])


def test_a_polygon_includes_its_last_row_and_column():
    polygon = boxes.to_polygons(np.array([[10.0, 10, 20, 20]]))  # pixels 10 .. 30
    box = np.array([[10.0, 10, 21, 21]])
    assert raster_iou(polygon, box)[0] == 1
    assert raster_iou(polygon, box + np.array([0, 0, 9, 0]))[0] == 21 / 30


def test_bounds_cut_both():
    a, b = np.array([[-10.0, 0, 20, 10]]), np.array([[0.0, 0, 10, 10]])
    assert raster_iou(a, b)[0] == 0.5
    assert raster_iou(a, b, (100, 100))[0] == 1
    assert raster_iou(a - [[50, 0, 0, 0]], b - [[50, 0, 0, 0]], (100, 100))[0] == 0


def test_a_diamond_against_its_mask():
    diamond = np.array([[20, 0, 40, 20, 20, 40, 0, 20]], float)
    y, x = np.mgrid[0:41, 0:41]
    mask = np.abs(x - 20) + np.abs(y - 20) <= 20
    assert raster_iou(diamond, np.array([[0.0, 0, 41, 41]]))[0] == mask.sum() / mask.size


def test_missing_regions_overlap_with_nothing():
    some = np.array([[0.0, 0, 5, 5]])
    assert raster_iou(some * np.nan, some)[0] == 0


def test_near_the_exact_overlap_for_large_targets():
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 3, 50)
    side = np.stack([np.cos(angle), np.sin(angle)], 1) * 150
    up = np.stack([-np.sin(angle), np.cos(angle)], 1) * 100
    center = np.full((50, 2), 400.0)
    a = np.concatenate(
        [center - side - up, center + side - up, center + side + up, center - side + up], 1
    )
    b = a + np.tile(rng.normal(0, 30, (50, 2)), 4)
    np.testing.assert_allclose(raster_iou(a, b), boxes.polygon_iou(a, b), atol=0.02)
