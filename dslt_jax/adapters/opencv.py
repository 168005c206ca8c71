"""OpenCV's tracker interface: a program written for `cv2.TrackerCSRT` runs with one line changed.

    from dslt_jax.adapters import opencv

    tracker = opencv.Tracker("compact")         # was cv2.TrackerCSRT_create()
    tracker.init(image, (x, y, w, h))           # BGR uint8, as cv2 reads it
    ok, box = tracker.update(image)

OpenCV itself is not needed.
"""

from typing import Any

from numpy.typing import ArrayLike

from dslt_jax.adapters.single import SingleTarget, rgb

Rect = tuple[int, int, int, int]


class Tracker(SingleTarget):
    """`init`, `update` and `getTrackingScore` as OpenCV has them; see `SingleTarget` for settings.

    `box` is the last box (4,) as floats, which `update` rounds to whole pixels.
    """

    _score = 0.0

    def init(self, image: Any, boundingBox: ArrayLike) -> None:
        """Learns the target; may be called again for another one.

        Args:
          image: (H, W, 3) BGR, or grey (H, W), uint8; boundingBox: x, y, w, h.

        Raises:
          ValueError: the image or the box is malformed, or the box lies outside the image.
        """
        self.start(rgb(image, "bgr"), boundingBox)
        self._score = 1.0

    def update(self, image: Any) -> tuple[bool, Rect]:
        """Returns whether the target was found, and its box; a lost one keeps its last box.

        Raises:
          RuntimeError: before `init`; ValueError: the image is malformed.
        """
        seen = self.follow(rgb(image, "bgr"))
        self._score = float(seen.confidence[0])
        x, y, w, h = (round(float(value)) for value in self.box)
        return not bool(seen.lost[0]), (x, y, w, h)

    def getTrackingScore(self) -> float:
        """Returns the last confidence: about 1 where the target looks as it was learned."""
        return self._score


def create(preset: str = "compact", **settings: Any) -> Tracker:
    """As OpenCV's `TrackerCSRT_create`; `settings` are those of `Tracker`."""
    return Tracker(preset, **settings)
