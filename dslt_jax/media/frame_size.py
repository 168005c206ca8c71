"""Frames of another size than the first, told once; `app.resize` is what scales them."""

import numpy as np

from dslt_jax.media.source import Image


class SizeWatch:
    """Tells where frames first change their size."""

    def __init__(self) -> None:
        self._first: tuple[int, ...] | None = None
        self._told = False

    def change(self, image: Image, where: object) -> str | None:
        """Returns the sentence, of the first frame (H, W, 3) with another size; else None.

        Args:
          where: what the sentence calls this frame.
        """
        size = np.shape(image)[1::-1]
        self._first = self._first or size
        if size == self._first or self._told:
            return None
        self._told = True
        (width, height), (now_width, now_height) = self._first, size
        return (
            f"the frame size changes from {width} x {height} to {now_width} x {now_height} pixels "
            f"at {where}: the boxes are scaled with it"
        )
