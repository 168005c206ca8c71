"""Gradient steps with a rate for each branch, and their simplest kind, with momentum."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from dslt_jax.learners.base import Fit, Objective, conclude
from dslt_jax.parts import Part


class Descent(Part):
    """A gradient step a unit of the budget; a kind of it says in which direction."""

    # One for each branch: equal groups of the kernel's leading axis, in its order; of a kernel that
    # is a pytree, its topmost parts.
    rates: tuple[float, ...] = (1e-3, 1e-3)

    def check(self) -> None:
        if _is_one(self.rates) or not len(self.rates):
            raise ValueError(f"rates={self.rates!r} must be numbers, one for each branch: (1e-3,)")

    def init(self, kernel: Any) -> Any:
        return self._direction().init(kernel)

    def fit(
        self,
        objective: Objective,
        kernel: Any,
        state: Any,
        *,
        steps: int,
        stop: jax.Array | float | None = None,
    ) -> Fit:
        rates, transform = self._rates(kernel), self._direction()

        def advance(kernel, state):
            loss, gradient = jax.value_and_grad(lambda kernel: objective(kernel))(kernel)
            direction, state = transform.update(gradient, state, kernel)
            kernel = jax.tree.map(lambda k, r, d: k - r * d, kernel, rates, direction)
            return kernel, state, loss

        if stop is None:  # a scan, which has a reverse mode

            def turn(carry, _):
                *carry, loss = advance(*carry)
                return tuple(carry), loss

            new, losses = jax.lax.scan(turn, (kernel, state), None, length=steps)
            return conclude(objective, (kernel, state), new, losses[0])

        def proceed(carry):
            step, *_, error = carry
            return (step < steps) & ~(error <= stop)

        def move(carry):
            step, kernel, state, _ = carry
            kernel, state, _ = advance(kernel, state)
            return step + 1, kernel, state, objective.error(kernel)

        start = 0, kernel, state, objective.error(kernel)
        _, last, moments, _ = jax.lax.while_loop(proceed, move, start)
        return conclude(objective, (kernel, state), (last, moments), objective(kernel))

    def _rates(self, kernel: Any) -> Any:
        """The rate of every number of the kernel, in shapes that multiply it."""
        if hasattr(kernel, "ndim"):
            channels = kernel.shape[0]
            if channels % len(self.rates):
                raise ValueError(
                    f"{len(self.rates)} rates do not divide the kernel's {channels} channels"
                )
            rates = jnp.stack([jnp.asarray(r) for r in self.rates])
            rates = jnp.repeat(rates, channels // len(self.rates))
            return rates.reshape(-1, *[1] * (kernel.ndim - 1))
        branches, whole = jax.tree.flatten(kernel, is_leaf=lambda part: part is not kernel)
        if len(branches) != len(self.rates):
            raise ValueError(f"{len(self.rates)} rates for the kernel's {len(branches)} branches")
        pairs = zip(self.rates, branches, strict=True)
        spread = [jax.tree.map(lambda _, rate=rate: rate, branch) for rate, branch in pairs]
        return jax.tree.unflatten(whole, spread)

    def _direction(self) -> optax.GradientTransformation:
        """What makes the direction of a step, which a rate then scales, of the gradients."""
        raise NotImplementedError


def _is_one(rates: Any) -> bool:
    """Whether it is one rate, or a word, and not several, however they are held."""
    return isinstance(rates, int | float | str) or getattr(rates, "ndim", 1) == 0


class Momentum(Descent):
    """The gradient and what is left of the directions before, as Caffe's solver has it.

    Source: Jia et al., "Caffe: Convolutional Architecture for Fast Feature Embedding", 2014: the
    step is rate * gradient + momentum * the last step. The same at a rate that stays.
    """

    momentum: float = 0.9  # share of the last direction

    def check(self) -> None:
        super().check()
        self.require("momentum", lambda m: 0 <= m < 1, "from 0 to below 1")

    def _direction(self) -> optax.GradientTransformation:
        return optax.trace(decay=self.momentum)
