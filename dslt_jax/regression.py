"""The regression head: channel reduction of two layers, residual fusion, response map.

The paper's figure, all linear:

    fused    = shallow' + upsample(deep')          residual connection over the features
    response = conv_a(fused) + conv_b(deep'')      residual connection over the response maps

with one kernel as large as the target on each branch. Kernels live on a fixed canvas that is
masked to the target, so that no aspect ratio changes a shape. A 1-output convolution with a
16 x 16 kernel and its gradient are slow as convolutions and cheap as products of spectra: padded
to `fft_size` the circular correlation equals the zero-padded one, exactly.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from dslt_jax.config import TrackerConfig


class Reduction(NamedTuple):
    """The 1x1 channel reduction of one layer: (x - mean) @ basis."""

    mean: jax.Array  # (D,)
    basis: jax.Array  # (D, C)


def fft_size(config: TrackerConfig, grid: int) -> int:
    """Side of the transform: no wrap-around reaches the map, and its factors are small."""
    size = max(grid + config.kernel_size // 2, config.kernel_size)
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


def make_reduction(config: TrackerConfig, key: jax.Array, features: jax.Array) -> Reduction:
    """The configured reduction of a layer, from the first frame's features (N, H, W, D)."""
    if config.reduction == "random":
        return random_reduction(key, features.shape[-1], config.channels)
    return fit_reduction(features[:1], config.channels, config.whiten)


def fit_reduction(features: jax.Array, channels: int, whiten: float = 0.0) -> Reduction:
    """Principal components of a layer's features on the first frame, scaled to unit deviation.

    Args:
      features: (N, H, W, D).
      channels: C, number of components; with fewer dimensions than that the rest are zero.
    """
    x = features.reshape(-1, features.shape[-1])
    mean = x.mean(axis=0)
    x = x - mean[None]
    covariance = jnp.matmul(x.T, x, precision="highest") / x.shape[0]
    values, vectors = jnp.linalg.eigh(covariance)
    kept = min(channels, x.shape[-1])
    basis = vectors[:, ::-1][:, :kept]
    variance = jnp.maximum(values[::-1][:kept], 1e-6 * values[-1] + 1e-12)
    basis = basis * variance[None] ** (-whiten / 2)
    basis = basis / jnp.sqrt(jnp.mean(variance ** (1.0 - whiten)))
    return Reduction(mean, jnp.pad(basis, ((0, 0), (0, channels - kept))))


def random_reduction(key: jax.Array, dimensions: int, channels: int) -> Reduction:
    """MSRA-initialised reduction without a mean, as the released code starts (and nearly stays)."""
    basis = jax.random.normal(key, (dimensions, channels)) * (2.0 / dimensions) ** 0.5
    return Reduction(jnp.zeros(dimensions), basis)


def fuse(
    shallow: jax.Array,
    deep: jax.Array,
    reductions: tuple[Reduction, Reduction],
    config: TrackerConfig,
) -> jax.Array:
    """Reduces both layers and fuses them on the shallow grid.

    Args:
      shallow: (N, G, G, D1); deep: (N, g, g, D2) with G a multiple of g.

    `config.fusion` leaves out parts of it, for comparison: "features" has no conv_b, "responses" no
    sum over the features; "shallow" and "deep" have one layer and one branch.

    Returns:
      (N, 2C, G, G): the inputs of conv_a (C channels) and conv_b (C channels).
    """
    low = _reduce(shallow, reductions[0])
    high = upsample(_reduce(deep, reductions[1]), low.shape[1] // deep.shape[1])
    fused = config.shallow_weight * low + config.deep_weight * high
    none = jnp.zeros_like(low)
    first, second = {
        "residual": (fused, high),
        "features": (fused, none),
        "responses": (low, high),
        "shallow": (low, none),
        "deep": (none, high),
    }[config.fusion]
    return jnp.concatenate([first, second], axis=-1).transpose(0, 3, 1, 2)


def _reduce(x: jax.Array, reduction: Reduction) -> jax.Array:
    centred = x - reduction.mean.reshape(1, 1, 1, -1)
    return jnp.matmul(centred, reduction.basis, precision="highest")


def upsample(x: jax.Array, factor: int) -> jax.Array:
    """Bilinear upsampling of (N, g, g, C) by a whole factor."""
    if factor == 1:
        return x
    n, h, w, c = x.shape
    return jax.image.resize(x, (n, h * factor, w * factor, c), "linear")


def spectrum(features: jax.Array, size: int) -> jax.Array:
    """Zero-padded transform of (..., G, G) features: (..., size, size // 2 + 1) complex64."""
    return jnp.fft.rfft2(features, (size, size))


def respond(kernel: jax.Array, spectra: jax.Array, size: int, grid: int) -> jax.Array:
    """Response maps of samples: the zero-padded correlation of their features with the kernel.

    Map position (i, j) is the score of the target's centre lying on the edge between cells
    i - 1 and i (rows) and j - 1 and j (columns); the middle of the crop is grid / 2.

    Args:
      kernel: (2C, K, K), K even; spectra: (T, 2C, size, size // 2 + 1).

    Returns:
      (T, grid, grid) float32.
    """
    k = kernel.shape[-1]
    pad = ((0, 0), (0, size - k), (0, size - k))
    canvas = jnp.roll(jnp.pad(kernel, pad), (-(k // 2), -(k // 2)), (1, 2))
    product = (jnp.conj(jnp.fft.rfft2(canvas))[None] * spectra).sum(axis=1)
    return jnp.fft.irfft2(product, (size, size))[:, :grid, :grid]


def kernel_mask(cells: jax.Array, kernel_size: int) -> jax.Array:
    """(K, K) canvas mask: 1 on the target's extent, falling to 0 over its fractional border cell.

    Args:
      cells: (2,) width and height of the target in feature cells.
    """
    distance = jnp.abs(jnp.arange(kernel_size) + 0.5 - kernel_size / 2)
    x = jnp.clip(cells[0] / 2 - distance + 0.5, 0.0, 1.0)
    y = jnp.clip(cells[1] / 2 - distance + 0.5, 0.0, 1.0)
    return y[:, None] * x[None, :]
