"""A tracker of the got10k toolkit, for its experiments (pip install got10k).

from got10k.experiments import ExperimentOTB
from dslt_jax.adapters.got10k import Tracker

ExperimentOTB(root, version=2015).run(Tracker("compact", origin=1))
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dslt_jax.adapters.single import SingleTarget, rgb
from dslt_jax.settings import Assignments

try:
    from got10k.trackers import Tracker as _Tracker
except ImportError as error:
    raise ImportError("the got10k adapter needs the toolkit: pip install got10k") from error


class Tracker(_Tracker):
    """See `SingleTarget` for the settings.

    Args:
      name: of the folder of results; None is the preset's.
      origin: coordinate of the first pixel's edge in the dataset's boxes, which the toolkit hands
        on as they are written: 1 for OTB.
    """

    def __init__(
        self,
        preset: str = "compact",
        settings: Assignments = (),
        weights: str | None = None,
        seed: int = 0,
        *,
        name: str | None = None,
        origin: float = 0.0,
    ):
        super().__init__(name=name or f"dslt-{preset}", is_deterministic=True)
        self._target = SingleTarget(preset, settings, weights, seed)
        self._origin = np.array([origin, origin, 0.0, 0.0])

    def init(self, image: Any, box: ArrayLike) -> None:
        """Learns the target; image: Pillow's, of any mode; box (4,) x, y, w, h."""
        box = np.asarray(box, float)
        self._target.start(rgb(image), box.reshape(4) - self._origin if box.size == 4 else box)

    def update(self, image: Any) -> np.ndarray:
        """Returns the box (4,) in the next image."""
        self._target.follow(rgb(image))
        return self._target.box + self._origin
