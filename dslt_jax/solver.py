"""Gauss-Newton steps for a linear model under a robust loss, solved by conjugate gradients.

The response is linear in the kernel, only the loss is not. About the present errors r = p - y any
loss rho has the quadratic w r^2 with w = rho'(r) / (2 r): the same gradient here, and the same
minimum once the errors stop changing (iteratively reweighted least squares). The weighted ridge
regression that results is solved approximately by a few conjugate gradient steps from the kernel
that there is, each as costly as one gradient.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

Loss = Callable[[jax.Array, jax.Array], jax.Array]


def curvature(loss: Loss, response: jax.Array, label: jax.Array) -> jax.Array:
    """Returns w = rho'(r) / (2 r) of an elementwise loss, r = response - label, not negative."""
    error = response - label
    error = jnp.where(jnp.abs(error) < 1e-3, 1e-3, error)
    slope = jax.grad(lambda p: loss(p, label).sum())(label + error)
    return jnp.maximum(slope / (2 * error), 0.0)


def gauss_newton(
    respond: Callable[[jax.Array], jax.Array],
    loss: Loss,
    label: jax.Array,
    weight: jax.Array,
    kernel: jax.Array,
    *,
    decay: float,
    rounds: int,
    steps: int,
) -> jax.Array:
    """Lowers sum(weight * loss(respond(k), label)) + decay * sum(k^2) over k.

    Args:
      respond: linear in the kernel.
      label: what it should return; weight: of the same shape, not negative.
      kernel: where to start.
      decay: ridge; it bounds the kernel where the samples say nothing.
      rounds: times that the weights of the errors are taken anew.
      steps: conjugate gradient steps in each round.
    """
    _, transpose = jax.vjp(respond, kernel)

    def advance(kernel, _):
        response = respond(kernel)
        w = weight * curvature(loss, response, label)

        def operator(k):
            return transpose(w * respond(k))[0] + decay * k

        residual = transpose(w * (label - response))[0] - decay * kernel
        return kernel + conjugate_gradient(operator, residual, steps=steps), None

    return jax.lax.scan(advance, kernel, None, length=rounds)[0]


def conjugate_gradient(operator, residual: jax.Array, *, steps: int) -> jax.Array:
    """Returns an approximate solution x of operator(x) = residual after `steps` steps from zero.

    The operator is symmetric and positive. A scan, so that it can be differentiated.
    """

    def advance(carry, _):
        x, residual, direction, square = carry
        image = operator(direction)
        rate = square / jnp.maximum(jnp.vdot(direction, image), 1e-12)
        x, residual = x + rate * direction, residual - rate * image
        new = jnp.vdot(residual, residual)
        direction = residual + new / jnp.maximum(square, 1e-12) * direction
        return (x, residual, direction, new), None

    start = (jnp.zeros_like(residual), residual, residual, jnp.vdot(residual, residual))
    return jax.lax.scan(advance, start, None, length=steps)[0][0]
