"""How much larger a kernel finds its target, from the features that it has responded to.

A kernel is a picture of the target. At the place found, features are sampled on its cells once as
they are, once closer together and once further apart; where the response would be highest between
the three is how much the target has grown. Features stand for those of a zoomed frame, as in Dollar
et al., "Fast Feature Pyramids for Object Detection", PAMI 2014, so that no second look is needed.
"""

import math

import jax
import jax.numpy as jnp


def growth(
    features: jax.Array, kernel: jax.Array, position: jax.Array, step: float = 0.1
) -> jax.Array:
    """Returns () the logarithm of the change of side with the highest response, up to `step`.

    Args:
      features: (C, G, G) of the search region; kernel: (C, K, K), K even, of the same channels.
      position: (2,) x, y of the target's centre on the response map, whose position i lies between
        the cells i - 1 and i. Beyond the region its border repeats.
      step: logarithm of the zooms that are tried, to either side.
    """
    grid, side = features.shape[-1], kernel.shape[-1]
    zooms = jnp.exp(step * jnp.arange(-1, 2, dtype=jnp.float32))
    offset = jnp.arange(side, dtype=jnp.float32) - (side - 1) / 2
    place = position[:, None, None] - 0.5 + jnp.outer(zooms, offset)[None]
    # Of the region only a window, which holds all that is sampled.
    span = min(grid, 2 * math.ceil(math.exp(step) * (side - 1) / 2 + 1))
    corner = jnp.clip(jnp.round(position) - span // 2, 0, grid - span)
    first = jnp.where(jnp.isfinite(corner), corner, 0).astype(jnp.int32)
    zero = jnp.zeros((), jnp.int32)
    features = jax.lax.dynamic_slice(
        features, (zero, first[1], first[0]), (len(features), span, span)
    )
    cells = first[:, None].astype(jnp.float32) + jnp.arange(span, dtype=jnp.float32)[None]
    distance = jnp.clip(place, 0, grid - 1)[..., None] - cells[:, None, None]
    x, y = jax.nn.relu(1.0 - jnp.abs(distance))  # (3, K, span) weights each
    rows = jnp.einsum("zuy,cyx->zcux", y, features, precision="highest")
    taken = jnp.einsum("zvx,zcux->zcuv", x, rows, precision="highest")
    low, middle, high = jnp.einsum("zcuv,cuv->z", taken, kernel, precision="highest")
    bend = low - 2 * middle + high  # below 0 where a parabola through the three has a top
    top = 0.5 * (low - high) / jnp.minimum(bend, -1e-6)
    return step * jnp.where(bend < 0, jnp.clip(top, -1, 1), jnp.sign(high - low))
