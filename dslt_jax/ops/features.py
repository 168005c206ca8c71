"""What correlation filters see of a patch beside fHOG: means over its cells, and colour names.

Colour names say how likely each of the 11 basic colour terms (Berlin and Kay, "Basic Color Terms",
1969) is for a pixel; as a feature: van de Weijer, Schmid, Verbeek, Larlus, "Learning Color Names
for Real-World Applications", TIP 2009. Theirs is a table learned from images. Ours is a definition:
a term has one typical colour, listed here, and a pixel belongs to it the more the closer it is in
CIELAB, where distances are those that people see.
"""

import jax
import jax.numpy as jnp
import numpy as np

from dslt_jax.ops import sampling

# sRGB of a typical black, blue, brown, grey, green, orange, pink, purple, red, white, yellow.
TERMS = {
    "black": (10, 10, 10),
    "blue": (30, 70, 190),
    "brown": (110, 65, 30),
    "grey": (128, 128, 128),
    "green": (40, 140, 50),
    "orange": (240, 130, 20),
    "pink": (245, 150, 180),
    "purple": (120, 40, 140),
    "red": (200, 20, 30),
    "white": (245, 245, 245),
    "yellow": (245, 220, 40),
}
SPREAD = 16.0  # of a term about its typical colour, a deviation in CIELAB


def pool(image: jax.Array, cell: int) -> jax.Array:
    """Returns the means (H // cell, W // cell, C) over the cells of an image (H, W, C)."""
    height, width, channels = image.shape
    cells = image.reshape(height // cell, cell, width // cell, cell, channels)
    return cells.mean(axis=(1, 3))


def grey(patch: jax.Array, cell: int) -> jax.Array:
    """Returns the luminance (H // cell, W // cell, 1) of an RGB patch, -0.5 to 0.5."""
    return pool(sampling.grey(patch)[..., None], cell) / 255.0 - 0.5


def levels(patch: jax.Array, cell: int, count: int = 6) -> jax.Array:
    """Returns (H // cell, W // cell, count) how much of each level of grey is in a cell.

    A pixel of an RGB patch belongs to the two nearest levels, linearly; what all levels alike would
    have, 1 / count, is taken away.
    """
    place = sampling.grey(patch)[None] * ((count - 1) / 255)
    middles = jnp.arange(count, dtype=jnp.float32)[:, None, None]
    shares = jax.nn.relu(1 - jnp.abs(place - middles))
    return pool(jnp.moveaxis(shares, 0, -1), cell) - 1 / count


def colour_names(patch: jax.Array, cell: int) -> jax.Array:
    """Returns (H // cell, W // cell, 11) how much of each colour term is in a cell.

    The shares of a pixel, a mean over 2 x 2 where cells are even, sum to 1, and so do those of a
    cell; what all terms alike would have, 1 / 11, is taken away. The order is that of `TERMS`.

    Args:
      patch: (H, W, 3) RGB 0..255.
    """
    step = 2 - cell % 2
    # Planes first: the last axis must be long where XLA is to be fast on a CPU.
    colours = lab(jnp.moveaxis(pool(patch, step), -1, 0))
    typical = lab(jnp.asarray(list(TERMS.values()), jnp.float32).T)
    distance = sum(
        (plane[None] - middle[:, None, None]) ** 2
        for plane, middle in zip(colours, typical, strict=True)
    )
    shares = jax.nn.softmax(-0.5 / SPREAD**2 * distance, axis=0)
    return pool(jnp.moveaxis(shares, 0, -1), cell // step) - 1 / len(TERMS)


def lab(rgb: jax.Array) -> jax.Array:
    """Returns CIELAB (3, ...) under D65 of sRGB (3, ...) 0..255. Source: IEC 61966-2-1, CIE 15."""
    value = rgb / 255
    linear = jnp.where(value > 0.04045, ((value + 0.055) / 1.055) ** 2.4, value / 12.92)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    to_xyz = to_xyz / to_xyz.sum(axis=1, keepdims=True)  # white is (1, 1, 1)
    xyz = jnp.tensordot(jnp.asarray(to_xyz, jnp.float32), linear, 1, precision="highest")
    edge = (6 / 29) ** 3
    root = jnp.where(xyz > edge, jnp.maximum(xyz, edge) ** (1 / 3), xyz / (3 * 36 / 841) + 4 / 29)
    x, y, z = root
    return jnp.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])
