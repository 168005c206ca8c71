"""The vot-toolkit's `protocol = python`: the toolkit runs our tracker in a process of its own.

trackers.ini, which `ini` writes:

    [dslt-compact]
    label = dslt-compact
    protocol = python
    command = dslt_jax.adapters.vot:Tracker
    arg_preset = compact
    convert = rectangle

The programs are compiled while the tracker is made, before the toolkit's clock runs.
"""

from typing import Any

import numpy as np

from dslt_jax.adapters.single import SingleTarget
from dslt_jax.app import compiled
from dslt_jax.media.images import read_image

Rect = tuple[float, float, float, float]
Status = tuple[Rect, dict[str, float]]

WARM_UP = (360, 480)  # the frame that programs are compiled for; another size costs the crop again


class Tracker(SingleTarget):
    """One target; the toolkit names the settings `arg_preset`, `arg_settings` (comma-separated)."""

    multiobject = False

    def __init__(self, preset: str = "compact", settings: str = "", seed: int = 0):
        compiled.keep()
        super().__init__(preset, [text for text in settings.split(",") if text], None, seed)
        height, width = WARM_UP
        self.session.warm_up(np.zeros((height, width, 3), np.uint8), [[200.0, 150.0, 60.0, 50.0]])

    def init(self, frame: Any, new: Any) -> Status:
        """Learns the target; frame: a file name, or one for each channel; new: region, properties.

        Raises:
          ValueError: the region is empty, or the frame cannot be read.
        """
        self.start(read_image(_picture(frame)), box_of(new[0]))
        return _rect(self.box), {}

    def update(self, frame: Any) -> Status:
        """Returns the box in the next frame as a plain tuple, and the confidence."""
        seen = self.follow(read_image(_picture(frame)))
        return _rect(self.box), {"confidence": float(seen.confidence[0])}


class Trackers:
    """Several targets, each followed for itself, for stacks that have them; settings as `Tracker`.

    New ones may come with any frame.
    """

    multiobject = True

    def __init__(self, preset: str = "compact", settings: str = "", seed: int = 0):
        self._make = lambda: Tracker(preset, settings, seed)
        self._targets = [self._make()]
        self._used = 0

    def init(self, frame: Any, new: Any) -> list[Status]:
        self._used = 0
        return self._add(frame, new)

    def update(self, frame: Any, new: Any = ()) -> list[Status]:
        found = [target.update(frame) for target in self._targets[: self._used]]
        return found + self._add(frame, new)

    def _add(self, frame: Any, new: Any) -> list[Status]:
        found = []
        for one in new:
            if self._used == len(self._targets):
                self._targets.append(self._make())
            found.append(self._targets[self._used].init(frame, one))
            self._used += 1
        return found


def box_of(region: Any) -> np.ndarray:
    """Returns the upright box (4,) x, y, w, h around a region as the toolkit hands it over.

    Args:
      region: a box (x, y, w, h), a polygon [(x, y), ...] or a mask, rows of 0 and 1.
    """
    if isinstance(region, tuple) and len(region) == 4:
        return np.asarray(region, np.float32)
    points = np.asarray(region, float)
    if isinstance(region, list) and region and isinstance(region[0], tuple):
        low, high = points.min(axis=0), points.max(axis=0)
    elif points.ndim == 2 and points.any():
        rows, columns = np.nonzero(points)
        low = np.array([columns.min(), rows.min()])
        high = np.array([columns.max(), rows.max()]) + 1
    else:
        raise ValueError("the region is no box, polygon or mask that has a pixel")
    return np.concatenate([low, high - low]).astype(np.float32)


def ini(preset: str = "compact", settings: str = "") -> str:
    """Returns the entry of the toolkit's trackers.ini for a preset."""
    name = f"dslt-{preset}"
    lines = [
        f"[{name}]",
        f"label = {name}",
        "protocol = python",
        "command = dslt_jax.adapters.vot:Tracker",
        f"arg_preset = {preset}",
        *([f"arg_settings = {settings}"] if settings else []),
        "convert = rectangle",
    ]
    return "\n".join(lines) + "\n"


def _picture(frame: Any) -> Any:
    """The file of the colour channel."""
    return frame.get("color", next(iter(frame.values()))) if isinstance(frame, dict) else frame


def _rect(box: np.ndarray) -> Rect:
    x, y, w, h = (float(value) for value in box)
    return x, y, w, h
