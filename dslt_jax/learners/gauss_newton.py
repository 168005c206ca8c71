"""Gauss-Newton steps for a linear model under a robust loss, solved by conjugate gradients.

The response is linear in the kernel, only the loss is not. About the present errors r = p - y any
loss rho has the quadratic w r^2 with w = rho'(r) / (2 r): the same gradient here, and the same
minimum once the errors stop changing (iteratively reweighted least squares). The weighted ridge
regression that results is solved approximately by a few conjugate gradient steps from the kernel
that there is, each as costly as one gradient.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from dslt_jax.learners.base import Fit, Objective, conclude
from dslt_jax.parts import Part, static

TINY = 1e-30  # against division by zero where nothing is left to improve
FLAT = 1e-3  # errors below are taken for this, as a share of the label's largest value


class GaussNewton(Part):
    """Conjugate gradient steps, of which each is a unit of the budget; no learning rates."""

    rounds: int = static(1)  # times that the weights of the errors are taken anew

    def check(self) -> None:
        self.require("rounds", lambda n: n >= 1, "at least 1")

    def init(self, kernel: jax.Array) -> Any:
        return ()

    def fit(
        self,
        objective: Objective,
        kernel: jax.Array,
        state: Any,
        *,
        steps: int,
        stop: jax.Array | float | None = None,
    ) -> Fit:
        if stop is not None:
            raise ValueError("Gauss-Newton spends its whole budget: stop must be none")
        if steps < self.rounds:
            raise ValueError(f"steps={steps} must be at least rounds={self.rounds}")
        new = kernel
        for i in range(self.rounds):  # the budget is shared out among the rounds
            share = steps // self.rounds + (i < steps % self.rounds)
            new = advance(objective, new, steps=share)
        return conclude(objective, (kernel, state), (new, state), objective(kernel))


def advance(objective: Objective, kernel: jax.Array, *, steps: int) -> jax.Array:
    """Returns the kernel after one round: `steps` on the quadratic about the present errors."""
    response = objective.respond(kernel)
    weight = objective.weight * curvature(objective.loss, response, objective.label)
    _, transpose = jax.vjp(objective.respond, kernel)

    def operator(k):
        return transpose(weight * objective.respond(k))[0] + objective.decay * k

    residual = transpose(weight * (objective.label - response))[0] - objective.decay * kernel
    return kernel + conjugate_gradient(operator, residual, steps=steps)


def curvature(
    loss: Callable[[jax.Array, jax.Array], jax.Array], response: jax.Array, label: jax.Array
) -> jax.Array:
    """Returns w = rho'(r) / (2 r) of an elementwise loss, r = response - label, not negative."""
    error = response - label
    least = FLAT * jnp.maximum(jnp.abs(label).max(), TINY)
    error = jnp.where(jnp.abs(error) < least, least, error)
    slope = jax.grad(lambda p: loss(p, label).sum())(label + error)
    return jnp.maximum(slope / (2 * error), 0.0)


def conjugate_gradient(
    operator: Callable[[Any], Any],
    residual: Any,
    *,
    steps: int,
    inner: Callable[[Any, Any], jax.Array] = jnp.vdot,
    precondition: Callable[[Any], Any] = lambda residual: residual,
) -> Any:
    """Returns an approximate solution x of operator(x) = residual after `steps` steps from zero.

    The operator is symmetric and positive. A scan, so that it can be differentiated.

    Args:
      residual: an array or a pytree of them; inner: the inner product () for which the operator is
        symmetric; precondition: an approximate inverse of it, symmetric and positive as well.
    """

    def move(x, rate, direction):
        return jax.tree.map(lambda a, b: a + rate * b, x, direction)

    def advance(carry, _):
        x, residual, direction, square = carry
        image = operator(direction)
        rate = square / jnp.maximum(inner(direction, image), TINY)
        x, residual = move(x, rate, direction), move(residual, -rate, image)
        steepest = precondition(residual)
        new = inner(residual, steepest)
        direction = move(steepest, new / jnp.maximum(square, TINY), direction)
        return (x, residual, direction, new), None

    steepest = precondition(residual)
    blank = jax.tree.map(lambda r: 0.0 * r, residual)
    start = (blank, residual, steepest, inner(residual, steepest))
    return jax.lax.scan(advance, start, None, length=steps)[0][0]
