"""Means over cells, levels of grey, and colour names of colours that everyone names alike."""

import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax.ops import features


def plain(colour, size=8):
    return jnp.broadcast_to(jnp.asarray(colour, jnp.float32), (size, size, 3))


def test_cells_are_means():
    image = np.random.default_rng(0).uniform(0, 255, (8, 12, 3)).astype(np.float32)
    pooled = features.pool(jnp.asarray(image), 4)
    np.testing.assert_allclose(pooled[1, 2], image[4:8, 8:12].mean((0, 1)), rtol=1e-5)


@pytest.mark.parametrize(
    "rgb, expected",
    [
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((128, 128, 128), (53.59, 0, 0)),
    ],
)
def test_lab_of_known_colours(rgb, expected):
    found = features.lab(jnp.asarray(rgb, jnp.float32))
    np.testing.assert_allclose(found, expected, atol=0.05)


@pytest.mark.parametrize(
    "colour, name",
    [
        ((255, 0, 0), "red"),
        ((0, 160, 0), "green"),
        ((20, 40, 220), "blue"),
        ((255, 240, 0), "yellow"),
        ((255, 140, 0), "orange"),
        ((90, 50, 20), "brown"),
        ((255, 170, 190), "pink"),
        ((128, 0, 128), "purple"),
        ((140, 140, 140), "grey"),
        ((0, 0, 0), "black"),
        ((255, 255, 255), "white"),
    ],
)
def test_colours_have_their_names(colour, name):
    found = features.colour_names(plain(colour), 4)
    assert found.shape == (2, 2, 11)
    assert list(features.TERMS)[int(found[0, 0].argmax())] == name


@pytest.mark.parametrize("cell", [2, 3, 4])
def test_shares_of_a_cell_sum_to_nothing(cell):
    image = np.random.default_rng(0).uniform(0, 255, (12, 12, 3)).astype(np.float32)
    for found in (features.colour_names(jnp.asarray(image), cell), features.levels(image, cell)):
        assert found.shape[:2] == (12 // cell, 12 // cell)
        np.testing.assert_allclose(found.sum(-1), 0, atol=1e-5)


def test_levels_share_a_grey_between_the_nearest():
    found = features.levels(plain((63.75, 63.75, 63.75), 4), 4)[0, 0] + 1 / 6
    np.testing.assert_allclose(found, [0, 0.75, 0.25, 0, 0, 0], atol=1e-5)
