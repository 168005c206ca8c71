"""Staple: DSST's two filters and, beside them, the colours of the target and of what is around it.

Source: Bertinetto, Valmadre, Golodetz, Miksik, Torr, "Staple: Complementary Learners for Real-Time
Tracking", CVPR 2016; constants as its authors' code has them. What differs: what DSST's file says,
that both responses are added on the filter's cells, not on pixels, and over all shifts, where
theirs are cut to those of half the mean side.
"""

from typing import Any

import jax
import jax.numpy as jnp

from dslt_jax.learners import Ridge
from dslt_jax.parts import static
from dslt_jax.trackers.dsst import Dsst, Sight, State


class Staple(Dsst):
    """The tracker's settings."""

    size: int = static(144)
    padding: float = 1.0  # the region is the target and this share of its mean side around it
    decay: float = 1e-3
    learner: Ridge = Ridge(rate=0.01)
    bins: int = static(32)  # of the histograms, a channel
    core: float = 0.2  # share of the mean side that is left out of the target's own colours
    colour_rate: float = 0.04  # share of a new frame in the histograms
    merge: float = 0.3  # share of the colours' response

    def check(self) -> None:
        super().check()
        self.require("bins", lambda n: 2 <= n <= 64, "from 2 to 64")
        self.require("core", lambda c: 0 <= c < 1, "from 0 to below 1")
        self.require("merge", lambda m: 0 <= m <= 1, "from 0 to 1")
        self.require("colour_rate", lambda r: 0 <= r <= 1, "from 0 to 1")

    def response(self, state: State, patch: jax.Array) -> jax.Array:
        """The filter's response and, over the same shifts, the colours'."""
        likely = self.likelihood(state.colours, patch)
        inside = self.pixels(state.size)
        # The mean over a target at each shift, none of them in the middle.
        grid = self.size // self.cell
        middles = self.size / 2 + self.cell * (jnp.arange(grid, dtype=jnp.float32) - grid // 2)
        over_x, over_y = (self._cover(middles, side) for side in inside)
        colours = jnp.einsum("ai,ij,bj->ab", over_y, likely, over_x, precision="highest")
        return (1 - self.merge) * super().response(state, patch) + self.merge * colours

    def colours(self, patch: jax.Array, size: jax.Array) -> jax.Array:
        """Returns (2, bins^3) histograms of the target's core and of what is around the target."""
        middle = jnp.full(1, self.size / 2)
        inside, mean = self.pixels(size), size.mean()
        share = jnp.maximum(size - self.core * mean, 1.0) / size
        core = [self._cover(middle, side)[0] > 0 for side in inside * share]
        whole = [self._cover(middle, side)[0] > 0 for side in inside]
        masks = jnp.stack([core[1][:, None] & core[0][None], ~(whole[1][:, None] & whole[0][None])])
        weights = masks.reshape(2, -1).astype(jnp.float32)
        weights = weights / jnp.maximum(weights.sum(axis=1, keepdims=True), 1.0)
        bins = self._bins(patch).reshape(-1)
        return jnp.zeros((2, self.bins**3), jnp.float32).at[:, bins].add(weights)

    def likelihood(self, colours: jax.Array, patch: jax.Array) -> jax.Array:
        """Returns (P, P) the probability that a pixel of that colour is the target's, 0 if new."""
        target, around = colours[:, self._bins(patch)]
        return target / jnp.maximum(target + around, 1e-12)

    def learn(self, params: Any, state: State, sight: Sight) -> tuple[State, dict[str, jax.Array]]:
        """As DSST; the new frame enters the running means of the histograms, too."""
        new, info = super().learn(params, state, sight)
        rate = jnp.where(info["updated"], self.colour_rate, 0.0)
        colours = state.colours + rate * (sight.colours - state.colours)
        return new.replace(colours=colours), info

    def _bins(self, patch: jax.Array) -> jax.Array:
        """(P, P) int32 the bin of each pixel."""
        level = jnp.clip(patch * (self.bins / 256.0), 0, self.bins - 1).astype(jnp.int32)
        return (level[..., 0] * self.bins + level[..., 1]) * self.bins + level[..., 2]

    def _cover(self, middles: jax.Array, side: jax.Array) -> jax.Array:
        """(M, P) how much each pixel counts in a mean over intervals of a length, sum 1."""
        pixels = jnp.arange(self.size, dtype=jnp.float32) + 0.5
        distance = jnp.abs(pixels[None] - middles[:, None])
        weight = jnp.clip(side / 2 - distance + 0.5, 0.0, 1.0)
        return weight / jnp.maximum(side, 1.0)

    def _extent(self, size: jax.Array) -> jax.Array:
        return size + self.padding * size.mean()


def staple() -> Staple:
    """The authors' constants."""
    return Staple()
