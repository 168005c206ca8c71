"""Convolution of feature maps as one matrix product, for kernels that are learned on a CPU.

The maps times all taps of the kernel is a matrix product, whose parts are then shifted and added.
XLA's own convolution takes long for the gradient by a large kernel; of this one it is a matrix
product, too.
"""

import functools

import jax
import jax.numpy as jnp


def conv(maps: jax.Array, kernel: jax.Array) -> jax.Array:
    """Correlates maps with a kernel, zeros beyond the border.

    Args:
      maps: (N, G, H, C); kernel: (K, K, C, D), K odd.

    Returns:
      (N, G, H, D).
    """
    _, rows, columns, _ = maps.shape
    size, pad = kernel.shape[0], kernel.shape[0] // 2
    parts = jnp.einsum("nijc,abcd->nijabd", maps, kernel, precision="highest")
    parts = jnp.pad(parts, ((0, 0), (pad, pad), (pad, pad), (0, 0), (0, 0), (0, 0)))
    lines = functools.reduce(jnp.add, [parts[:, a : a + rows, :, a] for a in range(size)])
    return functools.reduce(jnp.add, [lines[:, :, b : b + columns, b] for b in range(size)])


def significance(maps: jax.Array, kernel: jax.Array, error: jax.Array) -> jax.Array:
    """How much a linear response's loss would rise without each channel, to second order.

    For the loss E = sum(error^2) / 2 of the response `conv(maps, kernel)` a channel f has

        sum(-dE/df f + 1/2 d^2E/df^2 f^2)

    over its cells, the second derivatives being those of each cell by itself. Source: Wang, Ouyang,
    Wang, Lu, "Visual Tracking with Fully Convolutional Networks", ICCV 2015.

    Args:
      maps: (G, H, C); kernel: (K, K, C, 1); error: (G, H), response minus label.

    Returns:
      (C,).
    """

    def back(kernel: jax.Array, error: jax.Array) -> jax.Array:
        _, transpose = jax.vjp(lambda x: conv(x[None], kernel), maps)
        return transpose(error[None, ..., None])[0]

    slope = back(kernel, error)
    curvature = back(jnp.square(kernel), jnp.ones_like(error))
    return jnp.sum(0.5 * curvature * jnp.square(maps) - slope * maps, axis=(0, 1))
