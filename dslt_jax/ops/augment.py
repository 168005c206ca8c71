"""Variants of the first frame's search crop, from which a tracker learns what may change."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from dslt_jax.ops import sampling


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

# Also turned by an eighth and a quarter of a circle: for targets that roll.
TURNED = VARIANTS + tuple(Variant(angle=angle) for angle in (0.8, -0.8, 1.57, -1.57))

# What settings pick by name.
TABLE = {"true": VARIANTS, "turned": TURNED, "false": VARIANTS[:1]}


def first_frame(
    patch: jax.Array, variants: tuple[Variant, ...], target: int, about: float
) -> tuple[jax.Array, jax.Array]:
    """Returns the training crops of the first frame, in the order of `variants`.

    Args:
      patch: (S, S, 3) search crop.
      variants: what to make of it; the first leaves it as it is.
      target: size of the target in the crop, in pixels.
      about: the pixel where its centre is, along both axes.

    Returns:
      crops (V, S, S, 3), and the target's shift from there in crop pixels, (V, 2).
    """
    table = jax.tree.map(lambda *values: jnp.array(values, jnp.float32), *variants)
    shift = jnp.stack(table.shift, axis=-1) * target

    def vary(shift, variant):
        moved = sampling.warp(
            patch,
            shift=shift,
            scale=variant.scale,
            angle=variant.angle,
            flip=variant.flip > 0,
            about=about,
        )
        return sampling.blur(moved, variant.blur)

    return jax.vmap(vary)(shift, table), shift
