"""Frozen networks. Each declares its layers; none knows a tracker."""

from dslt_jax.backbones.base import Backbone, Function, Layer, apply
from dslt_jax.backbones.compact import Compact, Narrow
from dslt_jax.backbones.googlenet import GoogLeNet
from dslt_jax.backbones.siamese import Siamese
from dslt_jax.backbones.vgg16 import Vgg16

# Those that a tracker can be given.
TABLE: dict[str, Backbone] = {
    "compact": Compact(),
    "narrow": Narrow(),
    "googlenet": GoogLeNet(),
    "vgg16": Vgg16(),
}
# Those whose weights are known by name; a head is one tracker's own.
NAMES = (*TABLE, Siamese.name)

__all__ = [
    "NAMES",
    "TABLE",
    "Backbone",
    "Compact",
    "Function",
    "GoogLeNet",
    "Layer",
    "Narrow",
    "Siamese",
    "Vgg16",
    "apply",
]
