"""The 1x1 channel reduction of one layer, fixed on the first frame."""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Reduction(NamedTuple):
    """(x - mean) @ basis."""

    mean: jax.Array  # (D,)
    basis: jax.Array  # (D, C)


def principal(features: jax.Array, channels: int, *, scaled: bool = True) -> Reduction:
    """Principal components of a layer's features on the first frame.

    Args:
      features: (N, H, W, D).
      channels: C, number of components; with fewer dimensions than that the rest are zero.
      scaled: to unit deviation, all components together; otherwise the basis is orthonormal.
    """
    x = features.reshape(-1, features.shape[-1])
    mean = x.mean(axis=0)
    x = x - mean[None]
    covariance = jnp.matmul(x.T, x, precision="highest") / x.shape[0]
    values, vectors = jnp.linalg.eigh(covariance)
    kept = min(channels, x.shape[-1])
    basis = vectors[:, ::-1][:, :kept]
    if scaled:
        variance = jnp.maximum(values[::-1][:kept], 1e-6 * values[-1] + 1e-12)
        basis = basis / jnp.sqrt(jnp.mean(variance))
    return Reduction(mean, jnp.pad(basis, ((0, 0), (0, channels - kept))))


def random(key: jax.Array, dimensions: int, channels: int) -> Reduction:
    """MSRA-initialised reduction without a mean, as the released code starts (and nearly stays)."""
    basis = jax.random.normal(key, (dimensions, channels), jnp.float32)
    return Reduction(jnp.zeros(dimensions, jnp.float32), basis * (2.0 / dimensions) ** 0.5)


def reduce(features: jax.Array, reduction: Reduction) -> jax.Array:
    """Returns the reduced features (N, H, W, C) of (N, H, W, D)."""
    centred = features - reduction.mean.reshape(1, 1, 1, -1)
    return jnp.matmul(centred, reduction.basis, precision="highest")
