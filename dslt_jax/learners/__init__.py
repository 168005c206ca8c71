"""Online learning: one objective, several ways to lower it, a memory of samples."""

from dslt_jax.learners.adam import Adam
from dslt_jax.learners.base import Fit, Learner, Objective
from dslt_jax.learners.descent import Momentum
from dslt_jax.learners.gauss_newton import GaussNewton
from dslt_jax.learners.memory import Memory, Samples
from dslt_jax.learners.ridge import Ridge
from dslt_jax.learners.schedule import Schedule

__all__ = [
    "Adam",
    "Fit",
    "GaussNewton",
    "Learner",
    "Memory",
    "Momentum",
    "Objective",
    "Ridge",
    "Samples",
    "Schedule",
]
