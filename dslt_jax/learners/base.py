"""What is learned, and how a learner is spoken to.

Every learner of the library lowers one objective over a kernel k,

    sum(weight * loss(respond(k), label)) + decay * sum(|k|^2)

by a pair of functions, `init` and `fit`, as optax's transformations are pairs. A kernel is an array
or, for Adam, a pytree of branches: any model that `respond` knows.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp


class Objective(NamedTuple):
    """What a kernel is to do; called with a kernel it returns the value ()."""

    respond: Callable[[Any], jax.Array]  # linear in a kernel that is an array, its mask included
    loss: Callable[[jax.Array, jax.Array], jax.Array]  # elementwise, of response and label
    label: jax.Array
    weight: jax.Array  # like the label, not negative: importance and the samples' weights
    decay: Any = 0.0  # one number, or one for each branch

    def __call__(self, kernel: Any) -> jax.Array:
        def penalty(decay, branch):
            return decay * sum(jnp.sum(jnp.square(jnp.abs(k))) for k in jax.tree.leaves(branch))

        penalties = jax.tree.map(penalty, self.decay, kernel)
        return self.error(kernel) + sum(jax.tree.leaves(penalties))

    def error(self, kernel: Any) -> jax.Array:
        """Returns () the value without the decay."""
        found = self.loss(self.respond(kernel), self.label)
        came = getattr(found, "shape", f"a {type(found).__name__}")  # which may hold anything
        if came != jnp.shape(self.label):
            raise ValueError(
                f"loss must be elementwise: of maps {jnp.shape(self.label)} it returned {came}"
            )
        return jnp.sum(self.weight * found.astype(jnp.result_type(self.weight)))


class Fit(NamedTuple):
    """What a fit has come to. Where `finite` is false, kernel and state are the old ones."""

    kernel: Any
    state: Any  # the learner's own, for the next fit
    before: jax.Array  # () the objective before
    after: jax.Array  # () and after, of what was found, finite or not
    finite: jax.Array  # () bool


class Learner(Protocol):
    """A way to lower an objective; a frozen pytree."""

    def init(self, kernel: Any) -> Any:
        """Returns the state before the first fit."""

    def fit(
        self,
        objective: Objective,
        kernel: Any,
        state: Any,
        *,
        steps: int,
        stop: jax.Array | float | None = None,
    ) -> Fit:
        """Lowers the objective.

        Args:
          steps: the budget, in evaluations of the response and its transpose.
          stop: it ends before when the objective's error, without the decay, falls below; None has
            no such rule, and only then can the fit be differentiated in reverse.
        """


def conclude(objective: Objective, old: tuple[Any, Any], new: tuple[Any, Any], before) -> Fit:
    """Returns what a fit found, or what there was when any number of it is not finite.

    Nothing but `after` needs the objective there, so that a program that does not read it is
    spared one more response.

    Args:
      old, new: kernel and state before and after the fit; before: () the objective then.
    """
    numbers = [x for x in jax.tree.leaves(new) if jnp.issubdtype(x.dtype, jnp.inexact)]
    finite = jnp.stack([jnp.isfinite(array).all() for array in numbers]).all()
    kernel, state = jax.tree.map(lambda a, b: jnp.where(finite, a, b), new, old)
    return Fit(kernel, state, before, objective(new[0]), finite)
