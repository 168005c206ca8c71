"""fHOG: histograms of oriented gradients, 31 channels a cell, as correlation filters use them.

Sources:
    P. Felzenszwalb, R. Girshick, D. McAllester, D. Ramanan, "Object Detection with
        Discriminatively Trained Part-Based Models", PAMI 2010, section 6: the features.
    P. Dollar's Image & Video Toolbox, `fhog`: the borders and the ties, left open by the paper.
    J. Henriques, R. Caseiro, P. Martins, J. Batista, "High-Speed Tracking with Kernelized
        Correlation Filters", PAMI 2015: calls `fhog(im / 255, 4, 9)`, drops its 32nd channel of 0.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

BINS = 18  # directions a turn, 20 degrees apart; opposite ones together are the 9 insensitive bins
CLIP = 0.2  # a normalised histogram entry is cut here
TEXTURE = 0.2357  # 1 / sqrt(18), as the sources round it

Vectors = tuple[jax.Array, jax.Array]  # y (H, W), x (H, W)


def fhog(image: jax.Array, *, cell: int = 4) -> jax.Array:
    """Returns the fHOG features of an image, one vector a cell.

    What KCF's own code computes is computed here, where the paper allows several ways:
      - A gradient is a central difference, one-sided at the image border. A pixel has that of the
        channel where it is longest, the first such channel.
      - A pixel votes, by the length of its gradient, for the one nearest of 18 directions (no
        interpolation between directions; halfway, the one of the larger angle) and for the four
        nearest cells (bilinear). Angles run from x to y, y down.
      - Votes for cells outside the image are lost. A border cell is scaled up by 8/7 for each
        border that it touches: it misses the 1/8 of its votes that would come from outside.
      - A cell is normalised by each of the four blocks of 2 x 2 cells that contain it. Where that
        block would leave the image, the nearest block inside is taken.

    Gradients flow through the lengths; the choices (channel, direction) are constants to them.

    Args:
        image: (H, W, C) of 0..255, C 1 or 3, H and W multiples of `cell` and at least two cells.
        cell: Side of a cell, pixels.

    Returns:
        (H // cell, W // cell, 31) float32: 18 channels of direction k, at 20 k degrees; 9 of
        direction k with its opposite; 4 of texture, for the block that reaches below right, above
        right, below left and above left of the cell. The first 27 are 0 to 0.4, texture 0 to 0.85.

    Raises:
        ValueError: The image has another shape.
    """
    if image.ndim != 3 or image.shape[-1] not in (1, 3):
        raise ValueError(f"image has shape {image.shape}: need (H, W, 1) or (H, W, 3)")
    if any(side % cell or side < 2 * cell for side in image.shape[:2]):
        raise ValueError(f"image has shape {image.shape}: need sides of 2 or more cells of {cell}")
    return _normalise(_histogram(_votes(image), cell), cell)


def _votes(image: jax.Array) -> jax.Array:
    """Returns the direction, a whole number of 0..17, and the length of gradients (2, H, W)."""
    planes = jnp.moveaxis(image.astype(jnp.float32), -1, 0)
    # 0..255 until the choices are made: of whole numbers, the comparisons are exact.
    y, x = functools.reduce(_longer, zip(*jnp.gradient(planes, axis=(1, 2)), strict=True))
    # The floor keeps the derivative of the root finite where an image is flat.
    length = jnp.sqrt(jnp.maximum(x * x + y * y, 1e-16)) / 255
    # In the upper half turn, count the borders between directions, 10, 30, ... 170 degrees, that an
    # angle has passed: several times faster than the arc tangent.
    below = y < 0
    x, y = jnp.where(below, -x, x), jnp.abs(y)
    borders = np.deg2rad(np.arange(10, 180, 20))
    passed = sum(
        (sine * x <= cosine * y).astype(jnp.float32)
        for sine, cosine in zip(_float32(np.sin(borders)), _float32(np.cos(borders)), strict=True)
    )
    direction = jnp.where(below, passed + BINS // 2, passed)
    return jnp.stack([jnp.where(direction == BINS, 0, direction), length])


def _longer(a: Vectors, b: Vectors) -> Vectors:
    """Returns, for each pixel, the longer of a and b; a if they are equally long."""
    wins = b[0] ** 2 + b[1] ** 2 > a[0] ** 2 + a[1] ** 2
    return jnp.where(wins, b[0], a[0]), jnp.where(wins, b[1], a[1])


def _histogram(votes: jax.Array, cell: int) -> jax.Array:
    """Returns the histograms (H // cell, W // cell, 18) of votes (2, H, W): a mean over pixels."""
    _, height, width = votes.shape
    rows, columns = height // cell, width // cell
    # A cell hears the 2 * cell rows around its middle. Row k of all those windows is a slice, and
    # summing over k writes (rows, 18, width) once, not 18 planes of the image's size. To stack and
    # concatenate makes XLA store the votes: it would compute them again for each of 18 directions.
    before = cell // 2
    above, below = jnp.zeros((2, before, width)), jnp.zeros((2, 2 * cell - before, width))
    padded = jnp.concatenate([above, votes, below], axis=1, dtype=jnp.float32)
    padded = padded.reshape(2, rows + 2, cell, width)
    share = _share(np.arange(2 * cell) - before - (cell - 1) / 2, cell)
    share = _float32(share * _border(rows)[:, None])
    directions = jnp.arange(BINS, dtype=jnp.float32)[None, :, None]
    total = jnp.zeros((rows, BINS, width), jnp.float32)
    for k in range(2 * cell):
        direction, length = padded[:, k // cell : k // cell + rows, k % cell]
        length = length * share[:, k : k + 1]
        total += jnp.where(direction[:, None] == directions, length[:, None], 0)
    middles = np.arange(columns) * cell + (cell - 1) / 2
    share = _share(np.arange(width)[:, None] - middles, cell) * _border(columns)
    return jnp.swapaxes(jnp.matmul(total, _float32(share), precision="highest"), 1, 2)


def _normalise(histogram: jax.Array, cell: int) -> jax.Array:
    """Returns the features (rows, columns, 31) of histograms (rows, columns, 18)."""
    rows, columns, _ = histogram.shape
    opposite = histogram[..., : BINS // 2] + histogram[..., BINS // 2 :]
    energy = jnp.sum(opposite**2, axis=-1)
    energy = energy[:-1] + energy[1:]
    energy = energy[:, :-1] + energy[:, 1:]
    # The toolbox's constant: 0.0001 of the paper's code, where it squares sums over a cell of whole
    # differences, not means of halves.
    scale = jnp.pad(jax.lax.rsqrt(energy + 1e-4 / 4 / cell**4), 1, mode="edge")
    both = jnp.concatenate([histogram, opposite], axis=-1)
    blocks = [scale[y : y + rows, x : x + columns] for x in (1, 0) for y in (1, 0)]
    cut = [jnp.minimum(both * block[..., None], CLIP) for block in blocks]
    texture = [TEXTURE * jnp.sum(part[..., :BINS], axis=-1, keepdims=True) for part in cut]
    return jnp.concatenate([0.5 * sum(cut), *texture], axis=-1)


def _share(offset: np.ndarray, cell: int) -> np.ndarray:
    """Returns the weight of pixels `offset` from a cell's middle: linear, 0 at the next middle."""
    return np.maximum(0, 1 - np.abs(offset) / cell) / cell


def _border(count: int) -> np.ndarray:
    """Returns the factor (count,) of cells in a line: 8/7 at its ends."""
    return np.where(np.isin(np.arange(count), (0, count - 1)), 8 / 7, 1)


def _float32(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32)
