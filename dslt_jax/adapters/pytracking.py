"""PyTracking's tracker interface: `initialize` and `track`, a dictionary in and out."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dslt_jax.adapters.single import SingleTarget, rgb


class Tracker(SingleTarget):
    """One target; see `SingleTarget` for the settings. PyTracking itself is not needed."""

    def initialize(self, image: np.ndarray, info: dict[str, Any]) -> dict[str, Any]:
        """Learns the target.

        Args:
          image: (H, W, 3) uint8 RGB; info: "init_bbox": x, y, w, h.

        Returns:
          "target_bbox": the same box.
        """
        if not isinstance(info, Mapping):
            raise ValueError(f"info must be {{'init_bbox': [x, y, w, h]}}, got {info!r}")
        if "init_bbox" not in info:
            came = ", ".join(map(str, info)) or "nothing"
            raise ValueError(f"info must have 'init_bbox', it has {came}")
        self.start(rgb(image), info["init_bbox"])
        return {"target_bbox": self.box.tolist()}

    def track(self, image: np.ndarray, info: dict[str, Any] | None = None) -> dict[str, Any]:
        """Returns "target_bbox" [x, y, w, h], "object_presence_score" and "lost" of the next frame.

        Another "init_bbox" in `info` starts anew.
        """
        if info and "init_bbox" in info:
            return self.initialize(image, info)
        seen = self.follow(rgb(image))
        return {
            "target_bbox": self.box.tolist(),
            "object_presence_score": float(seen.confidence[0]),
            "lost": bool(seen.lost[0]),
        }
