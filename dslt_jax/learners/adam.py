"""Adam with a rate for each branch of the kernel, the paper's learner.

Source: Kingma and Ba, "Adam", ICLR 2015; rates per branch as in DSLT (ECCV 2018).
"""

from typing import Literal

import jax.numpy as jnp
import optax

from dslt_jax.learners.descent import Descent
from dslt_jax.parts import static


class Adam(Descent):
    """A step that is as long as its rate where the gradient keeps its sign."""

    b1: float = 0.9
    b2: float = 0.999
    # Of the moments, which begin at 0: as at every step, or as at the first one for ever, as Caffe
    # has it where its count of steps is not advanced. Then steps grow shorter: with b1 0.6, where
    # the gradient stays, the 100th is a quarter of the rate, and in the end each is a twelfth.
    correction: Literal["each", "first"] = static("each")

    def check(self) -> None:
        super().check()
        self.require("b1", lambda b: 0 <= b < 1, "from 0 to below 1")
        self.require("b2", lambda b: 0 <= b < 1, "from 0 to below 1")

    def _direction(self) -> optax.GradientTransformation:
        # Below the squares of all that counts: without it the root has no slope where nothing is
        # learned, such as outside the mask.
        adam = optax.scale_by_adam(b1=self.b1, b2=self.b2, eps_root=1e-30)
        if self.correction == "each":
            return adam

        def update(gradient, state, kernel=None):
            return adam.update(gradient, state._replace(count=jnp.zeros_like(state.count)), kernel)

        return optax.GradientTransformation(adam.init, update)
