"""What the adapters share: one target, pictures as other tools have them."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dslt_jax.app.spec import Spec
from dslt_jax.arrays import check_pixels, to_pixels, whole_seed
from dslt_jax.media.depth import is_deep
from dslt_jax.media.images import to_rgb
from dslt_jax.settings import Assignments, listed
from dslt_jax.types import Observation


class SingleTarget:
    """Follows one target; `start` may be called again at any time.

    Args:
      preset, settings, weights, seed: as of `app.spec.Spec`.
    """

    def __init__(
        self,
        preset: str = "compact",
        settings: Assignments = (),
        weights: str | None = None,
        seed: int = 0,
    ):
        self.session = Spec(preset, listed(settings), weights, whole_seed(seed)).build()
        self.box = np.zeros(4, np.float32)  # the last one, x, y, w, h

    def start(self, image: np.ndarray, box: ArrayLike) -> None:
        """Learns the target in an RGB picture (H, W, 3) uint8; box (4,) x, y, w, h.

        Raises:
          ValueError: the picture or the box is malformed, or the box lies outside the picture.
        """
        try:
            given = np.array(box, np.float32)  # the caller's may change
        except (TypeError, ValueError):  # text, or numbers of unlike depth
            given = np.empty(0, np.float32)
        if given.size != 4:
            raise ValueError(f"the box must be 4 numbers x, y, w, h, got {box!r}")
        self.session.init(image, given.reshape(4))
        self.box = given.reshape(4)

    def follow(self, image: np.ndarray) -> Observation:
        """Finds it in the next picture; raises RuntimeError before a start."""
        seen = self.session.step(image)
        self.box = seen.boxes[0]
        return seen


def check_order(order: str) -> None:
    """Raises ValueError unless it is an order of colours."""
    if order not in ("rgb", "bgr"):
        raise ValueError(f"order={order!r} is no order of colours: it is 'rgb' or 'bgr'")


def rgb(image: Any, order: str = "rgb") -> np.ndarray:
    """Returns a picture as (H, W, 3) uint8 RGB.

    Args:
      image: uint8, (H, W), (H, W, 1), (H, W, 3) or (H, W, 4); a Pillow image of any mode is one,
        RGB whatever the order; of 16 bits the upper 8 are kept.
      order: of its colours, "rgb" or "bgr"; a fourth channel is left out.

    Raises:
      ValueError: it is none of these; TypeError: it is None, as a failed read gives.
    """
    check_order(order)
    if image is None:
        raise TypeError("the image is None: reading it has failed")
    if hasattr(image, "getbands"):  # Pillow's, which makes white of all that is above 255
        image, order = to_rgb(image) if is_deep(image) else image.convert("RGB"), "rgb"
    array = np.asarray(to_pixels("image", image))
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.dtype == np.uint8 and array.ndim == 2 and array.size:
        return np.stack([array] * 3, axis=-1)
    if array.ndim == 3 and array.shape[2] == 4:
        array = array[..., :3]
    need = f"(H, W) or (H, W, 3) uint8 {order.upper()}"
    check_pixels("image", need, image, array, 0)
    return np.ascontiguousarray(array[..., ::-1] if order == "bgr" else array)
