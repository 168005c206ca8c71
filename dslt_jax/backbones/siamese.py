"""The embedding of SiamFC: the frozen compact network, and a small head that was trained for it.

Template and search region pass through the same network; where the template's embedding correlates
with the search region's, the target is. Source: Bertinetto, Valmadre, Henriques, Vedaldi, Torr,
"Fully-Convolutional Siamese Networks for Object Tracking", ECCVW 2016. Theirs is an AlexNet trained
whole; here `compact` stays as it is embedded, its two maps are put together at stride 8, and one
1x1 and one 3x3 convolution learn of them what to compare (`experiments/training/train_siamfc.py`).
"""

import dataclasses

import jax
import jax.numpy as jnp

from dslt_jax.backbones import layers as network
from dslt_jax.backbones.base import Layer
from dslt_jax.backbones.compact import Compact
from dslt_jax.ops import fusion


@dataclasses.dataclass(frozen=True)
class Siamese:
    """The head of SiamFC on `compact`, whose parameters `apply` needs too."""

    trunk: Compact = Compact()
    hidden: int = 64
    channels: int = 64

    name = "siamfc"

    @property
    def layers(self) -> tuple[Layer, ...]:
        return (self.trunk.layers[0]._replace(name="embedding", channels=self.channels),)

    def param_shapes(self) -> dict[str, tuple[int, ...]]:
        """Returns the exact keys and shapes of the head; the trunk has its own."""
        inputs = sum(layer.channels for layer in self.trunk.layers)
        return {
            "siamfc/mix/w": (1, 1, inputs, self.hidden),
            "siamfc/mix/b": (self.hidden,),
            "siamfc/embed/w": (3, 3, self.hidden, self.channels),
            "siamfc/embed/b": (self.channels,),
            "siamfc/response/gain": (),
            "siamfc/response/b": (),
        }

    def init(self, key: jax.Array) -> dict[str, jax.Array]:
        """Returns He-normal random parameters of the head, the start of training."""
        gain = {"siamfc/response/gain": jnp.ones((), jnp.float32)}
        return network.he_init(key, self.param_shapes()) | gain

    def apply(self, params: dict[str, jax.Array], image: jax.Array) -> tuple[jax.Array]:
        """Returns the embedding (N, H/8, W/8, channels) of images.

        Args:
          params: of the head and of the trunk.
          image: (N, H, W, 3) RGB float32 0..255, H and W equal and multiples of 16.
        """
        return (self.embed(params, *self.trunk.apply(params, image)),)

    def embed(self, params: dict[str, jax.Array], shallow: jax.Array, deep: jax.Array) -> jax.Array:
        """Returns the embedding (N, G, G, channels) of the trunk's maps.

        Args:
          shallow: (N, G, G, 64); deep: (N, G / 2, G / 2, 96).
        """
        fine, coarse = self.trunk.layers
        deep = fusion.resample(deep, coarse, fine, shallow.shape[1])
        x = jnp.concatenate([shallow, deep], axis=-1)
        x = network.conv_relu(x, params["siamfc/mix/w"], params["siamfc/mix/b"])
        return network.conv(x, params["siamfc/embed/w"], params["siamfc/embed/b"])


def respond(params: dict[str, jax.Array], template: jax.Array, maps: jax.Array) -> jax.Array:
    """Returns the logits (N, G - K + 1, G - K + 1) that the target is where the template is laid.

    Args:
      params: of the head, whose gain and bias make a logit of a mean product.
      template: (K, K, C) embedding of the target; maps: (N, G, G, C) of search regions.
    """
    product = network.conv(maps, template[..., None] / template.size, pad=0)[..., 0]
    gain, bias = params["siamfc/response/gain"], params["siamfc/response/b"]
    return gain * product + bias
