"""What the tracking functions accept: frames and boxes, checked before any work is done."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def check_frame(frame: Any, targets: int | None = None) -> jax.Array:
    """Returns a frame as an array; with `targets` also (targets, H, W, 3), a frame for each."""
    shape, dtype = np.shape(frame), getattr(frame, "dtype", None)
    alone = shape[1:] if targets is not None and len(shape) == 4 and shape[0] == targets else shape
    if len(alone) != 3 or alone[2] != 3 or 0 in alone:
        raise ValueError(f"frame must be (H, W, 3), got shape {shape}")
    if dtype != np.uint8:
        raise ValueError(f"frame must be uint8, 0..255, got {dtype}")
    # Not jnp.asarray, which compiles a program for each shape.
    return frame if isinstance(frame, jax.Array) else jax.device_put(np.asarray(frame))


def check_boxes(boxes: Any, frame: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Checks boxes x, y, w, h; values only when they are known, i.e. outside a jit."""
    if np.shape(boxes) != shape or not shape[0]:
        expected = "(4,)" if len(shape) == 1 else "(N, 4), N >= 1"
        more = "; several targets take `many(tracker)`" if np.ndim(boxes) == 2 > len(shape) else ""
        raise ValueError(f"box must be {expected}: x, y, w, h; got shape {np.shape(boxes)}{more}")
    if not isinstance(boxes, jax.core.Tracer):
        height, width = frame.shape[-3:-1]
        for x, y, w, h in np.reshape(np.asarray(boxes, np.float64), (-1, 4)):
            where = f"box x={x:g}, y={y:g}, w={w:g}, h={h:g}"
            if not np.isfinite([x, y, w, h]).all():
                raise ValueError(f"{where} must be finite numbers")
            if w <= 1 or h <= 1:
                raise ValueError(f"{where} must be more than one pixel wide and high")
            if x >= width or y >= height or x + w <= 0 or y + h <= 0:
                raise ValueError(f"{where} lies outside the {width} x {height} frame")
            if w > width or h > height:
                raise ValueError(f"{where} is larger than the {width} x {height} frame")
    return jnp.asarray(boxes, jnp.float32)
