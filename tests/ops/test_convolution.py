"""The convolution by a matrix product against XLA's, and significance against the Hessian."""

import jax
import jax.numpy as jnp
import numpy as np

from dslt_jax.backbones import layers
from dslt_jax.ops.convolution import conv, significance


def numbers(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def test_it_is_the_convolution_and_so_is_its_gradient():
    maps, kernel, weight = numbers(2, 9, 11, 3), numbers(5, 5, 3, 4, seed=1), numbers(2, 9, 11, 4)
    np.testing.assert_allclose(conv(maps, kernel), layers.conv(maps, kernel), atol=1e-4)

    def gradients(function):
        return jax.grad(lambda m, k: jnp.sum(weight * function(m, k)), (0, 1))(maps, kernel)

    for ours, theirs in zip(gradients(conv), gradients(layers.conv), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_significance_is_the_expansion_with_the_diagonal_of_the_hessian():
    maps, kernel, label = numbers(4, 5, 2), numbers(3, 3, 2, 1, seed=1), numbers(4, 5, seed=2)

    def loss(maps):
        return 0.5 * jnp.sum(jnp.square(conv(maps[None], kernel)[0, ..., 0] - label))

    slope = jax.grad(loss)(maps)
    hessian = jax.hessian(loss)(maps).reshape(maps.size, maps.size)
    diagonal = jnp.diagonal(hessian).reshape(maps.shape)
    expected = (0.5 * diagonal * maps**2 - slope * maps).sum(axis=(0, 1))
    error = conv(maps[None], kernel)[0, ..., 0] - label
    np.testing.assert_allclose(significance(maps, kernel, error), expected, rtol=1e-4)
