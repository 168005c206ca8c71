"""3x3 convolution by Winograd's minimal filtering: on a CPU about half the time of the direct sum.

F(m x m, 3x3) computes a tile of m x m outputs from (m + 2)^2 products for each pair of channels,
where the direct sum takes 9 m^2: 25 for 81, 36 for 144, 49 for 225 with m of 3, 4, 5. Input tiles
and kernels are transformed by B and G, multiplied as matrix products over the channels, and
transformed back by A; rounding errors are about 1e-5 of the largest output. The three matrices are
those of polynomials that are multiplied by their values at some points, transposed. Source: Lavin
and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016.
"""

import functools
import math
import operator
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from dslt_jax.backbones import layers

_SUFFIX = "/winograd"  # of a transformed kernel's name
TILE = 4  # outputs a side; a transformed kernel takes (TILE + 2)^2 / 9 of its memory
_POINTS = {3: (0, 1, -1, 1 / 2), 4: (0, 1, -1, 2, -2), 5: (0, 1, -1, 2, -2, 1 / 2)}
# Transformed tiles that are multiplied at once: more of them outgrow a CPU's caches.
_STRIP_BYTES = 3 << 20


class _Matrices(NamedTuple):
    """One-dimensional transforms of the kernel, the inputs and the products."""

    g: np.ndarray  # (m + 2, 3)
    b: np.ndarray  # (m + 2, m + 2)
    a: np.ndarray  # (m, m + 2)


def prepare(
    params: dict[str, jax.Array],
    names: Iterable[str],
    tile: int = TILE,
    precision: str = "float32",
) -> dict[str, jax.Array]:
    """Returns the parameters with the transformed kernels of `names`, for `conv_relu`.

    In bfloat16 products take half the time of float32's where a CPU multiplies it (measured with
    AVX-512 BF16); the larger the tile, the more its rounding counts.
    """
    made = {name: transform(params[f"{name}/w"], tile).astype(precision) for name in names}
    return params | {f"{name}{_SUFFIX}": kernel for name, kernel in made.items()}


def plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the parameters without what `prepare` has made of them."""
    return {key: array for key, array in params.items() if not key.endswith(_SUFFIX)}


def conv_relu(
    params: dict[str, jax.Array],
    name: str,
    x: jax.Array,
    *,
    stride: int = 1,
    precision: str = "float32",
) -> jax.Array:
    """`layers.conv_relu` by the kernel and bias of a name; by the transformed one if there is."""
    bias = params[f"{name}/b"]
    if (transformed := params.get(f"{name}{_SUFFIX}")) is not None:
        return jax.nn.relu(conv(x, transformed, bias))
    return layers.conv_relu(x, params[f"{name}/w"], bias, stride=stride, precision=precision)


def transform(kernel: jax.Array, tile: int = TILE) -> jax.Array:
    """Returns ((tile + 2)^2, C, D) of a kernel (3, 3, C, D), for `conv`; once for all images."""
    g = jnp.asarray(_matrices(tile).g, kernel.dtype)
    points = jnp.einsum("pi,qj,ijcd->pqcd", g, g, kernel, precision="highest")
    return points.reshape(-1, *kernel.shape[2:])


def conv(x: jax.Array, transformed: jax.Array, bias: jax.Array) -> jax.Array:
    """Convolves `x` (N, H, W, C) with a transformed kernel, stride 1, zero padding of 1.

    Products are of the transformed kernel's dtype, sums of that of `x`.
    """
    tile = math.isqrt(len(transformed)) - 2
    n, height, width, channels = x.shape
    down, across = -(-height // tile), -(-width // tile)
    rows = down  # of tiles, that are multiplied at once
    wide = transformed.dtype.itemsize
    if wide * transformed.size <= _STRIP_BYTES:  # else it is the kernel that would be read anew
        rows = max(1, _STRIP_BYTES // (wide * len(transformed) * n * across * channels))
    strips = -(-down // min(rows, down))
    tall = -(-down // strips) * tile
    below, right = strips * tall - height, across * tile - width
    x = jnp.pad(x, ((0, 0), (1, 1 + below), (1, 1 + right), (0, 0)))
    if strips == 1:
        y = _tiles(x, transformed, tile)
    else:

        def strip(top):
            return _tiles(lax.dynamic_slice_in_dim(x, top, tall + 2, axis=1), transformed, tile)

        y = lax.map(strip, tall * jnp.arange(strips, dtype=jnp.int32))
        y = jnp.moveaxis(y, 0, 1).reshape(n, strips * tall, across * tile, -1)
    return y[:, :height, :width] + bias.reshape(1, 1, 1, -1)


def _tiles(x: jax.Array, transformed: jax.Array, tile: int) -> jax.Array:
    """The convolution of a padded `x`, whose sides without the padding are whole tiles."""
    n, height, width, channels = x.shape
    down, across = (height - 2) // tile, (width - 2) // tile
    _, b, a = _matrices(tile)
    # Between the two axes the arrays are written out: fused, XLA computes every row anew for each
    # of its columns.
    rows = lax.optimization_barrier(jnp.stack(_combine(b, _taps(x, 1, down, tile))))
    tiles = jnp.stack(_combine(b, _taps(rows, 3, across, tile)), axis=1)
    products = lax.dot_general(
        tiles.reshape(len(transformed), n * down * across, channels).astype(transformed.dtype),
        transformed,
        (((2,), (1,)), ((0,), (0,))),
        precision="highest",
        preferred_element_type=x.dtype,
    )
    products = products.reshape(*tiles.shape[:-1], -1)  # (tile + 2, tile + 2, N, down, across, D)
    rows = lax.optimization_barrier(jnp.stack(_combine(a, list(products))))
    y = jnp.stack(_combine(a, [rows[:, i] for i in range(tile + 2)]), axis=1)
    return y.transpose(2, 3, 0, 4, 1, 5).reshape(n, down * tile, across * tile, -1)


def _taps(x: jax.Array, axis: int, count: int, tile: int) -> list[jax.Array]:
    """The pixels 0 .. tile + 1 of every tile along an axis."""
    span = (count - 1) * tile + 1
    return [lax.slice_in_dim(x, i, i + span, tile, axis) for i in range(tile + 2)]


def _combine(matrix: np.ndarray, arrays: list[jax.Array]) -> list[jax.Array]:
    """The rows of a matrix times a list of arrays, without the zeros."""
    return [
        functools.reduce(
            operator.add,
            [float(factor) * array for factor, array in zip(row, arrays, strict=True) if factor],
        )
        for row in matrix
    ]


@functools.cache
def _matrices(tile: int) -> _Matrices:
    """By the Toom-Cook scheme: at the finite points the values, at infinity the leading number."""
    points = _POINTS[tile]
    g, b = np.zeros((tile + 2, 3)), np.zeros((tile + 2, tile + 2))
    a = np.zeros((tile, tile + 2))
    for j, point in enumerate(points):
        others = [p for p in points if p != point]
        g[j] = np.array([1, point, point**2]) / math.prod(point - p for p in others)
        b[j, : tile + 1] = np.poly(others)[::-1]  # of the lowest power first
        a[:, j] = point ** np.arange(tile, dtype=float)
    g[-1, -1] = a[-1, -1] = 1
    b[-1] = np.poly(points)[::-1]
    return _Matrices(g, b, a)
