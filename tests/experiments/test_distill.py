"""Distillation: normalisation folds away, inputs are distorted in place, targets are right."""

import distort
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import student
import teacher_features

from dslt_jax.backbones import Compact

NETWORK = Compact(widths=(4, 4, 8, 8))


@pytest.mark.slow
def test_what_is_exported_gives_what_was_trained():
    params, moments = student.init(NETWORK, jax.random.key(0))
    keys = iter(jax.random.split(jax.random.key(1), len(params)))
    params = {k: v + 0.1 * jax.random.normal(next(keys), v.shape) for k, v in params.items()}
    image = 255 * jax.random.uniform(jax.random.key(2), (2, 32, 32, 3))
    trained, batch = student.apply(NETWORK, params, image)
    exported = NETWORK.apply(student.fold(NETWORK, params, batch), image)
    for a, b in zip(trained, exported, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
    shapes = {k: v for k, v in NETWORK.param_shapes().items() if not k.startswith("box/")}
    assert {k: v.shape for k, v in student.fold(NETWORK, params, moments).items()} == shapes


def test_running_moments_approach_those_of_the_batches():
    moments, batch = {"m": jnp.zeros(2)}, {"m": jnp.ones(2)}
    for _ in range(300):
        moments = student.follow(moments, batch)
    np.testing.assert_allclose(moments["m"], 1 - student.MOMENTUM**300, rtol=1e-4)


def test_distortions_move_nothing_and_stay_within_range():
    image = np.full((64, 16, 16, 3), 40.0, np.float32)
    image[:, 4:8, 8:12] = 220.0
    found = np.asarray(jax.jit(distort.distort)(jax.random.key(0), image))
    assert found.shape == image.shape and found.min() >= 0 and found.max() <= 255
    unchanged = (found == image).all(axis=(1, 2, 3))
    assert 0.1 < unchanged.mean() < 0.6
    inside, outside = found[:, 5:7, 9:11].mean((1, 2, 3)), found[:, 12:, :4].mean((1, 2, 3))
    assert (inside > outside).all()  # the bright square is where it was, and still brighter


def test_components_are_half_whitened_principal_directions():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(4000, 3)) @ np.diag([9.0, 1.0, 0.1]) + [5, 0, 0]
    mean, directions = teacher_features.components(rows, 2)
    found = (rows - mean) @ directions
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(found.var(axis=0).mean(), 1.0, rtol=1e-3)
    np.testing.assert_allclose(found.std(axis=0)[0] / found.std(axis=0)[1], 3.0, rtol=0.05)


def test_every_teacher_counts_alike_whatever_its_scale():
    rng = np.random.default_rng(0)
    shallow = [rng.normal(size=(2, 8, 8, 40)), 100 * rng.normal(size=(2, 8, 8, 40))]
    deep = [rng.normal(size=(2, 8, 8, 100))]
    (mean, directions), _ = teacher_features.find_bases([shallow, deep])
    assert mean.shape == (80,) and directions.shape == (80, 64)
    first, second = np.split(directions, 2)
    ratio = np.linalg.norm(first) / (100 * np.linalg.norm(second))
    assert 0.5 < ratio < 2
