"""The mixture of samples against its rules, written out on lists."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from half_spectra import numbers

from dslt_jax.learners.mixture import Mixture
from dslt_jax.ops import fourier


def by_the_rules(samples, size, rate):
    """Means and weights of functions that come one after the other."""
    means, weights = [samples[0]], [1.0]
    for new in samples[1:]:
        if len(means) < size:
            means.append(new)
            weights = [w * (1 - rate) for w in weights] + [rate]
            continue
        oldest = int(np.argmin(weights))
        if weights[oldest] < rate * (1 - rate) ** (2 * size):
            weights[oldest] = 0.0
            weights = [w * (1 - rate) / sum(weights) for w in weights]
            means[oldest], weights[oldest] = new, rate
            continue
        weights = [w * (1 - rate) for w in weights]
        to_new = [np.sum((m - new) ** 2) for m in means]
        pairs = {(i, j): np.sum((means[i] - means[j]) ** 2) for i in range(size) for j in range(i)}
        (i, j), least = min(pairs.items(), key=lambda pair: pair[1])
        if min(to_new) < least:
            k = int(np.argmin(to_new))
            means[k] = (weights[k] * means[k] + rate * new) / (weights[k] + rate)
            weights[k] += rate
        else:
            total = weights[i] + weights[j]
            means[i] = (weights[i] * means[i] + weights[j] * means[j]) / total
            means[j], weights[i], weights[j] = new, total, rate
    return sorted(zip(weights, means, strict=True), key=lambda pair: pair[0])


# After 2 * size frames a weight is at the limit itself, where rounding decides.
@pytest.mark.parametrize("rate, count", [(0.05, 13), (0.3, 25)])
def test_it_keeps_the_rules(rate, count):
    kinds = numbers(0, 3, 2, 6, 6)
    which = np.random.default_rng(1).integers(0, 3, count)
    samples = kinds[which] + 0.3 * numbers(2, count, 2, 6, 6)
    mixture = Mixture(size=5, rate=rate)
    found = mixture.start(jnp.fft.rfft2(samples[0]))
    add = jax.jit(mixture.add)
    for sample in samples[1:]:
        found = add(found, jnp.fft.rfft2(sample))
    order = np.argsort(found.weights)
    expected_weights, expected_means = zip(*by_the_rules(samples, 5, rate), strict=True)
    np.testing.assert_allclose(found.weights[order], expected_weights, rtol=1e-3)
    means = fourier.inverse(found.samples)[order]
    np.testing.assert_allclose(means, np.stack(expected_means), atol=1e-3)
    np.testing.assert_allclose(found.weights.sum(), 1.0, rtol=1e-5)
    flat = np.asarray(fourier.inverse(found.samples)).reshape(5, -1)
    np.testing.assert_allclose(found.products, 36 * flat @ flat.T, rtol=2e-3, atol=1.0)


def test_a_sample_that_is_not_good_changes_nothing():
    mixture = Mixture(size=3, rate=0.3)
    found = mixture.start(jnp.fft.rfft2(numbers(0, 2, 6, 6)))
    for seed in range(1, 6):
        for sample in (numbers(seed, 2, 6, 6), np.nan * numbers(9, 2, 6, 6)):
            again = mixture.add(found, jnp.fft.rfft2(sample), jnp.asarray(False))
            jax.tree.map(np.testing.assert_array_equal, again, found)
        found = mixture.add(found, jnp.fft.rfft2(numbers(seed, 2, 6, 6)))


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="size=1 must be at least 2"):
        Mixture(size=1)
    with pytest.raises(ValueError, match="rate=0 must be between 0 and 1"):
        Mixture(rate=0)
