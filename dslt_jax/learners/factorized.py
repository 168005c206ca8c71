"""A correlation filter and the projection of its features onto few channels, learned together.

Of one frame with features x in blocks, filter f and projections P lower

    |sum over channels of f * P x - y|^2 + |w f|^2 + decay |P|^2

by Gauss-Newton: in each round both change towards the minimum of the objective in which their
product is linear, by the share of the way at which the objective itself is lowest. Source:
Danelljan, Bhat, Khan, Felsberg, "ECO: Efficient Convolution Operators for Tracking", CVPR 2017,
section 3.2. All spectra are half spectra, (C, G, G // 2 + 1).
"""

import jax
import jax.numpy as jnp
import numpy as np

from dslt_jax.learners import spatial
from dslt_jax.learners.gauss_newton import conjugate_gradient
from dslt_jax.learners.ridge import along
from dslt_jax.ops import fourier

Blocks = tuple[jax.Array, ...]
SHARES = np.array([0, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1], np.float32)  # of the way, that are tried


def project(projections: Blocks, spectra: Blocks) -> jax.Array:
    """Returns the projected features (C, ...) of all blocks: (C_b, D_b) times (D_b, ...) each."""
    return jnp.concatenate([along(p, x) for p, x in zip(projections, spectra, strict=True)])


def principal(cells: jax.Array, channels: int) -> jax.Array:
    """Returns (channels, D) the directions in which features (H, W, D) vary most."""
    flat = cells.reshape(-1, cells.shape[-1])
    flat = flat - flat.mean(axis=0, keepdims=True)
    products = jnp.matmul(flat.T, flat, precision="highest")
    return jnp.linalg.eigh(products)[1][:, : -channels - 1 : -1].T


def solve(
    spectra: Blocks,
    projections: Blocks,
    label: jax.Array,
    penalty: jax.Array,
    *,
    decay: jax.Array | float,
    rounds: int,
    steps: int,
) -> tuple[jax.Array, Blocks]:
    """Returns the filter and the projections.

    Args:
      spectra: (D_b, G, G // 2 + 1) the features of each block; projections: (C_b, D_b) to start
        from; label: (G, G // 2 + 1); penalty: (G, G) the squares w^2.
      rounds: of Gauss-Newton, the first for the filter alone; steps: of conjugate gradients in
        each.
    """
    shares = jnp.asarray(SHARES)
    ends = [sum(len(p) for p in projections[: i + 1]) for i in range(len(projections))]

    def inner(a, b):
        return fourier.inner(a[0], b[0]) + sum(map(jnp.vdot, a[1], b[1]))

    def objective(f, projections):
        error = jnp.sum(f * project(projections, spectra), axis=0) - label
        cost = fourier.inner(f, fourier.weigh(f, penalty))
        cost += decay * sum(jnp.vdot(p, p) for p in projections)
        return fourier.inner(error, error) + cost

    def advance(carry, _):
        f, projections = carry
        features = project(projections, spectra)

        def respond(df, changes):
            return jnp.sum(df * features + f * project(changes, spectra), axis=0)

        def transpose(response):
            pulled = jnp.conj(f) * (response * fourier.multiplicity(penalty.shape[0])[None])[None]
            pulled = jnp.split(pulled, ends[:-1])
            return jnp.conj(features) * response[None], tuple(
                jnp.einsum("cyx,dyx->cd", a, jnp.conj(x), precision="highest").real
                for a, x in zip(pulled, spectra, strict=True)
            )

        def costs(df, changes):
            return fourier.weigh(df, penalty), tuple(decay * p for p in changes)

        def operator(change):
            return jax.tree.map(jnp.add, transpose(respond(*change)), costs(*change))

        error = label - jnp.sum(f * features, axis=0)
        residual = jax.tree.map(jnp.subtract, transpose(error), costs(f, projections))
        of_filter = spatial.preconditioner(jnp.square(jnp.abs(features)), penalty)
        weight = fourier.multiplicity(penalty.shape[0])[None, None]
        power = [jnp.square(jnp.abs(x)) for x in spectra]
        parts = jnp.split(weight * jnp.square(jnp.abs(f)), ends[:-1])
        diagonal = [
            jnp.einsum("cyx,dyx->cd", a, x, precision="highest") + decay
            for a, x in zip(parts, power, strict=True)
        ]

        def precondition(r):
            return of_filter(r[0]), tuple(p / d for p, d in zip(r[1], diagonal, strict=True))

        df, changes = conjugate_gradient(
            operator, residual, steps=steps, inner=inner, precondition=precondition
        )

        def at(share):
            return jax.tree.map(lambda a, b: a + share * b, carry, (df, changes))

        values = jax.lax.map(lambda share: objective(*at(share)), shares)
        # Where nothing is lower, nothing changes.
        return at(shares[jnp.argmin(jnp.where(jnp.isfinite(values), values, jnp.inf))]), None

    features = project(projections, spectra)
    f = spatial.solve(
        lambda f: jnp.conj(features) * jnp.sum(f * features, axis=0)[None],
        jnp.conj(features) * label[None],
        jnp.square(jnp.abs(features)),
        penalty,
        0.0 * features,
        steps=steps,
    )
    return jax.lax.scan(advance, (f, projections), None, length=rounds - 1)[0]
