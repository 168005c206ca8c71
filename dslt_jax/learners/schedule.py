"""A learner with a budget, and the learners that settings pick by name."""

from typing import Any, Literal

import jax

from dslt_jax.learners.adam import Adam
from dslt_jax.learners.base import Fit, Learner, Objective
from dslt_jax.learners.gauss_newton import GaussNewton
from dslt_jax.parts import Part, part, static

TABLE = {"adam": Adam(), "gauss_newton": GaussNewton()}


class Schedule(Part):
    """A learner with a budget: for the first frame, or for the later ones."""

    learner: Learner = part(Adam(), choices=TABLE)
    steps: int = static(1)
    every: int = static(1)  # samples that come between two fits, the last one included
    # Where the learner's state, such as Adam's moments, starts anew: where this schedule takes over
    # from another one, or in every fit.
    fresh: Literal["never", "once", "always"] = static("never")
    stop: float | None = None  # it ends before when the error, without the decay, falls below

    def check(self) -> None:
        if not callable(getattr(self.learner, "fit", None)):
            raise ValueError(f"learner={self.learner!r} must have `init` and `fit`")
        if isinstance(self.learner, GaussNewton) and isinstance(self.stop, (int, float)):
            raise ValueError(
                f"stop={self.stop:g}: Gauss-Newton spends its whole budget, set stop=none"
            )
        self.require("steps", lambda n: n >= 1, "at least 1")
        if self.steps < (rounds := getattr(self.learner, "rounds", 1)):
            raise ValueError(f"steps={self.steps} must be at least learner.rounds={rounds}")
        self.require("every", lambda n: n >= 1, "at least 1")

    def fit(self, objective: Objective, kernel: jax.Array, state: Any) -> Fit:
        """Spends the budget once; raises ValueError where a learner of one's own gives no `Fit`."""
        if self.fresh == "always":
            state = self.learner.init(kernel)
        fit = self.learner.fit(objective, kernel, state, steps=self.steps, stop=self.stop)
        if not all(hasattr(fit, field) for field in Fit._fields):
            raise ValueError(
                f"`fit` of {type(self.learner).__name__} returned a {type(fit).__name__}: it must "
                f"return learners.Fit({', '.join(Fit._fields)})"
            )
        return fit
