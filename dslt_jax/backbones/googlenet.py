"""BVLC GoogLeNet up to inception_4e, features for tracking.

Preprocessing: RGB 0..255 minus (123, 117, 104). Parameters keep Caffe's layer names, HWIO kernels
whose first layer takes RGB. Source: Szegedy et al., "Going Deeper with Convolutions", CVPR 2015,
and Caffe's bvlc_googlenet deploy file (LRN after pool1 and conv2, pooling with the ceil rule).
"""

import dataclasses

import jax
import jax.numpy as jnp

from dslt_jax.backbones import layers, winograd
from dslt_jax.backbones.base import Layer, check_layers, check_precision

MEAN = (123.0, 117.0, 104.0)

# name -> (inputs, 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection)
_INCEPTION = {
    "3a": (192, 64, 96, 128, 16, 32, 32),
    "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64),
    "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64),
    "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128),
}
LAYERS = tuple(_INCEPTION)


@dataclasses.dataclass(frozen=True)
class GoogLeNet:
    """GoogLeNet up to the last of the inception modules in `take`, the finest first.

    By its form a cell looks 2.5 and 6.5 pixels to the right of and below its square's middle: the
    3 x 3 pooling windows begin at the border and hang over it. `centred` takes it to look at the
    middle all the same. With what the form says three of OTB's targets were lost that else are
    not (experiments/LOG.md), in one run; why is not known.
    """

    take: tuple[str, ...] = ("3b", "4d")
    centred: bool = True
    precision: str = "float32"  # of its 3 x 3 products: float32 or bfloat16, as `Vgg16` has it

    name = "googlenet"

    def __post_init__(self) -> None:
        check_layers("GoogLeNet layer", self.take, LAYERS)
        check_precision(self.precision)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Strides 8 and 16; where their cells look."""
        offsets = {8: 4.0, 16: 8.0} if self.centred else {8: 6.5, 16: 14.5}
        strides = [8 if name.startswith("3") else 16 for name in self.take]
        return tuple(
            Layer(name, stride, offsets[stride], _channels(name))
            for name, stride in zip(self.take, strides, strict=True)
        )

    def param_shapes(self) -> dict[str, tuple[int, ...]]:
        """Returns the exact keys and shapes that `apply` needs: all layers up to the deepest."""
        shapes: dict[str, tuple[int, ...]] = {
            "conv1/7x7_s2/w": (7, 7, 3, 64),
            "conv2/3x3_reduce/w": (1, 1, 64, 64),
            "conv2/3x3/w": (3, 3, 64, 192),
        }
        for name in LAYERS[: LAYERS.index(self.take[-1]) + 1]:
            cin, one, red3, three, red5, five, proj = _INCEPTION[name]
            prefix = f"inception_{name}"
            shapes[f"{prefix}/1x1/w"] = (1, 1, cin, one)
            shapes[f"{prefix}/3x3_reduce/w"] = (1, 1, cin, red3)
            shapes[f"{prefix}/3x3/w"] = (3, 3, red3, three)
            shapes[f"{prefix}/5x5_reduce/w"] = (1, 1, cin, red5)
            shapes[f"{prefix}/5x5/w"] = (5, 5, red5, five)
            shapes[f"{prefix}/pool_proj/w"] = (1, 1, cin, proj)
        return shapes | {key[:-1] + "b": shape[-1:] for key, shape in shapes.items()}

    def init(self, key: jax.Array) -> dict[str, jax.Array]:
        """Returns He-normal random parameters, for timing and tests."""
        return layers.he_init(key, self.param_shapes())

    def prepare(self, params: dict[str, jax.Array]) -> dict[str, jax.Array]:
        """Returns the parameters with what makes `apply` faster on a CPU, the same but rounding."""
        names = [key.removesuffix("/w") for key in self.param_shapes() if key.endswith("/3x3/w")]
        return winograd.prepare(params, names, precision=self.precision)

    def apply(self, params: dict[str, jax.Array], image: jax.Array) -> tuple[jax.Array, ...]:
        """Returns the maps of `image` (N, H, W, 3), RGB float32 0..255, after the ReLU.

        H and W are multiples of 16; 3a and 3b are (N, H/8, W/8, C), 4a to 4e (N, H/16, W/16, C).
        """
        # The border is padded with zeros after the mean is taken away, as Caffe does.
        x = image - jnp.asarray(MEAN, image.dtype).reshape(1, 1, 1, 3)
        x = jax.nn.relu(layers.stem_conv(x, *_weights(params, "conv1/7x7_s2")))
        x = layers.local_response_norm(layers.max_pool(x, stride=2))
        x = layers.conv_relu(x, *_weights(params, "conv2/3x3_reduce"))
        x = winograd.conv_relu(params, "conv2/3x3", x, precision=self.precision)
        x = layers.max_pool(layers.local_response_norm(x), stride=2)
        maps = {}
        for name in LAYERS[: LAYERS.index(self.take[-1]) + 1]:
            if name == "4a":
                x = layers.max_pool(x, stride=2)
            x = maps[name] = _inception(params, f"inception_{name}", x, self.precision)
        return tuple(maps[name] for name in self.take)


def _channels(name: str) -> int:
    _, one, _, three, _, five, proj = _INCEPTION[name]
    return one + three + five + proj


def _weights(params, name: str) -> tuple[jax.Array, jax.Array]:
    return params[f"{name}/w"], params[f"{name}/b"]


def _inception(params, name: str, x: jax.Array, precision: str) -> jax.Array:
    # The three 1x1 convolutions that read x are one matrix product.
    heads = [_weights(params, f"{name}/{branch}") for branch in ("1x1", "3x3_reduce", "5x5_reduce")]
    kernel = jnp.concatenate([w for w, _ in heads], axis=-1)
    bias = jnp.concatenate([b for _, b in heads])
    y = layers.conv_relu(x, kernel, bias)
    one, three, five = jnp.split(
        y, [heads[0][1].size, heads[0][1].size + heads[1][1].size], axis=-1
    )
    three = winograd.conv_relu(params, f"{name}/3x3", three, precision=precision)
    five = layers.conv_relu(five, *_weights(params, f"{name}/5x5"))
    pool = layers.max_pool(x, stride=1, pad=1)
    pool = layers.conv_relu(pool, *_weights(params, f"{name}/pool_proj"))
    return jnp.concatenate([one, three, five, pool], axis=-1)
