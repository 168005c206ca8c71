"""3x3 convolution by Winograd's minimal filtering, F(4x4, 3x3): a quarter of the products.

A tile of 4x4 outputs needs 36 products for each pair of channels, where the direct sum takes 144.
Input tiles and kernels are transformed by B and G, multiplied as 36 matrix products over the
channels, and transformed back by A; rounding errors are about 1e-5 of the largest output. It pays
on a CPU where there are channels enough for the products to outweigh the transforms. Source:
Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016.
"""

import functools
import operator

import jax
import jax.numpy as jnp
from jax import lax

TILE = 4  # outputs a side
_INPUTS = TILE + 2

_B = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
_G = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
_A = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))


def transform(kernel: jax.Array) -> jax.Array:
    """Returns (36, C, D) of a kernel (3, 3, C, D), for `conv`; once for all images."""
    rows = _combine(_G, list(kernel))
    return jnp.stack([x for row in rows for x in _combine(_G, list(row))])


def conv(x: jax.Array, transformed: jax.Array, bias: jax.Array) -> jax.Array:
    """Convolves `x` (N, H, W, C) with a transformed kernel, stride 1, zero padding of 1."""
    n, height, width, channels = x.shape
    down, across = -(-height // TILE), -(-width // TILE)
    x = jnp.pad(x, ((0, 0), (1, 1 + down * TILE - height), (1, 1 + across * TILE - width), (0, 0)))
    tiles = [
        tile
        for row in _combine(_B, _taps(x, 1, down))
        for tile in _combine(_B, _taps(row, 2, across))
    ]
    products = lax.dot_general(
        jnp.stack(tiles).reshape(len(tiles), n * down * across, channels),
        transformed,
        (((2,), (1,)), ((0,), (0,))),
        precision="highest",
    )
    products = products.reshape(_INPUTS, _INPUTS, n, down, across, -1)
    rows = [
        jnp.stack(_combine(_A, list(row)), axis=3) for row in _combine(_A, list(products))
    ]  # each (N, down, across, 4, D)
    y = jnp.stack(rows, axis=2).reshape(n, down * TILE, across * TILE, -1)
    return y[:, :height, :width] + bias.reshape(1, 1, 1, -1)


def _taps(x: jax.Array, axis: int, count: int) -> list[jax.Array]:
    """The pixels 0 .. 5 of every tile along an axis."""
    span = (count - 1) * TILE + 1
    return [lax.slice_in_dim(x, i, i + span, TILE, axis) for i in range(_INPUTS)]


def _combine(matrix, arrays: list[jax.Array]) -> list[jax.Array]:
    """The rows of a matrix times a list of arrays, without the zeros."""
    return [
        functools.reduce(
            operator.add,
            [factor * array for factor, array in zip(row, arrays, strict=True) if factor],
        )
        for row in matrix
    ]
