"""fHOG against its formula in loops, against dlib and under JAX's transformations."""

import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small

from dslt_jax.ops import hog

fhog = jax.jit(hog.fhog, static_argnames="cell")
GOLDEN = Path(__file__).parents[1] / "goldens" / "hog.npz"


def _random(height, width, channels, seed=0):
    return np.random.default_rng(seed).uniform(0, 255, (height, width, channels))


def _smooth(height, width, channels):
    image = _random(height + 6, width + 6, channels, seed=1)
    windows = np.lib.stride_tricks.sliding_window_view(image, (7, 7), axis=(0, 1))
    return windows.mean((-1, -2))


def _shapes(height, width, channels):
    """Steps, a disc and a checkerboard: many gradients of 0, and exactly between two directions."""
    y, x = np.mgrid[:height, :width]
    image = np.where(y < height // 3, 200, 40) + np.where(x < width // 2, 0, 50)
    image = np.where(np.hypot(y - height / 2, x - width / 3) < height / 4, 7, image)
    image = np.where((y > 2 * height // 3) & ((x // 3 + y // 3) % 2 == 0), 255, image)
    return np.stack([image - 3 * channel * (x % 2) for channel in range(channels)], -1)


def _formula(image, cell):
    """The features in loops over pixels and cells."""
    height, width, channels = image.shape
    rows, columns = height // cell, width // cell
    histogram = np.zeros((rows, columns, 18))
    for y in range(height):
        for x in range(width):
            up, down = max(y - 1, 0), min(y + 1, height - 1)
            left, right = max(x - 1, 0), min(x + 1, width - 1)
            length, angle = 0.0, 0.0
            for c in range(channels):
                dy = (image[down, x, c] - image[up, x, c]) / (down - up)
                dx = (image[y, right, c] - image[y, left, c]) / (right - left)
                if math.hypot(dx, dy) > length:
                    length, angle = math.hypot(dx, dy), math.atan2(dy, dx) % (2 * math.pi)
            direction = math.floor(angle / math.radians(20) + 0.5) % 18
            at_y, at_x = (y + 0.5) / cell - 0.5, (x + 0.5) / cell - 0.5
            for i in (math.floor(at_y), math.floor(at_y) + 1):
                for j in (math.floor(at_x), math.floor(at_x) + 1):
                    if 0 <= i < rows and 0 <= j < columns:
                        share = (1 - abs(at_y - i)) * (1 - abs(at_x - j))
                        histogram[i, j, direction] += share * length / 255 / cell**2
    for i in range(rows):
        for j in range(columns):
            histogram[i, j] *= (8 / 7) ** ((i in (0, rows - 1)) + (j in (0, columns - 1)))

    energy = np.sum((histogram[..., :9] + histogram[..., 9:]) ** 2, axis=-1)
    features = np.zeros((rows, columns, 31))
    for i in range(rows):
        for j in range(columns):
            for number, (di, dj) in enumerate([(0, 0), (-1, 0), (0, -1), (-1, -1)]):
                top, left = min(max(i + di, 0), rows - 2), min(max(j + dj, 0), columns - 2)
                block = energy[top : top + 2, left : left + 2].sum()
                norm = math.sqrt(block + 0.0001 / 4 / cell**4)
                for k in range(18):
                    value = min(histogram[i, j, k] / norm, 0.2)
                    features[i, j, k] += value / 2
                    features[i, j, 27 + number] += 0.2357 * value
                for k in range(9):
                    both = histogram[i, j, k] + histogram[i, j, k + 9]
                    features[i, j, 18 + k] += min(both / norm, 0.2) / 2
    return features


@pytest.mark.parametrize(
    "rows, columns, cell, channels",
    [(7, 9, 4, 3), (7, 9, 4, 1), (4, 6, 6, 3), (3, 5, 8, 1), (5, 4, 5, 3), (2, 2, 4, 1)],
)
@pytest.mark.parametrize("draw", [_random, _smooth, _shapes])
def test_agrees_with_the_formula(draw, rows, columns, cell, channels):
    image = draw(rows * cell, columns * cell, channels).astype(np.float32)
    expected = _formula(image.astype(np.float64), cell)
    np.testing.assert_allclose(fhog(jnp.asarray(image), cell=cell), expected, atol=2e-5)


@pytest.mark.parametrize("kind, cell", [("color", 4), ("color", 6), ("grey", 4), ("grey", 8)])
def test_agrees_with_dlib(kind, cell):
    with np.load(GOLDEN) as golden:
        image, expected = golden["image"], golden[f"{kind}_{cell}"]
    image = image if kind == "color" else image[..., :1]
    inside = fhog(jnp.asarray(image), cell=cell)[2:-2, 2:-2]
    np.testing.assert_allclose(inside, expected, atol=1e-5)


def test_a_step_is_seen_where_and_as_it_is():
    image = np.zeros((32, 32, 1), np.float32)
    image[:, 14:] = 100
    features = np.asarray(fhog(jnp.asarray(image)))
    assert features[4, 3].argmax() == 0  # brighter to the right: direction 0
    assert features[4, 3, 18] == features[4, 3, 0] == pytest.approx(0.4)
    assert features[4, 3, 9] == pytest.approx(0, abs=1e-3)
    assert np.all(features[:, [0, 7]] < 1e-3)
    darker = np.asarray(fhog(jnp.asarray(100 - image)))
    np.testing.assert_allclose(darker[..., 9], features[..., 0], atol=1e-6)
    np.testing.assert_allclose(darker[..., 18:27], features[..., 18:27], atol=1e-6)


def test_ties_go_to_the_first_channel_and_the_larger_angle():
    ramp = 5 * np.arange(28.0, dtype=np.float32)
    down, right = np.broadcast_arrays(ramp[:, None], ramp[None, :])
    for channels, expected in [((right, down, down), 0), ((down, right, right), 5)]:
        features = np.asarray(fhog(jnp.asarray(np.stack(channels, -1))))
        assert np.all(features[..., :18].argmax(-1) == expected)


def test_brightness_changes_little():
    image = jnp.asarray(_random(28, 36, 3), jnp.float32)
    np.testing.assert_allclose(fhog(image), fhog(0.5 * image), atol=1e-3)
    np.testing.assert_allclose(fhog(image), fhog(0.5 * image + 60), atol=1e-3)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_is_float32_whatever_comes_in(dtype):
    with small.enable_x64(True):
        image = jax.ShapeDtypeStruct((16, 24, 3), dtype)
        features = jax.eval_shape(fhog, image)
    assert features.dtype == jnp.float32 and features.shape == (4, 6, 31)


def test_runs_under_vmap():
    images = jnp.asarray(np.stack([_random(28, 36, 3, seed) for seed in range(3)]), jnp.float32)
    one_by_one = jnp.stack([fhog(image) for image in images])
    np.testing.assert_allclose(jax.jit(jax.vmap(fhog))(images), one_by_one, atol=1e-6)


@jax.jit
def _slope(image, weight):
    return jax.grad(lambda image: jnp.sum(weight * fhog(image)))(image)


def test_gradient_is_finite_on_a_flat_image():
    flat, weight = jnp.full((16, 16, 3), 90, jnp.float32), jnp.ones((4, 4, 31))
    assert np.all(fhog(flat) < 1e-5)
    assert np.all(np.isfinite(_slope(flat, weight)))
    assert np.all(np.isfinite(_slope(flat.at[:4, :4].set(200.0), weight)))


def test_gradient_is_the_slope():
    rng = np.random.default_rng(2)
    image = jnp.asarray(_random(16, 16, 3), jnp.float32)
    weight = jnp.asarray(rng.normal(size=(4, 4, 31)), jnp.float32)
    step = jnp.asarray(rng.normal(size=image.shape), jnp.float32)
    ahead, behind = (jnp.sum(weight * fhog(image + size * step)) for size in (0.02, -0.02))
    expected = float(ahead - behind) / 0.04
    assert float(jnp.sum(_slope(image, weight) * step)) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("shape", [(30, 32, 3), (32, 30, 3), (4, 32, 3)])
def test_wrong_sides_are_told(shape):
    with pytest.raises(ValueError, match="need sides of 2 or more cells of 4"):
        fhog(jnp.zeros(shape))


@pytest.mark.parametrize("shape", [(32, 32), (32, 32, 4)])
def test_wrong_channels_are_told(shape):
    with pytest.raises(ValueError, match=r"need \(H, W, 1\) or \(H, W, 3\)"):
        fhog(jnp.zeros(shape))
