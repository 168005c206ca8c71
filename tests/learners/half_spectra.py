"""Half spectra as vectors of real functions, so that solvers can be held against matrices."""

import jax
import jax.numpy as jnp
import numpy as np

from dslt_jax.ops import fourier


def numbers(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def matrix(operator, shape):
    """The matrix, on functions of a shape, of a linear operator on their spectra."""
    basis = jnp.eye(int(np.prod(shape))).reshape(-1, *shape)
    return np.asarray(jax.vmap(lambda f: function(operator(jnp.fft.rfft2(f))))(basis)).T


def function(spectrum):
    return fourier.inverse(spectrum).reshape(-1)
