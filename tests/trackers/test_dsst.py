"""DSST follows a target that grows, and its box keeps the aspect ratio."""

import numpy as np

import dslt_jax as dslt
from dslt_jax import boxes, presets
from dslt_jax.ops.scale_filter import zooms


def test_it_follows_size():
    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (20, 20, 3)).repeat(12, 0).repeat(12, 1).astype(np.float32)
    growth = 1.015 ** np.arange(24)
    frames = [
        np.asarray(zooms(coarse, np.float32([[160 / g] * 2]), 160)[0]).astype(np.uint8)
        for g in growth
    ]
    truth = [np.float32([80 - 24 * g, 80 - 16 * g, 48 * g, 32 * g]) for g in growth]
    tracker = presets.by_name("dsst")
    state, overlaps = dslt.init(tracker, {}, frames[0], truth[0]), []
    for frame, box in zip(frames[1:], truth[1:], strict=True):
        state, out = dslt.step(tracker, {}, state, frame)
        overlaps.append(boxes.iou(np.asarray(out.box), box))
    assert min(overlaps) > 0.85
    np.testing.assert_allclose(out.box[2] / out.box[3], 1.5, rtol=1e-5)
