"""Training pictures in the device's memory, and crops cut from them there, anew in every step."""

import concurrent.futures
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import train_sources
from PIL import Image
from tqdm import tqdm

from dslt_jax.media.images import read_image

SIDE = 256  # pixels; what is larger is reduced to it
CLIP_STEP = 8  # frames of a clip that look nearly alike
ZOOM = 0.4  # the least side of a crop, of the picture's shorter one


class Bank(NamedTuple):
    """Pictures in the upper left corner of squares, their last row and column repeated beyond."""

    pictures: jax.Array  # (N, SIDE, SIDE, 3) uint8
    extents: jax.Array  # (N, 2) float32 width, height


def paths(sources: train_sources.Sources) -> list[str]:
    """Every still, and every eighth frame of the clips."""
    frames = [frame for clip in sources.clips for frame in clip.frames[::CLIP_STEP]]
    return [still.file for still in sources.stills] + frames


def load(files: list[str], workers: int = 4) -> Bank:
    """Reads pictures; raises ImageError for one that cannot be read."""
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        found = list(tqdm(pool.map(_read, files), "pictures", len(files), mininterval=5))
    pictures, extents = zip(*found, strict=True)
    return Bank(jnp.asarray(np.stack(pictures)), jnp.asarray(extents, jnp.float32))


def _read(file: str) -> tuple[np.ndarray, tuple[int, int]]:
    image = Image.fromarray(read_image(file))
    image.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR)
    missing = SIDE - image.height, SIDE - image.width
    return np.pad(image, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge"), image.size


def draw(bank: Bank, key: jax.Array, rows: jax.Array, size: int) -> jax.Array:
    """Crops at random places, two fifths to all of a picture's shorter side, half of them mirrored.

    Args:
      rows: (N,) which pictures; size: S, side of a crop in pixels.

    Returns:
      (N, S, S, 3) float32 0..255.
    """
    keys = jax.random.split(key, 3)
    count, extents = len(rows), bank.extents[rows]
    side = extents.min(axis=1) * jax.random.uniform(keys[0], (count,), minval=ZOOM)
    corner = jax.random.uniform(keys[1], (count, 2)) * (extents - side[:, None])
    flips = jax.random.bernoulli(keys[2], shape=(count,))

    def cut(picture, side, corner, flip):
        scale = jnp.repeat(size / side, 2)
        crop = jax.image.scale_and_translate(
            picture.astype(jnp.float32),
            (size, size, 3),
            (0, 1),
            scale,
            -corner[::-1] * scale,  # rows first
            "linear",
            precision="highest",
        )
        return jnp.where(flip, crop[:, ::-1], crop)

    return jax.vmap(cut)(bank.pictures[rows], side, corner, flips)
