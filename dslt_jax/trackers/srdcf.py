"""SRDCF: a correlation filter whose coefficients cost more, the farther they are from the target.

Source: Danelljan, Häger, Khan, Felsberg, "Learning Spatially Regularized Correlation Filters for
Visual Tracking", ICCV 2015; constants as its authors' code has them. The filter f minimises

    mean over frames of |sum over channels of f * x - y|^2  +  |w f|^2

where w is a paraboloid over the target. What differs: the normal equations, whose running means are
kept as there, are solved by preconditioned conjugate gradients, as in the authors' later trackers,
where the paper has Gauss-Seidel; the region is sampled to one size; and levels of grey are
features, too.
"""

from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp

from dslt_jax.learners import spatial
from dslt_jax.ops import windows
from dslt_jax.parts import static
from dslt_jax.trackers.pyramid import Pyramid, Sight


class Means(NamedTuple):
    """The data's part of the normal equations, as running means over frames."""

    products: jax.Array  # (G * (G // 2 + 1), C, C) conj(x) x^T of each frequency
    label: jax.Array  # (C, G, G // 2 + 1) conj(x) y


class State(flax.struct.PyTreeNode):
    """All that is carried from frame to frame."""

    center: jax.Array  # (2,) x, y of the target in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels; the aspect ratio stays
    filter: jax.Array  # (C, G, G // 2 + 1) spectrum
    means: Means


class Srdcf(Pyramid):
    """The tracker's settings."""

    least: float = 0.1  # of the penalty, in the middle
    edge: float = 3.0  # and at the target's sides
    sparsity: float = 0.05  # the penalty's frequencies below this share of the largest are left out
    rate: float = 0.025  # share of a new frame in the means
    first_steps: int = static(10)  # of conjugate gradients, in the first frame
    steps: int = static(2)  # and in every other

    def check(self) -> None:
        super().check()
        self.require("least", lambda w: w > 0, "greater than 0")
        self.require("edge", lambda w: w > 0, "greater than 0")
        self.require("sparsity", lambda s: 0 <= s < 1, "from 0 to below 1")
        self.require("rate", lambda r: 0 <= r <= 1, "from 0 to 1")
        self.require("first_steps", lambda n: n >= 1, "at least 1")
        self.require("steps", lambda n: n >= 1, "at least 1")

    def init(self, params: Any, key: jax.Array, patches: jax.Array, box: jax.Array) -> State:
        """The filter of the first frame."""
        size, means = box[2:], self.products(self.spectrum(patches[0]))
        filter_ = self.solve(means, 0.0 * means.label, size, self.first_steps)
        return State(box[:2] + size / 2, size, filter_, means)

    def learn(self, params: Any, state: State, sight: Sight) -> tuple[State, dict[str, jax.Array]]:
        """Moves on; the new frame enters the means, and the filter follows them."""
        known = jnp.isfinite(sight.spectrum).all()
        new = self.products(jnp.where(known, sight.spectrum, 0.0))
        rate = jnp.where(known & ~sight.lost, self.rate, 0.0)
        means = jax.tree.map(lambda old, new: old + rate * (new - old), state.means, new)
        filter_ = self.solve(means, state.filter, state.size, self.steps)
        finite = known & jnp.isfinite(filter_).all()
        teach = finite & ~sight.lost
        filter_ = jnp.where(teach, filter_, state.filter)
        state = state.replace(center=sight.center, size=sight.size, filter=filter_, means=means)
        return state, {"updated": teach, "finite": finite}

    def products(self, spectrum: jax.Array) -> Means:
        """The normal equations of one frame."""
        by_frequency = spectrum.reshape(len(spectrum), -1).T
        products = jnp.conj(by_frequency)[:, :, None] * by_frequency[:, None, :]
        return Means(products, jnp.conj(spectrum) * self.target_label()[None])

    def solve(self, means: Means, start: jax.Array, size: jax.Array, steps: int) -> jax.Array:
        """Returns a better filter (C, G, G // 2 + 1) than the one to start from.

        Args:
          size: (2,) of the target in frame pixels.
        """
        penalty = jnp.square(
            windows.paraboloid(
                self.grid,
                self.cells(size),
                least=self.least,
                edge=self.edge,
                sparsity=self.sparsity,
            )
        )

        def data(f):
            by_frequency = f.reshape(len(f), -1).T
            product = jnp.einsum("kij,kj->ki", means.products, by_frequency, precision="highest")
            return product.T.reshape(f.shape)

        power = jnp.einsum("kii->ik", means.products).real.reshape(start.shape)
        return spatial.solve(data, means.label, power, penalty, start, steps=steps)


def srdcf() -> Srdcf:
    """The authors' constants."""
    return Srdcf()
