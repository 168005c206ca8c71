"""Crops against what they must show: borders, averages, and no dependence on the frame's size."""

import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax import sampling


def ramp(height, width):
    y, x = np.mgrid[:height, :width]
    return np.stack([x + 0.5, y + 0.5, np.zeros_like(x)], axis=-1).astype(np.float32)


def test_unit_crop_copies_pixels():
    frame = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    patch = sampling.crop(frame, jnp.array([25.0, 20.0]), jnp.array(16.0), 16)
    np.testing.assert_allclose(patch, frame[12:28, 17:33], atol=1e-4)


@pytest.mark.parametrize("side", [8.0, 16.0, 37.0, 64.0])
def test_pixels_lie_where_continuous_coordinates_say(side):
    """On a ramp every output pixel is its own place in the frame, whatever the filter's width."""
    patch = sampling.crop(ramp(200, 200), jnp.array([100.0, 90.0]), jnp.array(side), 16)
    expected = -side / 2 + (np.arange(16) + 0.5) * side / 16
    # A triangle of fractional width weighs a ramp to within a fiftieth of a pixel or so.
    np.testing.assert_allclose(patch[3, :, 0], 100 + expected, atol=0.05)
    np.testing.assert_allclose(patch[:, 3, 1], 90 + expected, atol=0.05)


def test_border_is_repeated():
    frame = np.full((20, 20, 3), 7, np.uint8)
    frame[:, -1] = 200
    patch = sampling.crop(frame, jnp.array([40.0, 10.0]), jnp.array(16.0), 8)
    np.testing.assert_allclose(patch, 200)


def test_shrinking_averages_instead_of_skipping():
    checkers = np.indices((160, 160)).sum(0) % 2 * 255
    frame = np.repeat(checkers[..., None], 3, -1).astype(np.uint8)
    patch = sampling.crop(frame, jnp.array([80.0, 80.0]), jnp.array(128.0), 32)
    np.testing.assert_allclose(patch, 127.5, atol=2.0)


def test_pyramid_is_its_crops():
    frame = np.random.default_rng(1).integers(0, 256, (60, 60, 3), np.uint8)
    center, sides = jnp.array([30.0, 28.0]), jnp.array([20.0, 24.0, 30.0])
    stack = sampling.crop_pyramid(frame, center, sides, 12)
    for patch, side in zip(stack, sides, strict=True):
        np.testing.assert_allclose(patch, sampling.crop(frame, center, side, 12), atol=1e-3)


def test_warp_shifts_flips_and_keeps():
    patch = np.random.default_rng(2).uniform(0, 255, (16, 16, 3)).astype(np.float32)
    still = {"shift": jnp.zeros(2), "scale": 1.0, "angle": 0.0, "flip": False}
    np.testing.assert_allclose(sampling.warp(patch, **still), patch, atol=1e-3)
    moved = sampling.warp(patch, **still | {"shift": jnp.array([3.0, 0.0])})
    np.testing.assert_allclose(moved[:, 3:], patch[:, :-3], atol=1e-3)
    mirrored = sampling.warp(patch, **still | {"flip": True})
    np.testing.assert_allclose(mirrored, patch[:, ::-1], atol=1e-3)
    turned = sampling.warp(patch, **still | {"angle": np.pi / 2})
    np.testing.assert_allclose(turned, np.rot90(patch, -1), atol=1e-2)  # clockwise
    grown = sampling.warp(ramp(17, 17), **still | {"scale": 2.0})
    np.testing.assert_allclose(grown[8, ::2, 0], 4.5 + np.arange(9), atol=1e-3)


def test_blur_keeps_the_mean_and_lowers_contrast():
    patch = np.random.default_rng(3).uniform(0, 255, (32, 32, 3)).astype(np.float32)
    blurred = sampling.blur(patch, 2.0)
    assert blurred.std() < 0.4 * patch.std()
    assert float(blurred.mean()) == pytest.approx(patch.mean(), rel=0.02)
    np.testing.assert_allclose(sampling.blur(patch, 0.0), patch, atol=1e-3)
