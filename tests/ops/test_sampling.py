"""Crops against what they must show: borders, averages, and no dependence on the frame's size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax.ops import sampling

crop = jax.jit(sampling.crop, static_argnames="size")
warp = jax.jit(sampling.warp)


def ramp(height, width):
    y, x = np.mgrid[:height, :width]
    return np.stack([x + 0.5, y + 0.5, np.zeros_like(x)], axis=-1).astype(np.float32)


def test_unit_crop_copies_pixels():
    frame = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    patch = crop(frame, center=jnp.array([25.0, 20.0]), side=jnp.array(16.0), size=16)
    np.testing.assert_allclose(patch, frame[12:28, 17:33], atol=1e-4)


@pytest.mark.parametrize("side", [8.0, 16.0, 37.0, 64.0])
def test_pixels_lie_where_continuous_coordinates_say(side):
    """On a ramp every output pixel is its own place in the frame, whatever the filter's width."""
    patch = crop(ramp(200, 200), center=jnp.array([100.0, 90.0]), side=jnp.array(side), size=16)
    expected = -side / 2 + (np.arange(16) + 0.5) * side / 16
    # A triangle of fractional width weighs a ramp to within a fiftieth of a pixel or so.
    np.testing.assert_allclose(patch[3, :, 0], 100 + expected, atol=0.05)
    np.testing.assert_allclose(patch[:, 3, 1], 90 + expected, atol=0.05)


def test_border_is_repeated():
    frame = np.full((20, 20, 3), 7, np.uint8)
    frame[:, -1] = 200
    patch = crop(frame, center=jnp.array([40.0, 10.0]), side=jnp.array(16.0), size=8)
    np.testing.assert_allclose(patch, 200)


def test_shrinking_averages_instead_of_skipping():
    checkers = np.indices((160, 160)).sum(0) % 2 * 255
    frame = np.repeat(checkers[..., None], 3, -1).astype(np.uint8)
    patch = crop(frame, center=jnp.array([80.0, 80.0]), side=jnp.array(128.0), size=32)
    np.testing.assert_allclose(patch, 127.5, atol=2.0)


def test_a_crop_is_the_same_whatever_lies_far_beside_it():
    """Of a wide frame only some columns are read: which, must not be seen in the crop."""
    frame = np.random.default_rng(1).integers(0, 256, (200, 900, 3), np.uint8)
    for side in (16.0, 40.0, 90.0):
        for x in (5.0, 250.0, 890.0):
            wide = crop(frame, center=jnp.array([x, 60.0]), side=jnp.array(side), size=16)
            low = int(np.clip(x - 150, 0, 600))
            part = frame[:, low : low + 300]
            center = jnp.array([x - low, 60.0])
            narrow = crop(part, center=center, side=jnp.array(side), size=16)
            np.testing.assert_allclose(wide, narrow, atol=1e-3)


@pytest.mark.parametrize("side", [12.0, 37.0])
def test_a_crop_is_differentiated_by_place_and_side(side):
    frame = np.random.default_rng(1).integers(0, 256, (80, 90, 3), np.uint8)
    weight = np.random.default_rng(2).normal(size=(8, 8, 3)).astype(np.float32)

    @jax.jit
    def score(place):
        patch = sampling.crop(frame, center=place[:2], side=place[2], size=8)
        return jnp.sum(patch * weight)

    place, step = jnp.array([41.3, 33.7, side]), 1e-2
    found = jax.jit(jax.grad(score))(place)
    for k in range(3):
        move = step * jnp.eye(3)[k]
        expected = (score(place + move) - score(place - move)) / (2 * step)
        assert float(found[k]) == pytest.approx(float(expected), rel=0.05, abs=2.0)


def test_warp_shifts_flips_and_keeps():
    patch = np.random.default_rng(2).uniform(0, 255, (16, 16, 3)).astype(np.float32)
    still = {"shift": jnp.zeros(2), "scale": 1.0, "angle": 0.0, "flip": False}
    np.testing.assert_allclose(warp(patch, **still), patch, atol=1e-3)
    moved = warp(patch, **still | {"shift": jnp.array([3.0, 0.0])})
    np.testing.assert_allclose(moved[:, 3:], patch[:, :-3], atol=1e-3)
    mirrored = warp(patch, **still | {"flip": True})
    np.testing.assert_allclose(mirrored, patch[:, ::-1], atol=1e-3)
    turned = warp(patch, **still | {"angle": np.pi / 2})
    np.testing.assert_allclose(turned, np.rot90(patch, -1), atol=1e-2)  # clockwise
    grown = warp(ramp(17, 17), **still | {"scale": 2.0})
    np.testing.assert_allclose(grown[8, ::2, 0], 4.5 + np.arange(9), atol=1e-3)


def test_a_warp_about_a_point_keeps_that_point():
    patch = np.random.default_rng(2).uniform(0, 255, (17, 17, 3)).astype(np.float32)
    still = {"shift": jnp.zeros(2), "scale": 1.3, "angle": 0.4, "flip": True}
    moved = warp(patch, **still, about=10.5)
    np.testing.assert_allclose(moved[10, 10], patch[10, 10], atol=1e-2)
    assert np.abs(moved[8, 8] - patch[8, 8]).max() > 1.0


def test_blur_keeps_the_mean_and_lowers_contrast():
    patch = np.random.default_rng(3).uniform(0, 255, (32, 32, 3)).astype(np.float32)
    blurred = sampling.blur(patch, 2.0)
    assert blurred.std() < 0.4 * patch.std()
    assert float(blurred.mean()) == pytest.approx(patch.mean(), rel=0.02)
    np.testing.assert_allclose(sampling.blur(patch, 0.0), patch, atol=1e-3)
