"""A network that is none: the pixels of every square of 4 as 48 channels, at stride 4."""

import dslt_jax as dslt
from dslt_jax.backbones import Function, Layer


def pixels(params, image):
    count, height, width, _ = image.shape
    x = image.reshape(count, height // 4, 4, width // 4, 4, 3).transpose(0, 1, 3, 2, 4, 5)
    return (x.reshape(count, height // 4, width // 4, 48),)


BLOCKS = Function(pixels, (Layer("blocks", 4, 2.0, 48),), lambda key: {}, "blocks")


def small(preset, region, *changes):
    """A preset on these features, with a region of its kind."""
    return dslt.override(preset, changes).replace(backbone=BLOCKS, region=region)
