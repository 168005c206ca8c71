"""Oxford VGG-16 up to conv5_3, features for tracking.

Preprocessing: RGB 0..255 minus `params["mean"]`, Oxford's being (123.68, 116.779, 103.939); the
border of every convolution is padded with zeros, so the image's border is padded with the mean.
The mean is a parameter because weights trained elsewhere come with another one, which could be
folded into conv1_1's bias inside the image but not at its border. A first layer that takes RGB
makes Oxford's BGR subtraction of the means the same thing. Source: Simonyan and Zisserman, "Very
Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015, configuration D.
"""

import dataclasses

import jax
import jax.numpy as jnp

from dslt_jax.backbones import layers, winograd
from dslt_jax.backbones.base import Layer, check_layers, check_precision

MEAN = (123.68, 116.779, 103.939)
LAYERS = ("conv3_3", "conv4_3", "conv5_3")  # what may be asked for, shallow to deep

_CHANNELS = (64, 128, 256, 512, 512)
_DEPTHS = (2, 2, 3, 3, 3)


def convolutions(last: str = "conv5_3") -> list[str]:
    """Returns the names of the convolutions in their order, up to and with `last`."""
    names = [f"conv{b}_{i}" for b, depth in enumerate(_DEPTHS, 1) for i in range(1, depth + 1)]
    return names[: names.index(last) + 1]


@dataclasses.dataclass(frozen=True)
class Vgg16:
    """VGG-16 up to the last of the layers in `take`, the finest first.

    With `pooling` conv4_3 has stride 8 and conv5_3 stride 16, as the paper draws it; without, pool3
    and pool4 are left out and both have stride 4, as the released code runs it (no dilation makes
    up for the missing pooling).

    With the precision bfloat16 what is multiplied is rounded to 8 bits first, sums are of float32;
    all else is float32, the maps too. It is for GPUs, whose matrix units take no float32, and for
    CPUs that multiply it, such as with AVX-512 BF16.
    """

    take: tuple[str, ...] = ("conv4_3", "conv5_3")
    pooling: bool = True
    precision: str = "float32"  # of the convolutions' products: float32 or bfloat16

    name = "vgg16"

    def __post_init__(self) -> None:
        check_layers("VGG-16 layer to track with", self.take, LAYERS)
        check_precision(self.precision)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """A cell looks at the middle of the square that its poolings cover."""
        strides = [2 ** (_block(name) - 1) if self.pooling else 4 for name in self.take]
        return tuple(
            Layer(name, stride, stride / 2, _CHANNELS[_block(name) - 1])
            for name, stride in zip(self.take, strides, strict=True)
        )

    def param_shapes(self) -> dict[str, tuple[int, ...]]:
        """Returns the exact keys and shapes that `apply` needs: all layers up to the deepest."""
        shapes: dict[str, tuple[int, ...]] = {"mean": (3,)}
        inputs = 3
        for name in convolutions(self.take[-1]):
            outputs = _CHANNELS[_block(name) - 1]
            shapes[f"{name}/w"] = (3, 3, inputs, outputs)
            shapes[f"{name}/b"] = (outputs,)
            inputs = outputs
        return shapes

    def init(self, key: jax.Array) -> dict[str, jax.Array]:
        """Returns He-normal random parameters and Oxford's mean, for timing and tests."""
        shapes = self.param_shapes()
        del shapes["mean"]
        return layers.he_init(key, shapes) | {"mean": jnp.array(MEAN)}

    def prepare(self, params: dict[str, jax.Array]) -> dict[str, jax.Array]:
        """Returns the parameters with what makes `apply` faster on a CPU: about half the time.

        Without it the convolutions are direct; the maps differ by rounding.
        """
        names = convolutions(self.take[-1])[1:]
        return winograd.prepare(params, names, precision=self.precision)

    def apply(self, params: dict[str, jax.Array], image: jax.Array) -> tuple[jax.Array, ...]:
        """Returns the maps of `image` (N, H, W, 3), RGB float32 0..255.

        Returns:
          (N, H/s, W/s, C) maps after the ReLU, s and C as `layers` has them.

        Raises:
          ValueError: H or W is no multiple of the deepest layer's stride.
        """
        stride = max(layer.stride for layer in self.layers)
        if image.ndim != 4 or image.shape[3] != 3 or any(n % stride for n in image.shape[1:3]):
            raise ValueError(
                f"image has the shape {image.shape}, vgg16 needs (N, H, W, 3) "
                f"with H and W multiples of {stride}"
            )
        x = image - params["mean"].astype(image.dtype).reshape(1, 1, 1, 3)
        maps = {}
        block = 1
        for name in convolutions(self.take[-1]):
            if _block(name) > block:
                block += 1
                if block <= 3 or self.pooling:
                    x = _pool(x)
            x = maps[name] = winograd.conv_relu(params, name, x, precision=self.precision)
        return tuple(maps[name] for name in self.take)


def _pool(x: jax.Array) -> jax.Array:
    """2x2 max pooling of even sides."""
    x = jnp.maximum(x[:, ::2], x[:, 1::2])
    return jnp.maximum(x[:, :, ::2], x[:, :, 1::2])


def _block(name: str) -> int:
    return int(name[4])
