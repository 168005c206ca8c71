"""A memory of samples as a mixture: what is alike is merged, what is rare is not lost.

Each component is a mean of samples and has a weight, the prior of its kind. Source: Danelljan,
Bhat, Khan, Felsberg, "ECO: Efficient Convolution Operators for Tracking", CVPR 2017, section 3.3;
the rules for what is replaced as its authors' code has them.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from dslt_jax.ops import fourier
from dslt_jax.parts import Part, static


class Components(NamedTuple):
    """N means of samples. What has no weight is empty."""

    samples: jax.Array  # (N, C, G, G // 2 + 1) spectra
    weights: jax.Array  # (N,) of sum 1
    products: jax.Array  # (N, N) inner products of the samples


class Mixture(Part):
    """How many components there are, and how fast the old ones fade."""

    size: int = static(30)
    rate: float = 0.009  # weight of the newest sample

    def check(self) -> None:
        self.require("size", lambda n: n >= 2, "at least 2")
        self.require("rate", lambda r: 0 < r < 1, "between 0 and 1")

    def start(self, sample: jax.Array) -> Components:
        """Returns the mixture of one sample (C, G, G // 2 + 1)."""
        samples = jnp.zeros((self.size, *sample.shape), sample.dtype).at[0].set(sample)
        first = (jnp.arange(self.size) == 0).astype(jnp.float32)
        return Components(samples, first, jnp.diag(first * fourier.inner(sample, sample)))

    def add(
        self, components: Components, sample: jax.Array, good: jax.Array | bool = True
    ) -> Components:
        """Returns the mixture with one more sample, if it is `good` () bool.

        It takes the place of a component that is empty or forgotten, or else joins its nearest, or
        else, where two components are nearer to each other than it to any, these become one and it
        takes the place that is free then.
        """
        samples, weights, products = components
        with_new = jax.vmap(fourier.inner, (0, None))(samples, sample)
        products = jnp.block(
            [
                [products, with_new[:, None]],
                [with_new[None], fourier.inner(sample, sample)[None, None]],
            ]
        )
        square = jnp.diag(products)
        distance = square[:, None] + square[None] - 2 * products + jnp.diag(square + jnp.inf)
        between, to_new = distance[:-1, :-1], distance[:-1, -1]
        least = self.rate * (1 - self.rate) ** (2 * self.size)
        oldest, nearest = jnp.argmin(weights), jnp.argmin(to_new)
        one, other = jnp.unravel_index(jnp.argmin(between), between.shape)

        replaces = weights[oldest] < least
        joins = ~replaces & (to_new[nearest] < between[one, other])
        makes_room = ~replaces & ~joins
        first = jnp.where(replaces, oldest, jnp.where(joins, nearest, one))
        second = jnp.where(makes_room, other, first)

        weights = jnp.where(replaces & (jnp.arange(self.size) == oldest), 0.0, weights)
        weights = weights * ((1 - self.rate) / weights.sum())
        # The first slot: a mean of what was in both and of the new sample. The second: the new one.
        of_other = jnp.where(makes_room, weights[second], 0.0)
        of_new = jnp.where(makes_room, 0.0, self.rate)
        total = weights[first] + of_other + of_new
        shares = jnp.stack([weights[first], of_other, of_new]) / total
        mean = shares[0] * samples[first] + shares[1] * samples[second] + shares[2] * sample
        # What does not go anywhere goes beyond the end: a choice between it and what is there
        # would have XLA copy all samples instead of writing in place.
        samples = samples.at[jnp.where(good, first, self.size)].set(mean, mode="drop")
        place = jnp.where(good & makes_room, second, self.size)
        samples = samples.at[place].set(sample, mode="drop")
        weights = weights.at[first].set(total)
        weights = weights.at[second].set(jnp.where(makes_room, self.rate, total))

        # The same as a matrix of what there was: products of sums are sums of products.
        eye = jnp.eye(self.size + 1)
        row = shares[0] * eye[first] + shares[1] * eye[second] + shares[2] * eye[-1]
        change = eye[:-1].at[first].set(row)
        change = change.at[second].set(jnp.where(makes_room, eye[-1], row))
        products = jnp.linalg.multi_dot([change, products, change.T], precision="highest")
        rest = weights, products
        rest = jax.tree.map(lambda new, old: jnp.where(good, new, old), rest, components[1:])
        return Components(samples, *rest)
