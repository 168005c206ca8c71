"""Adam with a rate for each branch of the kernel, the paper's learner.

Source: Kingma and Ba, "Adam", ICLR 2015; rates per branch as in DSLT (ECCV 2018).
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from dslt_jax.learners.base import Fit, Objective, conclude
from dslt_jax.parts import Part


class Adam(Part):
    """A gradient step a unit of the budget."""

    # One for each branch: equal groups of the kernel's leading axis, in its order.
    rates: tuple[float, ...] = (1e-3, 1e-3)
    b1: float = 0.9
    b2: float = 0.999

    def check(self) -> None:
        self.require("b1", lambda b: 0 <= b < 1, "from 0 to below 1")
        self.require("b2", lambda b: 0 <= b < 1, "from 0 to below 1")

    def init(self, kernel: jax.Array) -> Any:
        return self._adam().init(kernel)

    def fit(
        self,
        objective: Objective,
        kernel: jax.Array,
        state: Any,
        *,
        steps: int,
        stop: jax.Array | float | None = None,
    ) -> Fit:
        if kernel.shape[0] % len(self.rates):
            raise ValueError(
                f"{len(self.rates)} rates do not divide the kernel's {kernel.shape[0]} channels"
            )
        rates = jnp.repeat(
            jnp.stack([jnp.asarray(r) for r in self.rates]), kernel.shape[0] // len(self.rates)
        )
        rates = rates.reshape(-1, *[1] * (kernel.ndim - 1))
        adam = self._adam()

        def advance(kernel, state):
            loss, gradient = jax.value_and_grad(lambda kernel: objective(kernel))(kernel)
            direction, state = adam.update(gradient, state, kernel)
            return kernel - rates * direction, state, loss

        if stop is None:  # a scan, which has a reverse mode

            def turn(carry, _):
                *carry, loss = advance(*carry)
                return tuple(carry), loss

            new, losses = jax.lax.scan(turn, (kernel, state), None, length=steps)
            return conclude(objective, (kernel, state), new, losses[0])

        def proceed(carry):
            step, *_, loss = carry
            return (step < steps) & ~(loss <= stop)

        def move(carry):
            step, kernel, state, _ = carry
            kernel, state, _ = advance(kernel, state)
            return step + 1, kernel, state, objective(kernel)

        before = objective(kernel)
        _, last, moments, _ = jax.lax.while_loop(proceed, move, (0, kernel, state, before))
        return conclude(objective, (kernel, state), (last, moments), before)

    def _adam(self) -> optax.GradientTransformation:
        # Below the squares of all that counts: without it the root has no slope where nothing is
        # learned, such as outside the mask.
        return optax.scale_by_adam(b1=self.b1, b2=self.b2, eps_root=1e-30)
