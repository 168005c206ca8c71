"""DSLT's region around a target, and when a frame is believed."""

from typing import Any

import jax
import jax.numpy as jnp

from dslt_jax.backbones import Layer
from dslt_jax.parts import Part, static
from dslt_jax.types import Look


class Region(Part):
    """How large a target is in its search region, and where."""

    target: int = static(64)  # sqrt(w * h) of the target in the search crop, in pixels
    search: int = static(320)  # side of the square search crop, in pixels
    min_side: float = 4.0  # of a box, in frame pixels

    def check(self) -> None:
        self.require("target", lambda n: n >= 1, "at least 1")
        self.require("search", lambda n: n % 16 == 0 and n >= 16, "a multiple of 16, 16 or more")
        self.require(
            "search", lambda n: n >= 2 * self.target, f"at least twice target={self.target}"
        )
        self.require("min_side", lambda s: s > 0, "greater than 0")

    def length(self, size: Any) -> jax.Array:
        """Returns () the length of a target's size (2,) that `target` is in the crop."""
        return jnp.sqrt(jnp.prod(size))

    def side(self, size: jax.Array) -> jax.Array:
        """Returns () the search region's side in frame pixels, of a target's size (2,)."""
        return self.search / self.target * self.length(size)

    def look(self, layer: Layer, center: jax.Array, size: jax.Array) -> Look:
        """Returns the search region of a target; layer: whose cells its response has."""
        side = self.side(size)
        return Look(self.around(layer, center, side, self.search), side.reshape(1), self.search)

    def anchor(self, layer: Layer, size: int) -> float:
        """Returns the pixel of a crop of `size` where the target is put: an edge of two cells.

        There the label of a target of few cells has its height; beside it no cell would.
        """
        return layer.pixel(round(layer.position(size / 2)))

    def around(self, layer: Layer, center: jax.Array, side: jax.Array, size: int) -> jax.Array:
        """Returns the middle (2,) of a region whose crop of `size` has the target at its anchor."""
        return center - side * (self.anchor(layer, size) / size - 0.5)


class Gates(Part):
    """What a response must reach for a frame to be believed."""

    lost: float = 0.2  # below: `lost`, and the position is held
    learn: float = 0.3  # below: the frame does not teach
    size: float = 0.35  # below: the size is kept
    # A target that is hidden is found again above `found`, so that what stands beside it does not
    # take its place. A frame or two is no hiding: more is asked frame by frame, all of it after
    # `doubt` of them; then less again, until after `patience` frames `lost` is enough.
    found: float = 0.0  # below `lost`: no more is asked of it than before
    doubt: float = 5.0
    patience: float = 100.0
    # The four are shares of the usual response, a running mean over the frames that teach: for
    # features whose responses are low on some targets and high on others.
    relative: bool = static(False)
    rate: float = 0.1  # share of a new frame in that mean

    def check(self) -> None:
        for name in ("doubt", "patience"):
            self.require(name, lambda frames: frames > 0, "greater than 0")

    def least(self, missing: jax.Array) -> jax.Array:
        """Returns () below what a frame is lost; missing: () frames the target was lost for."""
        rising = jnp.minimum(missing / self.doubt, 1.0)
        falling = jnp.maximum(1.0 - missing / self.patience, 0.0)
        more = rising * falling * jnp.maximum(self.found - self.lost, 0.0)
        return jnp.where(missing > 0, self.lost + more, self.lost)  # which may be -inf: never lost

    def judge(self, response: jax.Array, usual: jax.Array) -> jax.Array:
        """Returns () what the thresholds are compared with; usual: () 0 before there is one."""
        if not self.relative:
            return response
        # No number stays none, so that nothing is taken for more than it.
        first = jnp.where(jnp.isnan(response), response, 1.0)
        return jnp.where(usual > 0, response / jnp.maximum(usual, 1e-6), first)


class Recovery(Part):
    """Where a target is looked for that has been lost for some frames: all over the frame.

    Then some frames show another place, the others the last one. The places are those of the
    additive sequence of Roberts, "The Unreasonable Effectiveness of Quasirandom Sequences", 2018:
    wherever it stops, they cover the frame evenly.
    """

    after: int = static(0)  # lost frames before the first look elsewhere; 0: never
    every: int = static(2)  # frames from one look elsewhere to the next
    sure: float = 0.7  # confidence that a target found elsewhere must have

    def check(self) -> None:
        self.require("after", lambda n: n >= 0, "at least 0")
        self.require("every", lambda n: n >= 1, "at least 1")

    def elsewhere(self, missing: jax.Array) -> jax.Array:
        """Returns () bool, another place is to be seen; missing: () frames lost so far."""
        if not self.after:
            return jnp.zeros_like(missing, bool)
        return (missing >= self.after) & ((missing - self.after) % self.every == 0)

    def place(self, missing: jax.Array, side: jax.Array, limits: jax.Array) -> jax.Array:
        """Returns (2,) the centre to look around.

        Args:
          side: () of the search region; limits: (2,) width, height of the frame, in its pixels.
        """
        number = (missing - self.after) // self.every
        turn = 0.5 + number * jnp.array([0.7548777, 0.5698403], jnp.float32)
        margin = jnp.minimum(side / 4, limits / 2)
        return margin + (turn % 1.0) * (limits - 2 * margin)
