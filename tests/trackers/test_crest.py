"""CREST: its response and its loss by hand, and that it follows."""

import blocks
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small
from scipy.signal import correlate2d

import dslt_jax as dslt
from dslt_jax import presets
from dslt_jax.learners import Samples
from dslt_jax.ops import spectral
from dslt_jax.trackers.crest import Window

GRID = 16
REGION = Window(target=24, search=64)
CHANGES = ("kernel_size=8", "fusion.channels=6", "size.crop=48")


def tracker(*changes):
    return blocks.small(presets.crest(), REGION, *CHANGES, *changes)


def problem(seed=0):
    """A tracker, branches of visible size, two samples' features, their samples, and a mask."""
    crest = tracker()
    rng = np.random.default_rng(seed)
    kernel = jax.tree.map(
        lambda k: jnp.asarray(rng.normal(size=k.shape), jnp.float32),
        crest.start(jax.random.key(0), 6),
    )
    features = jnp.asarray(rng.normal(size=(2, 6, GRID, GRID)), jnp.float32)
    spectra = spectral.spectrum(features, spectral.fft_size(GRID, 8))
    labels = jnp.asarray(rng.uniform(size=(2, GRID, GRID)), jnp.float32)
    samples = Samples(spectra, labels, jnp.ones(2), jnp.asarray(2))
    return crest, kernel, features, samples, spectral.kernel_mask(jnp.full(2, 6.0), 8)


def by_hand(kernel, features, mask):
    """The response at the edges between cells: by loops over channels, in NumPy."""
    kernel, features, mask = jax.tree.map(np.asarray, (kernel, features, mask))
    padded = np.pad(features, ((0, 0), (0, 0), (1, 0), (1, 0)))
    points = sum(padded[:, :, i : i + GRID, j : j + GRID] for i in (0, 1) for j in (0, 1)) / 4
    found = []
    for x, point in zip(features, points, strict=True):
        base = sum(
            correlate2d(np.pad(one, 4), mask * k, "valid")[:GRID, :GRID]
            for one, k in zip(x, kernel.base, strict=True)
        )
        hidden = np.maximum(
            np.tensordot(kernel.spatial[0].T, point, 1) + kernel.biases[0][:, None, None], 0
        )
        hidden = np.maximum(
            np.tensordot(kernel.spatial[1].T, hidden, 1) + kernel.biases[1][:, None, None], 0
        )
        spatial = np.tensordot(kernel.spatial[2], hidden, 1)
        found.append(base + spatial + np.tensordot(kernel.temporal, points[0], 1))
    return np.stack(found)


def test_the_response_is_base_spatial_and_temporal_residual():
    crest, kernel, features, samples, mask = problem()
    found = crest.objective(samples, mask).respond(kernel)
    np.testing.assert_allclose(found, by_hand(kernel, features, mask), rtol=1e-3, atol=1e-3)


def test_the_gradient_is_the_authors_up_to_the_maps_size():
    """Theirs: 2 exp(y) (p - y) / n where |p - y| >= 0.1, and decay times the weight."""
    crest, kernel, _, samples, mask = problem()
    objective = crest.objective(samples, mask)
    response, back = jax.vjp(objective.respond, kernel)
    error = response - samples.labels
    error = jnp.where(jnp.abs(error) < 0.1, 0.0, error)
    n = GRID**2
    (data,) = back(2 * jnp.exp(samples.labels) * error / n / 2)  # a mean over the two samples
    expected = [
        jax.tree.map(lambda g, k, d=decay: g + d * k, *pair)
        for decay, *pair in zip(crest.decays, data, kernel, strict=True)
    ]
    found = jax.grad(objective)(kernel)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a / n, b, rtol=2e-3, atol=1e-3),
        list(found),
        expected,
    )


def test_the_region_holds_five_times_the_longer_side():
    region = presets.crest().region
    assert float(region.side(jnp.array([20.0, 60.0]))) == pytest.approx(300)
    assert presets.crest().notes([0, 0, 40, 400]) == []  # its whole length fits the canvas
    assert "little to learn" in presets.crest().notes([0, 0, 9, 400])[0]


def test_all_branches_learn_the_first_frame_and_it_follows():
    frames, truth = small.clip(6, speed=(3.0, 1.0))
    rates = [f"first.learner.rates.{i}={r}" for i, r in enumerate((2e-6, 2e-6, 1e-7, 1e-6))]
    crest = tracker("first.steps=150", *rates, "online.learner.rates.0=1e-7")
    state = dslt.init(crest, {}, frames[0], truth[0])
    for branch, start in zip(state.head.kernel, crest.start(jax.random.key(0), 6), strict=True):
        pairs = zip(jax.tree.leaves(branch), jax.tree.leaves(start), strict=True)
        assert any(np.abs(np.asarray(new - old)).max() > 1e-7 for new, old in pairs)
    updated = []
    for frame in frames[1:]:
        state, out = dslt.step(crest, {}, state, frame)
        updated.append(bool(out.extra["updated"]))
    box = np.asarray(out.box)
    miss = np.linalg.norm(box[:2] + box[2:] / 2 - truth[-1, :2] - [12, 10])
    assert miss < 4.0 and float(out.confidence) > 0.3
    assert updated == [True, False] * 2 + [True]  # every second frame


def test_what_does_not_go_together_is_told():
    with pytest.raises(ValueError, match=r"first\.learner=gauss_newton solves linear models"):
        tracker("first.learner=gauss_newton", "first.steps=2", "first.stop=none")
    with pytest.raises(
        ValueError, match=r"decays=1\.0,2\.0 must be 4 numbers, of base, spatial, te"
    ):
        tracker("decays=1,2")
    with pytest.raises(ValueError, match=r"online\.learner\.rates=1e-08 must be 4 numbers"):
        tracker("online.learner.rates=1e-8")
    with pytest.raises(ValueError, match=r"size\.crop=80 must be at most region\.search=64"):
        tracker("size.crop=80")
    with pytest.raises(ValueError, match="learns on one layer, the backbone 'vgg16' has 2"):
        dslt.override(presets.crest(), ["backbone.take=conv4_3,conv5_3"])
