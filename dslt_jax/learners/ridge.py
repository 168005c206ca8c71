"""Ridge regression in closed form, where the response is a product cell by cell.

So it is between spectra: the response of a correlation filter is the sum over channels of kernel
times features, each frequency for itself. There the squared error has its minimum at

    k_c = conj(x_c) w y / (sum over channels of w |x|^2 + decay)

for one sample; the filters follow a changing target by running means of numerator and denominator.
Source: Bolme et al., "Visual Object Tracking using Adaptive Correlation Filters", CVPR 2010, and
Danelljan et al., "Accurate Scale Estimation for Robust Visual Tracking", BMVC 2014.
"""

from typing import Any

import jax
import jax.numpy as jnp

from dslt_jax.learners.base import Fit, Objective, conclude
from dslt_jax.ops import fourier
from dslt_jax.parts import Part, static


class Ridge(Part):
    """The minimum of the squared error in one step; whatever `loss` says, it is the square.

    `respond` must be such a sum, (C, ...) -> (...); its features are read off its transpose.
    """

    rate: float = 1.0  # share of the newest sample in the running means; 1 forgets all others

    def check(self) -> None:
        self.require("rate", lambda r: 0 <= r <= 1, "from 0 to 1")

    def init(self, kernel: jax.Array) -> Any:
        """Returns the means (numerator, denominator, samples so far)."""
        numerator = 0.0 * kernel
        denominator = jnp.abs(numerator).sum(axis=0)
        return numerator, denominator, jnp.zeros_like(denominator, jnp.float32, shape=())

    def fit(
        self,
        objective: Objective,
        kernel: jax.Array,
        state: Any,
        *,
        steps: int = 1,
        stop: jax.Array | float | None = None,
    ) -> Fit:
        del steps, stop
        response, transpose = jax.vjp(objective.respond, kernel)
        (features,) = transpose(jnp.ones_like(response))  # of its kind in a shard_map, too
        rate = jnp.where(state[2] > 0, self.rate, 1.0)
        means = self._mix(state[:2], features, objective, rate)
        new = self._solve(means, objective)
        return conclude(
            objective, (kernel, state), (new, (*means, state[2] + 1.0)), objective(kernel)
        )

    def _mix(self, means: Any, features: jax.Array, objective: Objective, rate: jax.Array) -> Any:
        """Returns the means with a sample in them."""
        numerator = jnp.conj(features) * (objective.weight * objective.label)[None]
        denominator = jnp.sum(objective.weight[None] * jnp.square(jnp.abs(features)), axis=0)
        return jax.tree.map(
            lambda old, new: old + rate * (new - old), means, (numerator, denominator)
        )

    def _solve(self, means: Any, objective: Objective) -> jax.Array:
        """Returns the kernel of the means."""
        return means[0] / (means[1] + objective.decay)[None]


class CompressedRidge(Ridge):
    """The same on the few directions, among the channels, in which the target has most energy.

    They are the leading eigenvectors of the channels' products in the running mean of the features,
    taken anew with every sample; the label must stay the same. The kernel is returned on all
    channels. For half spectra, (C, G, G // 2 + 1). Source: Danelljan, Häger, Khan, Felsberg,
    "Discriminative Scale Space Tracking", PAMI 2017.
    """

    channels: int = static(18)  # that are left

    def check(self) -> None:
        super().check()
        self.require("channels", lambda n: n >= 1, "at least 1")

    def _mix(self, means: Any, features: jax.Array, objective: Objective, rate: jax.Array) -> Any:
        template = means[0] + rate * (features - means[0])
        power = jnp.square(jnp.abs(along(self._basis(template), features)))
        denominator = jnp.sum(objective.weight[None] * power, axis=0)
        return template, means[1] + rate * (denominator - means[1])

    def _solve(self, means: Any, objective: Objective) -> jax.Array:
        basis = self._basis(means[0])
        numerator = jnp.conj(along(basis, means[0])) * (objective.weight * objective.label)[None]
        return along(basis.T, numerator / (means[1] + objective.decay)[None])

    def _basis(self, template: jax.Array) -> jax.Array:
        """(channels, C) orthonormal rows."""
        counted = template * fourier.multiplicity(template.shape[1])[None, None]
        products = jnp.einsum("cyx,dyx->cd", jnp.conj(template), counted, precision="highest").real
        products = jax.lax.stop_gradient(products)  # equal eigenvalues have no slope
        return jnp.linalg.eigh(products)[1][:, -self.channels :].T


def along(basis: jax.Array, features: jax.Array) -> jax.Array:
    """Returns (D, ...) the components of features (C, ...) along the rows of a basis (D, C)."""
    return jnp.tensordot(basis.astype(features.dtype), features, 1, precision="highest")


def dual(kernel: jax.Array, label: jax.Array, decay: jax.Array | float) -> jax.Array:
    """Kernel ridge regression over all shifts of one sample, in its dual form.

    Args:
      kernel: spectrum of the kernel of the sample with its own shifts; label: the label's.

    Returns:
      spectrum of the coefficients alpha. Source: Henriques et al., "High-Speed Tracking with
      Kernelized Correlation Filters", PAMI 2015, equation 17.
    """
    return label / (kernel + decay)
