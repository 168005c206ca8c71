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
from dslt_jax.parts import Part


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
        return numerator, jnp.abs(numerator).sum(axis=0), jnp.zeros((), jnp.float32)

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
        _, transpose = jax.vjp(objective.respond, kernel)
        (features,) = transpose(jnp.ones_like(objective.label))
        numerator = jnp.conj(features) * (objective.weight * objective.label)[None]
        denominator = jnp.sum(objective.weight[None] * jnp.square(jnp.abs(features)), axis=0)
        rate = jnp.where(state[2] > 0, self.rate, 1.0)
        means = jax.tree.map(
            lambda old, new: old + rate * (new - old), state[:2], (numerator, denominator)
        )
        new = means[0] / (means[1] + objective.decay)[None]
        return conclude(
            objective, (kernel, state), (new, (*means, state[2] + 1.0)), objective(kernel)
        )


def dual(kernel: jax.Array, label: jax.Array, decay: jax.Array | float) -> jax.Array:
    """Kernel ridge regression over all shifts of one sample, in its dual form.

    Args:
      kernel: spectrum of the kernel of the sample with its own shifts; label: the label's.

    Returns:
      spectrum of the coefficients alpha. Source: Henriques et al., "High-Speed Tracking with
      Kernelized Correlation Filters", PAMI 2015, equation 17.
    """
    return label / (kernel + decay)
