"""Frozen networks. Each declares its layers; none knows a tracker."""

from dslt_jax.backbones.base import Backbone, Function, Layer, apply
from dslt_jax.backbones.compact import Compact
from dslt_jax.backbones.googlenet import GoogLeNet
from dslt_jax.backbones.vgg16 import Vgg16

# Those whose weights are known by name.
TABLE: dict[str, Backbone] = {"compact": Compact(), "googlenet": GoogLeNet(), "vgg16": Vgg16()}
NAMES = tuple(TABLE)

__all__ = [
    "NAMES",
    "TABLE",
    "Backbone",
    "Compact",
    "Function",
    "GoogLeNet",
    "Layer",
    "Vgg16",
    "apply",
]
