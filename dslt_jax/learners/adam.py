"""Adam with a rate for each branch of the kernel, the paper's learner.

Source: Kingma and Ba, "Adam", ICLR 2015; rates per branch as in DSLT (ECCV 2018).
"""

import optax

from dslt_jax.learners.descent import Descent


class Adam(Descent):
    """A step that is as long as its rate where the gradient keeps its sign."""

    b1: float = 0.9
    b2: float = 0.999

    def check(self) -> None:
        super().check()
        self.require("b1", lambda b: 0 <= b < 1, "from 0 to below 1")
        self.require("b2", lambda b: 0 <= b < 1, "from 0 to below 1")

    def _direction(self) -> optax.GradientTransformation:
        # Below the squares of all that counts: without it the root has no slope where nothing is
        # learned, such as outside the mask.
        return optax.scale_by_adam(b1=self.b1, b2=self.b2, eps_root=1e-30)
