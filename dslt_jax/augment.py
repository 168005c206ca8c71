"""Variants of the first frame's search crop, from which the head learns what may change."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from dslt_jax import sampling
from dslt_jax.config import TrackerConfig


class Variant(NamedTuple):
    """How one training crop differs from the first frame's crop."""

    shift: tuple[float, float] = (0.0, 0.0)  # x, y of the target, in target sizes
    scale: float = 1.0
    angle: float = 0.0  # radians
    flip: bool = False
    blur: float = 0.0  # deviation in crop pixels


# The released code blurs, flips and (in its first version) rotates; shifts and scales are ours.
VARIANTS = (
    Variant(),
    Variant(flip=True),
    Variant(blur=1.0),
    Variant(blur=2.0),
    Variant(shift=(0.25, 0.25), angle=0.2),
    Variant(shift=(-0.25, 0.25), angle=-0.2),
    Variant(shift=(0.5, -0.25), scale=1.1),
    Variant(shift=(-0.5, -0.25), scale=0.9, flip=True),
    Variant(shift=(0.8, 0.5), angle=0.4),
    Variant(shift=(-0.8, -0.5), angle=-0.4, flip=True),
)


def first_frame(config: TrackerConfig, patch: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns the training crops of the first frame, the unchanged one first.

    Args:
      patch: (S, S, 3) search crop, target in the middle.

    Returns:
      crops (V, S, S, 3), and the target's shift from the middle in crop pixels, (V, 2).
    """
    variants = VARIANTS if config.augment else VARIANTS[:1]
    table = jax.tree.map(lambda *values: jnp.array(values), *variants)
    shift = jnp.stack(table.shift, axis=-1) * config.target_size

    def vary(shift, variant):
        moved = sampling.warp(
            patch, shift=shift, scale=variant.scale, angle=variant.angle, flip=variant.flip
        )
        return sampling.blur(moved, variant.blur)

    return jax.vmap(vary)(shift, table), shift
