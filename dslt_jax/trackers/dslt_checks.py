"""Which of DSLT's parts go together, and what a box asks beyond its settings."""

from typing import Any

import numpy as np

from dslt_jax.ops import sizing
from dslt_jax.ops.fusion import Fusion, Single


def check(tracker: Any) -> None:
    """Raises ValueError when its parts do not go together."""
    if not callable(tracker.loss):
        raise ValueError(
            f"loss={tracker.loss!r} must be a function (p, y) -> loss of each location"
        )
    if not callable(getattr(tracker.backbone, "apply", None)):
        raise ValueError(f"backbone={tracker.backbone!r} must have `layers` and `apply`")
    parts: tuple[tuple[str, str, Any], ...] = (
        ("region", "look", ()),
        ("fusion", "fit", ()),
        ("first", "fit", ()),
        ("online", "fit", ()),
        ("memory", "remember", ()),
        ("size", "start", sizing.TABLE),
        ("gates", "judge", ()),
        ("recovery", "place", ()),
    )
    for name, method, choices in parts:
        if not callable(getattr(getattr(tracker, name), method, None)):
            came = getattr(tracker, name)
            named = isinstance(came, str) and came in choices
            cure = f": dslt.override(tracker, '{name}={came}') takes its name" if named else ""
            raise ValueError(f"{name}={came!r} must be a part with `{method}`{cure}")
    if not isinstance(tracker.augment, tuple):
        raise ValueError(f"augment={tracker.augment!r} must be a tuple of `ops.augment.Variant`")
    if tracker.kernel_size % 2 or tracker.kernel_size < 2:
        raise ValueError(f"kernel_size={tracker.kernel_size} must be even, 2 or more")
    stride = tracker.backbone.layers[0].stride
    tracker.region.require(
        "search", lambda s: s >= 3 * stride, f"3 or more cells of {stride} pixels"
    )
    if len(tracker.backbone.layers) != 1 and isinstance(tracker.fusion, Single):
        raise ValueError(
            f"this tracker learns on one layer, the backbone '{tracker.backbone.name}' has "
            f"{len(tracker.backbone.layers)}: choose one, e.g. backbone.take=conv4_3"
        )
    if len(tracker.backbone.layers) != 2 and isinstance(tracker.fusion, Fusion):
        raise ValueError(
            f"residual fusion needs two layers, the backbone '{tracker.backbone.name}' has "
            f"{len(tracker.backbone.layers)}: choose two, or give another fusion, "
            "`ops.fusion.Single` for one"
        )
    tracker.require("decay", lambda d: d >= 0, "at least 0")
    tracker.require("motion", lambda m: m > 0, "greater than 0")
    needs: tuple[str, ...] = getattr(tracker.size, "needs", tuple)()
    if needs and needs[0] not in _param_names(tracker.backbone):
        raise ValueError(
            f"size=box_head needs backbone=compact or narrow: {tracker.backbone.name} has no box "
            "head, set size=scales"
        )


def notes(tracker: Any, box: Any) -> list[str]:
    """Returns sentences on what a box (4,) of Python numbers asks beyond these settings."""
    width, height = float(box[2]), float(box[3])
    stride = tracker.backbone.layers[0].stride
    scale = tracker.region.target / stride / float(tracker.region.length(np.array([width, height])))
    longest, shortest = max(width, height) * scale, min(width, height) * scale
    found = []
    if longest > tracker.kernel_size + 0.5:
        found.append(
            f"a target of {width:g} x {height:g} pixels is longer than the kernel's canvas: "
            f"{tracker.kernel_size / longest:.0%} of its length are learned (kernel_size)"
        )
    if shortest < 1 or min(width, height) < tracker.region.min_side:
        found.append(
            f"a target of {width:g} x {height:g} pixels has little to learn from: its shorter "
            f"side is {shortest:.1f} cells of the features"
        )
    return found


def _param_names(backbone: Any) -> set[str]:
    try:
        return set(backbone.param_shapes())
    except (AttributeError, ValueError):  # a function, whose params are the caller's
        return set()
