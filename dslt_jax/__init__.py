"""Deep Regression Tracking with Shrinkage Loss, in JAX."""

from dslt_jax import losses, presets
from dslt_jax.backbones.weights import load_params
from dslt_jax.config import TrackerConfig, override
from dslt_jax.tracker import (
    Output,
    State,
    init,
    init_many,
    step,
    step_many,
    track,
    track_many,
)
from dslt_jax.version import __version__

__all__ = [
    "Output",
    "State",
    "TrackerConfig",
    "__version__",
    "init",
    "init_many",
    "load_params",
    "losses",
    "override",
    "presets",
    "step",
    "step_many",
    "track",
    "track_many",
]
