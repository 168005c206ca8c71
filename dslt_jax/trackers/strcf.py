"""STRCF: a correlation filter on the target alone, learned from one frame near the last filter.

Source: Li, Tian, Zuo, Zhang, Yang, "Learning Spatial-Temporal Regularized Correlation Filters for
Visual Tracking", CVPR 2018; constants as its authors' code has them for hand-crafted features:
fHOG, grey and colour names, two rounds of ADMM. As there the spatial penalty is next to nothing
within the target and forbids all outside. What differs: the colour names are ours
(`ops.features`) and are there without colour, too, and what `trackers.correlation_filter` says.
"""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp

from dslt_jax.learners import admm
from dslt_jax.ops import windows
from dslt_jax.parts import static
from dslt_jax.trackers.pyramid import Pyramid, Sight


class State(flax.struct.PyTreeNode):
    """All that is carried from frame to frame."""

    center: jax.Array  # (2,) x, y of the target in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels; the aspect ratio stays
    filter: jax.Array  # (C, G, G // 2 + 1) spectrum


class Strcf(Pyramid):
    """The tracker's settings."""

    padding: float = 4.0
    lost: float = 0.02  # its responses are low: on a frame that it has learned .14 to .19
    scales: int = static(5)
    colour: bool = static(True)
    inside: float = 1e-3  # penalty of a coefficient within the target
    outside: float = 1e5  # and outside
    temporal: float = 15.0  # weight of the change since the last frame
    rounds: int = static(2)  # of ADMM
    stiffness: float = 1.0  # in the first round, how much both sides of ADMM must agree
    later_stiffness: float = 0.1  # and in the others

    def check(self) -> None:
        super().check()
        self.require("inside", lambda w: w >= 0, "at least 0")
        self.require("outside", lambda w: w >= 0, "at least 0")
        self.require("temporal", lambda w: w >= 0, "at least 0")
        self.require("rounds", lambda n: n >= 1, "at least 1")
        self.require("stiffness", lambda w: w > 0, "greater than 0")
        self.require("later_stiffness", lambda w: w > 0, "greater than 0")

    def init(self, params: Any, key: jax.Array, patches: jax.Array, box: jax.Array) -> State:
        """The filter of the first frame, near none."""
        spectrum, size = self.spectrum(patches[0]), box[2:]
        filter_ = self.solve(spectrum, 0.0 * spectrum, size, 0.0)
        return State(box[:2] + size / 2, size, filter_)

    def learn(self, params: Any, state: State, sight: Sight) -> tuple[State, dict[str, jax.Array]]:
        """Moves on; the filter of the new frame takes the old one's place."""
        filter_ = self.solve(sight.spectrum, state.filter, state.size, self.temporal)
        finite = jnp.isfinite(filter_).all()
        teach = finite & ~sight.lost
        filter_ = jnp.where(teach, filter_, state.filter)
        state = state.replace(center=sight.center, size=sight.size, filter=filter_)
        return state, {"updated": teach, "finite": finite}

    def solve(
        self, spectrum: jax.Array, last: jax.Array, size: jax.Array, temporal: jax.Array | float
    ) -> jax.Array:
        """Returns the filter of a frame whose target has a size (2,) in frame pixels."""
        target = windows.box(self.grid, self.cells(size))
        stiffness = jnp.full(self.rounds, self.later_stiffness, jnp.float32)
        return admm.solve(
            spectrum,
            self.target_label(),
            last,
            jnp.square(self.outside + (self.inside - self.outside) * target),
            temporal=temporal,
            stiffness=stiffness.at[0].set(self.stiffness),
        )


def strcf() -> Strcf:
    """The authors' constants."""
    return Strcf()
