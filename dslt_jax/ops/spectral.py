"""Correlation of feature maps with kernels, as products of spectra.

A 1-output convolution with a 16 x 16 kernel and its gradient are slow as convolutions and cheap as
products of spectra: padded to `fft_size` the circular correlation equals the zero-padded one,
exactly. Kernels live on a fixed canvas, so that no target's shape changes a shape.
"""

import jax
import jax.numpy as jnp


def fft_size(grid: int, kernel_size: int) -> int:
    """Side of the transform: no wrap-around reaches the map, and its factors are small."""
    size = max(grid + kernel_size // 2, kernel_size)
    while _largest_factor(size) > 5 or size % 2:
        size += 1
    return size


def _largest_factor(n: int) -> int:
    factor = 2
    while n > factor:
        if n % factor:
            factor += 1
        else:
            n //= factor
    return n


def spectrum(features: jax.Array, size: int) -> jax.Array:
    """Zero-padded transform of (..., G, G) features: (..., size // 2 + 1, size) complex64.

    The axis of columns comes first: rows and columns are transformed one after the other, each
    before it is padded, which spares the transforms of what is only zeros.
    """
    return jnp.fft.fft(jnp.fft.rfft(features, size).swapaxes(-1, -2), size)


def respond(kernel: jax.Array, spectra: jax.Array, grid: int) -> jax.Array:
    """Response maps of samples: the zero-padded correlation of their features with the kernel.

    Map position (i, j) is the score of the target's centre lying on the edge between cells
    i - 1 and i (rows) and j - 1 and j (columns).

    Args:
      kernel: (C, K, K), K even; spectra: (T, C, size // 2 + 1, size).

    Returns:
      (T, grid, grid) float32.
    """
    size, half = spectra.shape[-1], kernel.shape[-1] // 2
    product = (jnp.conj(spectrum(kernel, size))[None] * spectra).sum(axis=1)
    response = jnp.fft.irfft(jnp.fft.ifft(product).swapaxes(-1, -2), size)
    # The kernel's middle is not its corner: that shifts the few maps instead of the many channels.
    return jnp.roll(response, (half, half), (1, 2))[:, :grid, :grid]


def kernel_mask(cells: jax.Array, kernel_size: int) -> jax.Array:
    """(K, K) canvas mask: 1 on the target's extent, falling to 0 over its fractional border cell.

    It belongs inside the response, as a factor of the kernel; see `learners.Objective`.

    Args:
      cells: (2,) width and height of the target in feature cells.
    """
    distance = jnp.abs(jnp.arange(kernel_size, dtype=jnp.float32) + 0.5 - kernel_size / 2)
    x = jnp.clip(cells[0] / 2 - distance + 0.5, 0.0, 1.0)
    y = jnp.clip(cells[1] / 2 - distance + 0.5, 0.0, 1.0)
    return y[:, None] * x[None, :]
