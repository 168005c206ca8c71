"""The box head: how far a box is from the target's, from the target's looks then and now.

Two grids of feature vectors, one over the template's box in the first frame and one over the box
in question, are compared point by point. The correlation of every pair tells where each part of
the target has moved to; a few convolutions turn that, and the looks themselves, into a correction
of the box and a score of whether it is the same target at all. Geometry is read off the pairs, not
off classes, so that few training images go far. (Pixel-wise correlation as in Yan et al.,
"Alpha-Refine", CVPR 2021.) Trained with the backbone by `experiments/training`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from dslt_jax.backbones import layers as network
from dslt_jax.backbones.base import Layer

Maps = tuple[jax.Array, ...]
Layers = tuple[Layer, ...]

TEMPLATE_GRID, TEMPLATE_EXTENT = 7, 1.2  # points a side, side over the box's
SEARCH_GRID, SEARCH_EXTENT = 12, 2.0
EMBEDDING = 64


class Estimate(NamedTuple):
    """What the head says of a box."""

    shift: jax.Array  # (2,) x, y by which the centre is to move, in box sizes
    growth: jax.Array  # (2,) natural logarithm of the factor on width, height
    match: jax.Array  # () logit that the box holds the template's target


def param_shapes(shallow_channels: int, deep_channels: int) -> dict[str, tuple[int, ...]]:
    """Returns the keys and shapes of the head's parameters."""
    shapes: dict[str, tuple[int, ...]] = {
        "box/shallow/w": (1, 1, shallow_channels, EMBEDDING),
        "box/deep/w": (1, 1, deep_channels, EMBEDDING),
        "box/conv1/w": (3, 3, TEMPLATE_GRID**2 + EMBEDDING, 64),
        "box/conv2/w": (3, 3, 64, 96),
        "box/dense/w": (16 * 96, 128),
        "box/out/w": (128, 5),
    }
    return shapes | {key[:-1] + "b": shape[-1:] for key, shape in shapes.items()}


def sample_grid(features: jax.Array, layer: Layer, center, size, points: int) -> jax.Array:
    """Bilinear samples of a feature map on a regular grid over a box.

    Args:
      features: (G, G, D); layer: where its cells look.
      center, size: (2,) x, y and width, height of the box in pixels of the crop.
      points: samples a side.

    Returns:
      (points, points, D). Beyond the map its border repeats.
    """
    grid = features.shape[0]
    across = (jnp.arange(points, dtype=jnp.float32) + 0.5) / points - 0.5
    place = (center[:, None] + across[None, :] * size[:, None] - layer.offset) / layer.stride
    distance = (
        jnp.clip(place, 0, grid - 1)[..., None] - jnp.arange(grid, dtype=jnp.float32)[None, None]
    )
    x, y = jax.nn.relu(1.0 - jnp.abs(distance))
    rows = jnp.einsum("ai,ijd->ajd", y, features, precision="highest")
    return jnp.einsum("bj,ajd->abd", x, rows, precision="highest")


def embed_template(params, maps: Maps, layers: Layers, center, size) -> jax.Array:
    """Returns the looks of the box in the first frame, (7, 7, EMBEDDING).

    Args:
      maps: shallow (G, G, D1) and deep (g, g, D2) features of the search crop; layers: theirs.
      center, size: (2,) of the box in pixels of the crop.
    """
    return _embed(params, maps, layers, center, TEMPLATE_EXTENT * size, TEMPLATE_GRID)


def estimate(params, template, maps: Maps, layers: Layers, center, size) -> Estimate:
    """Compares a box of the search crop with the template; arguments as of `embed_template`."""
    looks = _embed(params, maps, layers, center, SEARCH_EXTENT * size, SEARCH_GRID)
    pairs = jnp.einsum("abd,ijd->abij", looks, template, precision="highest") / EMBEDDING
    x = jnp.concatenate([pairs.reshape(SEARCH_GRID, SEARCH_GRID, -1), looks], axis=-1)[None]
    x = _valid_conv(params, "conv1", x, stride=1)
    x = _valid_conv(params, "conv2", x, stride=2)
    x = jax.nn.relu(network.dense(params, "box/dense", x.reshape(-1)))
    x = network.dense(params, "box/out", x)
    return Estimate(x[:2], x[2:4], x[4])


def _embed(params, maps: Maps, layers: Layers, center, size, points: int) -> jax.Array:
    low, high = (
        network.dense(params, f"box/{name}", sample_grid(x, layer, center, size, points))
        for name, x, layer in zip(("shallow", "deep"), maps, layers, strict=True)
    )
    x = low + high
    return x * jax.lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + 1e-6)


def _valid_conv(params, name: str, x: jax.Array, *, stride: int) -> jax.Array:
    kernel, bias = params[f"box/{name}/w"], params[f"box/{name}/b"]
    return jax.nn.relu(network.conv(x, kernel, bias, stride=stride, pad=0))
