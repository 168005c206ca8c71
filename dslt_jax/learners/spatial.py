"""Correlation filters whose coefficients cost the more, the farther they are from the target.

Such a filter f lowers `data(f) + |w f|^2`, the data's part diagonal over frequencies and the
penalty's diagonal over space. Everything here is of half spectra, (C, G, G // 2 + 1).
"""

from collections.abc import Callable

import jax

from dslt_jax.learners.gauss_newton import conjugate_gradient
from dslt_jax.ops import fourier


def solve(
    data: Callable[[jax.Array], jax.Array],
    label: jax.Array,
    power: jax.Array,
    penalty: jax.Array,
    start: jax.Array,
    *,
    steps: int,
) -> jax.Array:
    """Lowers the objective from a filter that there is, by conjugate gradients.

    Args:
      data: the data's part of the normal equations, linear, symmetric, not negative; label: their
        right-hand side; power: the diagonal of `data`, or what is near it.
      penalty: (G, G) the squares w^2.

    Returns:
      the filter after `steps` steps.
    """
    precondition = preconditioner(power, penalty)

    def operator(f):
        return data(f) + fourier.weigh(f, penalty)

    residual = label - operator(start)
    return start + conjugate_gradient(
        operator, residual, steps=steps, inner=fourier.inner, precondition=precondition
    )


def preconditioner(power: jax.Array, penalty: jax.Array) -> Callable[[jax.Array], jax.Array]:
    """Returns an approximate inverse of a diagonal over frequencies plus one over space.

    With p the mean power, S = (penalty + p)^(-1/2) over space and D = power / p + 1 over
    frequencies it is S D^(-1) S: half of the inverse where either part is p everywhere. Penalties
    span five orders of magnitude, and so do spectra; either diagonal alone helps little.
    """
    mean = power.mean()
    root = jax.lax.rsqrt(penalty + mean)
    across = 1 / (power / mean + 1)
    return lambda r: fourier.weigh(across * fourier.weigh(r, root), root)
