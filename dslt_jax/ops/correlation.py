"""Correlation of a patch with all circular shifts of another, as spectra.

Source: Henriques et al., "High-Speed Tracking with Kernelized Correlation Filters", PAMI 2015,
equations 30 and 31.
"""

import jax
import jax.numpy as jnp

from dslt_jax.ops.fourier import energy


def linear_kernel(x: jax.Array, z: jax.Array) -> jax.Array:
    """Products of z with every shift of x, a mean over their numbers.

    Args:
      x, z: (C, G, G // 2 + 1) spectra of real features (C, G, G).

    Returns:
      (G, G // 2 + 1) spectrum.
    """
    channels, size, _ = x.shape
    return jnp.sum(jnp.conj(x) * z, axis=0) / (channels * size * size)


def gaussian_kernel(x: jax.Array, z: jax.Array, sigma: jax.Array | float) -> jax.Array:
    """exp(-|x - z|^2 / (sigma^2 N)) for every shift of x, N numbers each; as above."""
    channels, size, _ = x.shape
    count = channels * size * size
    product = jnp.fft.irfft2(jnp.sum(jnp.conj(x) * z, axis=0), (size, size))
    distance = jnp.maximum(energy(x) + energy(z) - 2 * product, 0.0) / count
    return jnp.fft.rfft2(jnp.exp(-distance / jnp.square(sigma)))


def centered(response: jax.Array) -> jax.Array:
    """Returns a response over circular shifts (G, G) with no shift in the middle, at G // 2."""
    return jnp.fft.fftshift(response)
