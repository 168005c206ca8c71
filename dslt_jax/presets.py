"""The named trackers. Nothing is imported before one is asked for."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dslt_jax.types import Tracker

# name -> where its maker is
PRESETS = {
    "compact": "dslt_jax.trackers.dslt_presets",
    "fast": "dslt_jax.trackers.dslt_presets",
    "dslt_offline": "dslt_jax.trackers.dslt_presets",
    "googlenet": "dslt_jax.trackers.dslt_presets",
    "paper": "dslt_jax.trackers.dslt_presets",
    "released": "dslt_jax.trackers.dslt_presets",
    "vgg16": "dslt_jax.trackers.dslt_presets",
    "crest": "dslt_jax.trackers.crest",
    "crt": "dslt_jax.trackers.crt",
    "fcnt": "dslt_jax.trackers.fcnt",
    "hcft": "dslt_jax.trackers.hcft",
    "siamfc": "dslt_jax.trackers.siamfc",
    "kcf": "dslt_jax.trackers.kcf",
    "dcf": "dslt_jax.trackers.kcf",
    "dsst": "dslt_jax.trackers.dsst",
    "fdsst": "dslt_jax.trackers.fdsst",
    "staple": "dslt_jax.trackers.staple",
    "srdcf": "dslt_jax.trackers.srdcf",
    "strcf": "dslt_jax.trackers.strcf",
    "eco_hc": "dslt_jax.trackers.eco_hc",
    "eco": "dslt_jax.trackers.eco",
    "mosse": "dslt_jax.trackers.mosse",
}


def by_name(name: str) -> "Tracker":
    """Returns the preset called `name`; raises ValueError with the choices."""
    if name not in PRESETS:
        raise ValueError(f"there is no preset '{name}': choose one of {', '.join(PRESETS)}")
    return getattr(importlib.import_module(PRESETS[name]), name)()


def __getattr__(name: str) -> Any:
    if name in PRESETS:
        return getattr(importlib.import_module(PRESETS[name]), name)
    choices = "" if name.startswith("_") else f": choose one of {', '.join(PRESETS)}"
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'{choices}")


def __dir__() -> list[str]:
    return [*PRESETS, "PRESETS", "by_name"]
