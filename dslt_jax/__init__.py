"""Deep Regression Tracking with Shrinkage Loss, in JAX.

What is public is here, imported when it is first asked for: `import dslt_jax` alone costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

from dslt_jax.version import __version__

if TYPE_CHECKING:
    from dslt_jax import backbones, learners, presets
    from dslt_jax.multi_target import many
    from dslt_jax.ops import losses
    from dslt_jax.settings import override
    from dslt_jax.tracking import init, learn, locate, step, track, track_many
    from dslt_jax.types import Look, Output, Tracker
    from dslt_jax.weights.store import load_params

# name -> the module that has it, or that it is
_PUBLIC = {
    "Look": "types",
    "Output": "types",
    "Tracker": "types",
    "backbones": "backbones",
    "init": "tracking",
    "learn": "tracking",
    "learners": "learners",
    "load_params": "weights.store",
    "locate": "tracking",
    "losses": "ops.losses",
    "many": "multi_target",
    "override": "settings",
    "presets": "presets",
    "step": "tracking",
    "track": "tracking",
    "track_many": "tracking",
}

__all__ = [
    "Look",
    "Output",
    "Tracker",
    "__version__",
    "backbones",
    "init",
    "learn",
    "learners",
    "load_params",
    "locate",
    "losses",
    "many",
    "override",
    "presets",
    "step",
    "track",
    "track_many",
]


if not TYPE_CHECKING:  # a type checker would take any name for public

    def __getattr__(name: str) -> Any:
        if name not in _PUBLIC:
            raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
        path = _PUBLIC[name]
        module = importlib.import_module(f"{__name__}.{path}")
        value = module if path.rpartition(".")[2] == name else getattr(module, name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__
