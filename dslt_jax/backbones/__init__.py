"""Frozen networks, each with `param_shapes`, `init`, `apply` and `strides`."""

import importlib

from dslt_jax.config import TrackerConfig

NAMES = ("compact", "googlenet", "vgg16")


def module(config: TrackerConfig):
    """Returns the module of the configured backbone."""
    return importlib.import_module(f"dslt_jax.backbones.{config.backbone}")


def apply(params, image, config: TrackerConfig):
    """Returns the shallow and deep feature maps of `image` (N, H, W, 3), RGB float32 0..255."""
    return module(config).apply(params, image, config)


def strides(config: TrackerConfig) -> tuple[int, int]:
    """Returns the strides of the two feature maps in pixels."""
    return module(config).strides(config)
