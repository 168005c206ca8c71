"""CRT: the authors' loss by hand, what it remembers, and that it follows."""

import blocks
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small

import dslt_jax as dslt
from dslt_jax import presets
from dslt_jax.learners import Samples
from dslt_jax.ops import spectral
from dslt_jax.trackers.dslt import Region

CHANGES = ("kernel_size=12", "fusion.channels=8", "size.crop=48")


def tracker(*changes):
    return blocks.small(presets.crt(), Region(target=24, search=80), *CHANGES, *changes)


def test_the_objective_is_a_hundred_times_the_authors():
    """Theirs: sum((0.1 exp(y) [|p - y| > 0.1] (p - y))^2) + 0.5 * 1e3 |k|^2."""
    crt, grid = tracker(), 20
    rng = np.random.default_rng(0)
    features = jnp.asarray(rng.normal(size=(1, 8, grid, grid)), jnp.float32)
    spectra = spectral.spectrum(features, spectral.fft_size(grid, 12))
    label = jnp.asarray(rng.uniform(size=(1, grid, grid)), jnp.float32)
    mask = spectral.kernel_mask(jnp.array([6.0, 5.0]), 12)
    objective = crt.objective(Samples(spectra, label, jnp.ones(1), jnp.asarray(1)), mask)
    kernel = 0.01 * jax.random.normal(jax.random.key(0), (8, 12, 12))
    error = np.asarray(objective.respond(kernel) - label, np.float64)
    hard = np.where(np.abs(error) > 0.1, error, 0)
    assert 0.05 < (hard == 0).mean() < 0.95
    data = np.square(0.1 * np.exp(np.asarray(label)) * hard).sum()
    decay = 0.5e3 * np.square(np.asarray(kernel)).sum()
    assert float(objective(kernel)) == pytest.approx(100 * (data + decay), rel=1e-4)


def test_it_follows_and_forgets_the_first_frame():
    frames, truth = small.clip(10, speed=(3.0, 1.0))
    crt = tracker("first.steps=300", "first.learner.rates=2e-6", "online.learner.rates=1e-7")
    state = dslt.init(crt, {}, frames[0], truth[0])
    np.testing.assert_array_equal(state.samples.weights, [1, 0, 0, 0, 0, 0])
    for frame in frames[1:]:
        state, out = dslt.step(crt, {}, state, frame)
        assert bool(out.extra["updated"])
    box = np.asarray(out.box)
    miss = np.linalg.norm(box[:2] + box[2:] / 2 - truth[-1, :2] - [12, 10])
    assert miss < 4.0 and float(out.confidence) > 0.3
    np.testing.assert_array_equal(state.samples.weights, [0, 1, 1, 1, 1, 1])


def test_two_layers_are_told():
    with pytest.raises(ValueError, match=r"learns on one layer.*choose one, e\.g\. backbone\.take"):
        dslt.override(presets.crt(), ["backbone.take=conv4_3,conv5_3"])
