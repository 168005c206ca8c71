"""The embedding of SiamFC: the frozen compact network, and a small head that was trained for it.

Template and search region pass through the same network; where the template's embedding correlates
with the search region's, the target is. Source: Bertinetto, Valmadre, Henriques, Vedaldi, Torr,
"Fully-Convolutional Siamese Networks for Object Tracking", ECCVW 2016. Theirs is an AlexNet trained
whole; here `compact` stays as it is embedded, its two maps are mixed at stride 8, and two layers of
1x1 convolutions learn of them what to compare (`experiments/training/train_siamfc.py`).
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp

from dslt_jax.backbones import layers as network
from dslt_jax.backbones.base import Layer
from dslt_jax.backbones.compact import Compact
from dslt_jax.ops import fusion


@dataclasses.dataclass(frozen=True)
class Siamese:
    """The head of SiamFC on `compact`, whose parameters `apply` needs too."""

    trunk: Compact = dataclasses.field(default_factory=Compact)
    hidden: int = 128
    channels: int = 64

    name = "siamfc"

    @property
    def layers(self) -> tuple[Layer, ...]:
        return (self.trunk.layers[0]._replace(name="embedding", channels=self.channels),)

    def param_shapes(self) -> dict[str, tuple[int, ...]]:
        """Returns the exact keys and shapes of the head; the trunk has its own."""
        shallow, deep = self.trunk.layers
        return {
            "siamfc/shallow/w": (1, 1, shallow.channels, self.hidden),
            "siamfc/shallow/b": (self.hidden,),
            "siamfc/deep/w": (1, 1, deep.channels, self.hidden),
            "siamfc/deep/b": (self.hidden,),
            "siamfc/embed/w": (1, 1, self.hidden, self.channels),
            "siamfc/embed/b": (self.channels,),
            "siamfc/response/gain": (1,),
            "siamfc/response/b": (1,),
        }

    def init(self, key: jax.Array) -> dict[str, jax.Array]:
        """Returns He-normal random parameters of the head, the start of training.

        Its gain and bias make logits of -3 and 3 of products of 0 and 1.
        """
        response = {"siamfc/response/gain": 6.0, "siamfc/response/b": -3.0}
        fixed = {name: jnp.full(1, value, jnp.float32) for name, value in response.items()}
        return network.he_init(key, self.param_shapes()) | fixed

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
        # Mixed before it is resampled, which is linear too and four times cheaper so.
        deep = fusion.resample(
            network.dense(params, "siamfc/deep", deep), coarse, fine, shallow.shape[1]
        )
        x = jax.nn.relu(network.dense(params, "siamfc/shallow", shallow) + deep)
        return network.dense(params, "siamfc/embed", x)


def respond(params: dict[str, jax.Array], template: jax.Array, maps: jax.Array) -> jax.Array:
    """Returns the logits (N, G - K + 1, G - K + 1) that the target is where the template is laid.

    Args:
      params: of the head, whose gain and bias make a logit of a mean product; 1 and 0 where a
        network of one's own has none.
      template: (K, K, C) embedding of the target; maps: (N, G, G, C) of search regions.
    """
    size, grid = template.shape[0], maps.shape[1] - template.shape[0] + 1
    # All cells times all of the template's, then shifted and added: as `ops.convolution`.
    parts = jnp.einsum("nijc,abc->abnij", maps, template / template.size, precision="highest")
    lines = functools.reduce(jnp.add, [parts[a, :, :, a : a + grid] for a in range(size)])
    product = functools.reduce(jnp.add, [lines[b, :, :, b : b + grid] for b in range(size)])
    for name, apply in (("gain", jnp.multiply), ("b", jnp.add)):
        if (number := params.get(f"siamfc/response/{name}")) is not None:
            product = apply(product, number.reshape(1, 1, 1))
    return product
