"""Frames of another size than the first: scaled for the tracker, whose boxes are scaled back.

A stream that adapts changes its resolution, a phone is turned, a folder has an odd image. The
tracker's state is in pixels of the first frame; it never sees another size, so that it goes on
learning and nothing compiles again.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from dslt_jax.media.source import Image
from dslt_jax.types import Observation


class Place(NamedTuple):
    """Where a frame lies on the canvas: canvas = scale * frame + corner, in pixels."""

    size: NDArray[np.float64]  # (2,) of the frame: width, height
    scale: NDArray[np.float64]  # (2,) x, y
    corner: NDArray[np.float64]  # (2,) x, y

    def back(self, seen: Observation) -> Observation:
        """Returns what was seen on the canvas, with its boxes in the frame's own pixels."""
        if (self.scale == 1).all() and not self.corner.any():
            return seen
        boxes = self._back(seen.boxes)
        half = boxes[:, 2:] / 2  # a middle in the black beside the frame is moved to its border
        boxes[:, :2] = np.clip(boxes[:, :2] + half, 0, self.size[None]) - half
        searches = None if seen.search_boxes is None else self._back(seen.search_boxes)
        return seen._replace(boxes=boxes, search_boxes=searches)

    def _back(self, boxes: NDArray) -> NDArray[np.float64]:
        sizes = boxes[:, 2:] / self.scale[None]
        return np.concatenate([(boxes[:, :2] - self.corner[None]) / self.scale[None], sizes], 1)


class Canvas:
    """What the tracker sees: every frame in the first one's size.

    A frame of another size is scaled as a whole, its aspect ratio kept, into the middle of a black
    canvas. Sides that miss the canvas by 2 pixels or less are stretched: 854 x 480 is 1280 x 720.

    Args:
      first: (H, W, 3), the first frame.
    """

    def __init__(self, first: Any):
        self._shape = first.shape

    def holds(self, frame: Any) -> bool:
        """Returns whether an array is of the first frame's size."""
        return getattr(frame, "shape", None) == self._shape

    def fit(self, image: Image) -> tuple[Image, Place]:
        """Returns a frame (h, w, 3) uint8 on the canvas (H, W, 3), and its place there."""
        size, room = (np.array(shape[1::-1]) for shape in (image.shape, self._shape))
        if self.holds(image):
            return image, Place(size, np.ones(2), np.zeros(2))
        scaled = np.maximum(np.rint(size * (room / size).min()), 1).astype(int)
        scaled = np.where(room - scaled <= 2, room, scaled)
        left, top = (room - scaled) // 2
        width, height = scaled.tolist()
        picture = PillowImage.fromarray(image).resize(
            (width, height), PillowImage.Resampling.BILINEAR, reducing_gap=2.0
        )
        canvas = np.zeros(self._shape, np.uint8)
        canvas[top : top + height, left : left + width] = np.asarray(picture)
        return canvas, Place(size, scaled / size, np.array([left, top], float))
