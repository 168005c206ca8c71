"""Residual fusion of two layers, the paper's figure up to the response; all linear.

    fused    = shallow' + upsample(deep')          residual connection over the features
    response = conv_a(fused) + conv_b(deep')       residual connection over the response maps

Source: Lu et al., "Deep Regression Tracking with Shrinkage Loss", ECCV 2018, section 3.2.
"""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from dslt_jax.backbones.base import Layer
from dslt_jax.ops import windows
from dslt_jax.ops.reduction import Reduction, principal, random, reduce
from dslt_jax.parts import Part, static


class Fusion(Part):
    """Reduces two layers and fuses them on the grid of the first, the finer one.

    A fusion of one's own has the same two methods: `fit` on the first frame's maps, then calls.
    """

    channels: int = static(64)  # after the channel reduction of each layer
    reduction: Literal["pca", "random"] = static("pca")  # basis of the channel reduction
    # What is left out, for comparison: "features" has no conv_b, "responses" no sum over the
    # features; "shallow" and "deep" have one layer and one branch.
    parts: Literal["residual", "features", "responses", "shallow", "deep"] = static("residual")
    shallow: float = 0.5  # weights of the two layers in their sum
    deep: float = 0.5

    def check(self) -> None:
        self.require("channels", lambda n: n >= 1, "at least 1")

    def fit(self, key: jax.Array, maps: tuple[jax.Array, ...]) -> tuple[Reduction, ...]:
        """Returns the reduction of each layer, from the first frame's maps (N, H, W, D)."""
        if self.reduction == "pca":
            return tuple(principal(x[:1], self.channels) for x in maps)
        keys = jax.random.split(key, len(maps))
        pairs = zip(keys, maps, strict=True)
        return tuple(random(k, x.shape[-1], self.channels) for k, x in pairs)

    def __call__(
        self,
        maps: tuple[jax.Array, ...],
        reductions: tuple[Reduction, ...],
        layers: tuple[Layer, ...],
    ) -> jax.Array:
        """Returns (N, 2C, G, G): the inputs of conv_a (C channels) and conv_b (C channels).

        Args:
          maps: shallow (N, G, G, D1) and deep (N, g, g, D2); layers: where their cells look.
        """
        low, high = (reduce(*pair) for pair in zip(maps, reductions, strict=True))
        high = resample(high, layers[1], layers[0], low.shape[1])
        none = jnp.zeros_like(low)
        first, second = {
            "residual": (self.shallow * low + self.deep * high, high),
            "features": (self.shallow * low + self.deep * high, none),
            "responses": (low, high),
            "shallow": (low, none),
            "deep": (none, high),
        }[self.parts]
        return jnp.concatenate([first, second], axis=-1).transpose(0, 3, 1, 2)


class Single(Part):
    """One layer alone, its channels reduced: what one kernel works on.

    Its methods are those of `Fusion`.
    """

    channels: int = static(64)  # after the reduction to principal components of the first frame
    deviation: float | None = 1.0  # of the result on the first frame; none: as the network gives it
    centred: bool = static(True)  # the first frame's mean is taken away, as in the components
    window: bool = static(False)  # a Hann window over the search region

    def check(self) -> None:
        self.require("channels", lambda n: n >= 1, "at least 1")
        self.require("deviation", lambda d: d > 0, "greater than 0")

    def fit(self, key: jax.Array, maps: tuple[jax.Array, ...]) -> tuple[Reduction, jax.Array]:
        """Returns the reduction and the window (G, G), of the first frame's map (N, G, G, D)."""
        (x,) = maps
        grid = x.shape[1]
        window = windows.hann(grid) if self.window else jnp.ones((grid, grid), jnp.float32)
        x = x[:1] * window[None, ..., None]
        if self.deviation is None:
            mean, basis = principal(x, self.channels, scaled=False)
        else:
            mean, basis = principal(x, self.channels)
            basis = basis * self.deviation
        return Reduction(mean if self.centred else 0.0 * mean, basis), window

    def __call__(
        self,
        maps: tuple[jax.Array, ...],
        reductions: tuple[Reduction, jax.Array],
        layers: tuple[Layer, ...],
    ) -> jax.Array:
        """Returns (N, C, g, g) of a map (N, g, g, D), g <= G: in the middle of the region."""
        (x,), (reduction, window) = maps, reductions
        grid = x.shape[1]
        low = (window.shape[0] - grid) // 2
        middle = window[low : low + grid, low : low + grid]
        return (reduce(x, reduction) * middle[None, ..., None]).transpose(0, 3, 1, 2)


def resample(x: jax.Array, source: Layer, target: Layer, grid: int) -> jax.Array:
    """Linear interpolation of a map (N, g, g, C) at the pixels that another layer's cells look at.

    Beyond the map its border repeats.

    Args:
      source, target: the layers of `x` and of the result; grid: G, side of the result.

    Returns:
      (N, G, G, C).
    """
    if (source.stride, source.offset) == (target.stride, target.offset) and grid == x.shape[1]:
        return x
    pixels = target.stride * np.arange(grid) + target.offset
    place = np.clip((pixels - source.offset) / source.stride, 0, x.shape[1] - 1)
    distance = np.abs(place[:, None] - np.arange(x.shape[1])[None])
    weight = jnp.asarray(np.maximum(1 - distance, 0), x.dtype)
    x = jnp.einsum("ai,nijc->najc", weight, x, precision="highest")
    return jnp.einsum("bj,najc->nabc", weight, x, precision="highest")
