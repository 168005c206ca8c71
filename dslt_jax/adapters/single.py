"""What the adapters share: one target, pictures as other tools have them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dslt_jax.app.spec import Spec
from dslt_jax.types import Observation


class SingleTarget:
    """Follows one target; `start` may be called again at any time.

    Args:
      preset, settings, weights, seed: as of `app.spec.Spec`.
    """

    def __init__(
        self,
        preset: str = "compact",
        settings: Sequence[str] = (),
        weights: str | None = None,
        seed: int = 0,
    ):
        self.session = Spec(preset, tuple(settings), weights, int(seed)).build()
        self.box = np.zeros(4, np.float32)  # the last one, x, y, w, h

    def start(self, image: np.ndarray, box: ArrayLike) -> None:
        """Learns the target in an RGB picture (H, W, 3) uint8; box (4,) x, y, w, h.

        Raises:
          ValueError: the picture or the box is malformed, or the box lies outside the picture.
        """
        given = np.asarray(box, np.float32)
        if given.size != 4:
            raise ValueError(f"the box must be 4 numbers x, y, w, h, got {box!r}")
        self.session.init(image, given.reshape(4))
        self.box = given.reshape(4)

    def follow(self, image: np.ndarray) -> Observation:
        """Finds it in the next picture; raises RuntimeError before a start."""
        seen = self.session.step(image)
        self.box = seen.boxes[0]
        return seen


def rgb(image: Any, order: str = "rgb") -> np.ndarray:
    """Returns a picture as (H, W, 3) uint8 RGB.

    Args:
      image: uint8, (H, W), (H, W, 1), (H, W, 3) or (H, W, 4); a Pillow image of any mode is one.
      order: of its colours, "rgb" or "bgr"; a fourth channel is left out.

    Raises:
      ValueError: it is none of these; TypeError: it is None, as a failed read gives.
    """
    if image is None:
        raise TypeError("the image is None: reading it has failed")
    if hasattr(image, "convert"):  # Pillow's
        image = image.convert("RGB")
    image = np.asarray(image)
    if image.dtype != np.uint8:
        raise ValueError(f"the image must be uint8, 0..255, got {image.dtype}")
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    if image.ndim == 2:
        return np.stack([image] * 3, axis=-1)
    if image.ndim != 3 or image.shape[2] not in (3, 4):
        raise ValueError(f"the image must be (H, W) or (H, W, 3), got shape {image.shape}")
    image = image[..., :3]
    return np.ascontiguousarray(image[..., ::-1] if order == "bgr" else image)
