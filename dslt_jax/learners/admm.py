"""A correlation filter on the target alone that stays near the last one, by ADMM.

It minimises, over spectra of G^2 frequencies,

    |sum over channels of f x - y|^2 / G^2  +  temporal |f - last|^2  +  |w g|^2,   f = g,

each term over 2, where w is over space. Given g, f is in closed form at every frequency (Sherman
and Morrison); given f, g is at every cell; a multiplier brings them together. Source: Li, Tian,
Zuo, Zhang, Yang, "Learning Spatial-Temporal Regularized Correlation Filters for Visual Tracking",
CVPR 2018; the spatial part: Galoogahi, Fagg, Lucey, "Learning Background-Aware Correlation Filters
for Visual Tracking", ICCV 2017.
"""

import jax
import jax.numpy as jnp

from dslt_jax.ops import fourier


def solve(
    spectrum: jax.Array,
    label: jax.Array,
    last: jax.Array,
    penalty: jax.Array,
    *,
    temporal: jax.Array | float,
    stiffness: jax.Array,
) -> jax.Array:
    """Returns the filter (C, G, G // 2 + 1).

    Args:
      spectrum: (C, G, G // 2 + 1) of the features x; label: (G, G // 2 + 1) of the response y.
      last: (C, G, G // 2 + 1) the filter of the frame before.
      penalty: (G, G) the squares w^2.
      temporal: () weight of the change since then.
      stiffness: (N,) the weight of f = g in each of N rounds.
    """

    def advance(carry, gamma):
        _, near, multiplier = carry
        found = nearest(
            spectrum, label, gamma * near - multiplier + temporal * last, gamma + temporal
        )
        near = fourier.weigh(gamma * found + multiplier, 1 / (penalty + gamma))
        return (found, near, multiplier + gamma * (found - near)), None

    blank = 0.0 * spectrum
    (found, _, _), _ = jax.lax.scan(advance, (blank, blank, blank), stiffness)
    return found


def nearest(
    spectrum: jax.Array, label: jax.Array, pull: jax.Array, weight: jax.Array | float
) -> jax.Array:
    """Returns f of least |f x - y|^2 / G^2 + weight |f|^2 - 2 pull f, each frequency for itself."""
    count = spectrum.shape[-2] ** 2
    conjugate = jnp.conj(spectrum)
    target = conjugate * label[None] / count + pull
    power = jnp.square(jnp.abs(spectrum)).sum(axis=0)
    share = jnp.sum(spectrum * target, axis=0) / (power + count * weight)
    return (target - conjugate * share[None]) / weight
