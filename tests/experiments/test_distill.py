"""Distillation: normalisation folds away, inputs are distorted in place, targets are right."""

import subprocess
import sys

import crop_bank
import distill_compact
import distort
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small
import student
import teachers
from PIL import Image
from safetensors.numpy import load_file, save_file

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


def test_half_precision_is_that_of_the_convolutions_alone():
    params, _ = student.init(NETWORK, jax.random.key(0))
    image = 255 * jax.random.uniform(jax.random.key(2), (2, 32, 32, 3))
    exact, moments = student.apply(NETWORK, params, image)
    short, rounded = student.apply(NETWORK, params, image, jnp.bfloat16)
    for a, b in zip(exact, short, strict=True):
        assert b.dtype == jnp.float32
        assert 1e-5 < jnp.abs(a - b).mean() / jnp.abs(a).mean() < 0.05
    assert (
        all(x.dtype == jnp.float32 for x in rounded.values()) and moments.keys() == rounded.keys()
    )


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
    mean, directions = teachers.components(rows, 2)
    found = (rows - mean) @ directions
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(found.var(axis=0).mean(), 1.0, rtol=1e-3)
    np.testing.assert_allclose(found.std(axis=0)[0] / found.std(axis=0)[1], 3.0, rtol=0.05)


def test_every_teacher_counts_alike_whatever_its_scale():
    rng = np.random.default_rng(0)
    shallow = [rng.normal(size=(2, 8, 8, 40)), 100 * rng.normal(size=(2, 8, 8, 40))]
    deep = [rng.normal(size=(2, 8, 8, 100))]
    (mean, directions), _ = teachers.find_bases([shallow, deep])
    assert mean.shape == (80,) and directions.shape == (80, 64)
    first, second = np.split(directions, 2)
    ratio = np.linalg.norm(first) / (100 * np.linalg.norm(second))
    assert 0.5 < ratio < 2


def test_crops_lie_within_their_pictures_and_show_them_upright(tmp_path):
    """Red rises to the right, green to the bottom; blue tells the two pictures apart."""
    files = []
    for blue, (width, height) in ((10, (300, 150)), (200, (40, 90))):
        ramps = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
        picture = np.stack([*ramps, np.full((height, width), blue)], -1).astype(np.uint8)
        files.append(str(tmp_path / f"{blue}.png"))
        Image.fromarray(picture).save(files[-1])
    bank = crop_bank.load(files)
    np.testing.assert_array_equal(bank.extents, [[256, 128], [40, 90]])
    rows = jnp.tile(jnp.arange(2), 32)
    crops = np.asarray(crop_bank.draw(bank, jax.random.key(0), rows, 24))
    assert crops.shape == (64, 24, 24, 3)
    np.testing.assert_allclose(crops[0::2, ..., 2], 10, atol=0.1)
    np.testing.assert_allclose(crops[1::2, ..., 2], 200, atol=0.1)
    right = crops[:, :, -1, 0].mean(1) - crops[:, :, 0, 0].mean(1)
    down = crops[:, -1, :, 1].mean(1) - crops[:, 0, :, 1].mean(1)
    assert 0.2 < (right < 0).mean() < 0.8 and (down > 0).all()
    # Of the wide picture's width a crop shows 2/5 to all of its height's share.
    share = np.abs(right[0::2]) / 255 / (128 / 256) * 24 / 23
    assert 0.35 < share.min() < 0.6 and 0.8 < share.max() < 1.05


def test_the_rate_rises_and_falls_to_nothing():
    assert distill_compact.rate(0.0) == 0.0
    assert distill_compact.rate(distill_compact.WARMUP) == 1.0
    assert 0.49 < distill_compact.rate(0.5 + distill_compact.WARMUP / 2) < 0.51
    assert distill_compact.rate(1.0) < 1e-9


@pytest.mark.slow
def test_a_distillation_writes_weights_goes_on_and_refuses_other_flags(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "data").mkdir()
    for i in range(12):
        picture = rng.integers(0, 255, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(picture).save(tmp_path / "data" / f"{i}.png")
    network, _ = teachers.TEACHERS["googlenet"]
    random = {k: np.asarray(v) for k, v in network.init(jax.random.key(0)).items()}
    save_file(random, tmp_path / "teacher.safetensors")
    output = tmp_path / "distilled"

    def run(*flags):
        return subprocess.run(
            [
                *(sys.executable, distill_compact.__file__, f"--data={tmp_path / 'data'}"),
                f"--teachers=googlenet={tmp_path / 'teacher.safetensors'}",
                *("--widths=4,4,8,8", "--batch=4", "--crop_size=64", "--checkpoint_every=2"),
                *(f"--output={output}", *flags),
            ],
            capture_output=True,
            text=True,
            env=small.environment(),
        )

    first = run("--steps=2")
    assert first.returncode == 0, first.stderr
    weights = load_file(output / "weights.safetensors")
    shapes = {k: v for k, v in NETWORK.param_shapes().items() if not k.startswith("box/")}
    assert {k: v.shape for k, v in weights.items()} == shapes
    second = run("--steps=5")
    assert second.returncode == 0 and "going on from step 2" in second.stdout, second.stderr
    steps = [line.split(",")[0] for line in (output / "log.csv").read_text().splitlines()]
    assert steps == ["step", "2", "4", "5"]
    other = run("--steps=5", "--shift=0")
    assert other.returncode == 1 and "was begun with shift 8" in other.stderr
    lent = run("--seconds=2", f"--output={tmp_path / 'lent'}")
    assert lent.returncode == 0 and (tmp_path / "lent/weights.safetensors").exists(), lent.stderr
