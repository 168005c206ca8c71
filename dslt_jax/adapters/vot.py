"""The vot-toolkit's `protocol = python`: the toolkit runs our tracker in a process of its own.

trackers.ini, which `dslt vot init` writes:

    [dslt-compact]
    label = dslt-compact
    protocol = python
    command = dslt_jax.adapters.vot:Tracker
    arg_preset = compact
    convert = rectangle
    timeout = 300

The programs are compiled while the tracker is made, before the toolkit's clock runs. It follows one
object or several, as the stack has them, and new ones may come with any frame. It gives boxes: of a
mask or a polygon it learns the upright box around it, and stacks that score masks score that box.
"""

import re
import shlex
import sys
from typing import Any, Literal

import numpy as np

from dslt_jax.adapters.targets import Files, Found, Targets
from dslt_jax.app import compiled
from dslt_jax.app.spec import Spec
from dslt_jax.arrays import whole_seed

Status = tuple[tuple[float, float, float, float], dict[str, float]]

NAME = re.compile(r"[A-Za-z0-9_-]+")  # what the toolkit takes as one
TIMEOUT = 300  # seconds that the toolkit waits for an answer; its own 30 are short for compiling


class Tracker:
    """Objects of one sequence; the toolkit names the settings `arg_preset` and so on, as text.

    Args:
      preset, weights, seed: as of `app.spec.Spec`.
      settings: name=value, commas between them.

    Raises:
      ValueError: a setting is none; WeightsError: the weights are not there.
    """

    multiobject = True

    def __init__(
        self, preset: str = "compact", settings: str = "", weights: str = "", seed: int | str = 0
    ):
        compiled.keep()
        self._files = Files()
        self._targets = Targets(spec_of(preset, settings, weights, seed))

    def init(self, frame: Any, new: Any) -> list[Status]:
        """Learns the objects of a first frame.

        Args:
          frame: a file name, or one for each channel.
          new: (region, properties) of one object, or a list of them; a region as of `box_of`.

        Returns:
          for each a plain tuple x, y, w, h, as the toolkit asks for, and its confidence.

        Raises:
          ValueError: a region is empty, or the frame cannot be read.
        """
        image = self._files.read(_picture(frame), first=True)
        return _told(self._targets.start(image, _boxes(new)))

    def update(self, frame: Any, new: Any = ()) -> list[Status]:
        """Finds all objects in the next frame, and learns those that come with it."""
        image = self._files.read(_picture(frame), first=False)
        return _told(self._targets.follow(image, _boxes(new)))


def spec_of(
    preset: str = "compact", settings: str = "", weights: str = "", seed: int | str = 0
) -> Spec:
    """Returns the spec that the texts of an entry say; as of `Tracker`."""
    # A value may have commas too: a new setting begins at name=.
    words = tuple(word for word in re.split(r",(?=\s*[\w.]+=)", settings) if word)
    return Spec(preset, words, weights or None, whole_seed(seed))


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


def ini(spec: Spec, name: str | None = None, protocol: Literal["python", "trax"] = "python") -> str:
    """Returns the entry of the toolkit's trackers.ini for a tracker.

    Args:
      spec: of the tracker.
      name: of the entry and of its results; None is that of the preset.
      protocol: "python" runs in the toolkit's environment, "trax" in this one.

    Raises:
      ValueError: the toolkit does not take the name.
    """
    name = name or f"dslt-{spec.preset}"
    if not NAME.fullmatch(name):
        raise ValueError(f"the name '{name}' may have letters, digits, - and _ only")
    lines = [f"[{name}]", f"label = {name}", f"protocol = {protocol}"]
    if protocol == "python":
        given: dict[str, str | int | None] = {"preset": spec.preset}
        given |= {"settings": ",".join(spec.settings), "weights": spec.weights, "seed": spec.seed}
        lines += ["command = dslt_jax.adapters.vot:Tracker"]
        lines += [f"arg_{key} = {value}" for key, value in given.items() if value]
        lines += ["convert = rectangle"]
    else:
        words = [sys.executable, "-m", "dslt_jax", "vot", "trax", f"--preset={spec.preset}"]
        words += [f"--set={setting}" for setting in spec.settings]
        words += [f"--weights={spec.weights}"] if spec.weights else []
        words += [f"--seed={spec.seed}"] if spec.seed else []
        lines += [f"command = {shlex.join(words)}"]
    lines += [f"timeout = {TIMEOUT}"]
    return "\n".join(lines).replace("%", "%%") + "\n"  # a % has a meaning in .ini files


def _boxes(new: Any) -> list[np.ndarray]:
    pairs = [new] if isinstance(new, tuple) and new else list(new)
    return [box_of(region) for region, _ in pairs]


def _told(found: list[Found]) -> list[Status]:
    return [(one.box, {"confidence": one.confidence}) for one in found]


def _picture(frame: Any) -> Any:
    """The file of the colour channel."""
    return frame.get("color", next(iter(frame.values()))) if isinstance(frame, dict) else frame
