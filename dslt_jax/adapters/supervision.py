"""Tracks as `supervision.Detections`, with the habits of roboflow's trackers.

    import supervision as sv
    from dslt_jax.adapters.supervision import Tracker

    tracker = Tracker("compact")
    tracker.start(frame, detections)         # what a detector found, or boxes (N, 4) of corners
    detections = tracker.update(frame)       # xyxy, confidence, tracker_id, class_id
    frame = sv.BoxAnnotator().annotate(frame, detections)

Frames are BGR, as supervision's readers give them.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from dslt_jax import boxes as boxes_lib
from dslt_jax.adapters.single import check_order, rgb
from dslt_jax.app.session import Session
from dslt_jax.app.spec import Spec
from dslt_jax.arrays import whole_seed
from dslt_jax.settings import Assignments, listed
from dslt_jax.types import Observation

try:
    import supervision as sv
except ImportError as error:
    raise ImportError("supervision is needed: pip install 'dslt-jax[supervision]'") from error


class Tracker:
    """Follows the targets that it was started with; ids count on over all starts until `reset`.

    A lost target is left out of what `update` returns, and is there again when it is found.

    Args:
      preset, settings, weights, seed: as of `app.spec.Spec`.
      order: of a frame's colours.
    """

    def __init__(
        self,
        preset: str = "compact",
        settings: Assignments = (),
        weights: str | None = None,
        seed: int = 0,
        *,
        order: Literal["bgr", "rgb"] = "bgr",
    ):
        self._session: Session = Spec(preset, listed(settings), weights, whole_seed(seed)).build()
        check_order(order)
        self._order = order
        self.reset()

    def reset(self) -> None:
        """Forgets all targets; ids count from 1 again."""
        self._ids, self._classes = np.zeros(0, int), None
        self._next = 1

    def start(self, frame: Any, detections: Any) -> Any:
        """Learns targets, in place of those before.

        Args:
          frame: (H, W, 3) uint8; detections: `sv.Detections`, whose class ids are kept, or boxes
            (N, 4) or (4,) x1, y1, x2, y2.

        Returns:
          them as `sv.Detections` with their tracker ids.

        Raises:
          ValueError: there is no box, or as `Session.init`.
        """
        given = isinstance(detections, sv.Detections)
        corners = _corners(detections.xyxy if given else detections)
        if not len(corners):
            raise ValueError("there is no detection to follow: start with at least one")
        self._ids = self._ids[:0]  # those before are gone, where these are refused, too
        seen = self._session.init(rgb(frame, self._order), boxes_lib.from_corners(corners))
        self._classes = detections.class_id if given else None
        self._ids = self._next + np.arange(len(corners))
        self._next += len(corners)
        return to_detections(seen, self._ids, self._classes)

    def update(self, frame: Any) -> Any:
        """Returns the targets that are found in the next frame; empty before a start."""
        if not len(self._ids):
            none = sv.Detections.empty()
            none.tracker_id = np.zeros(0, int)
            return none
        return to_detections(self._session.step(rgb(frame, self._order)), self._ids, self._classes)


def _corners(boxes: Any) -> np.ndarray:
    """Boxes (N, 4) or one (4,) as (N, 4); raises ValueError for anything else."""
    try:
        found = np.asarray(boxes, float)
    except (TypeError, ValueError):
        found = np.full(1, np.nan)
    if found.size == 0:
        return np.zeros((0, 4))
    if found.ndim not in (1, 2) or found.shape[-1] != 4:
        raise ValueError(
            f"detections must be sv.Detections or corners x1, y1, x2, y2 (N, 4), got {boxes!r}"[
                :300
            ]
        )
    return found.reshape(-1, 4)


def to_detections(
    seen: Observation, ids: ArrayLike | None = None, classes: ArrayLike | None = None
) -> Any:
    """Returns what was found in a frame as `sv.Detections`; lost targets are left out.

    Args:
      seen: of `Session.step` or of a `Record` of `app.loop`.
      ids: (N,) tracker ids; None counts from 1. classes: (N,) class ids, where there are some.
    """
    found = ~np.asarray(seen.lost)
    ids = np.arange(1, len(found) + 1) if ids is None else np.asarray(ids)
    return sv.Detections(
        xyxy=boxes_lib.to_corners(seen.boxes[found]).astype(np.float32),
        confidence=np.asarray(seen.confidence, np.float32)[found],
        class_id=None if classes is None else np.asarray(classes)[found],
        tracker_id=ids[found],
    )
