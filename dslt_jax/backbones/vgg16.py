"""Oxford VGG-16 up to conv5_3, features for tracking.

Preprocessing: RGB 0..255 minus `params["mean"]`, Oxford's being (123.68, 116.779, 103.939); the
border of every convolution is padded with zeros, so the image's border is padded with the mean.
The mean is a parameter because weights trained elsewhere come with another one, which could be
folded into conv1_1's bias inside the image but not at its border. A first layer that takes RGB
makes Oxford's BGR subtraction of the means the same thing. Source: Simonyan and Zisserman, "Very
Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015, configuration D.
"""

import jax
import jax.numpy as jnp

from dslt_jax.backbones import layers
from dslt_jax.config import TrackerConfig

MEAN = (123.68, 116.779, 103.939)
LAYERS = ("conv3_3", "conv4_3", "conv5_3")  # what may be asked for, shallow to deep

_CHANNELS = (64, 128, 256, 512, 512)
_DEPTHS = (2, 2, 3, 3, 3)


def convolutions(last: str = "conv5_3") -> list[str]:
    """Returns the names of the convolutions in their order, up to and with `last`."""
    names = [f"conv{b}_{i}" for b, depth in enumerate(_DEPTHS, 1) for i in range(1, depth + 1)]
    return names[: names.index(last) + 1]


def param_shapes(config: TrackerConfig) -> dict[str, tuple[int, ...]]:
    """Returns the exact keys and shapes that `apply` needs: all layers up to the deep one."""
    _check(config)
    shapes: dict[str, tuple[int, ...]] = {"mean": (3,)}
    inputs = 3
    for name in convolutions(config.deep_layer):
        outputs = _CHANNELS[_block(name) - 1]
        shapes[f"{name}/w"] = (3, 3, inputs, outputs)
        shapes[f"{name}/b"] = (outputs,)
        inputs = outputs
    return shapes


def init(key: jax.Array, config: TrackerConfig) -> dict[str, jax.Array]:
    """Returns He-normal random parameters and Oxford's mean, for timing and tests."""
    shapes = param_shapes(config)
    del shapes["mean"]
    return layers.he_init(key, shapes) | {"mean": jnp.array(MEAN)}


def strides(config: TrackerConfig) -> tuple[int, int]:
    """Returns the strides in pixels of the shallow and the deep feature map."""
    _check(config)
    return _stride(config.shallow_layer, config), _stride(config.deep_layer, config)


def apply(
    params: dict[str, jax.Array], image: jax.Array, config: TrackerConfig
) -> tuple[jax.Array, jax.Array]:
    """Returns the shallow and the deep feature map of `image` (N, H, W, 3), RGB float32 0..255.

    With `config.keep_pooling` conv4_3 has stride 8 and conv5_3 stride 16, as the paper draws it;
    without, pool3 and pool4 are left out and both have stride 4, as the released code runs it
    (no dilation makes up for the missing pooling).

    Returns:
      (N, H/s, W/s, C) maps after the ReLU, s from `strides`, C 256 for conv3_3 and 512 otherwise.

    Raises:
      ValueError: H or W is no multiple of the deep layer's stride, or a layer is not one of ours.
    """
    stride = max(strides(config))
    if image.ndim != 4 or image.shape[3] != 3 or image.shape[1] % stride or image.shape[2] % stride:
        raise ValueError(
            f"image has the shape {image.shape}, vgg16 needs (N, H, W, 3) "
            f"with H and W multiples of {stride}"
        )
    x = image - params["mean"].astype(image.dtype).reshape(1, 1, 1, 3)
    maps = {}
    block = 1
    for name in convolutions(config.deep_layer):
        if _block(name) > block:
            block += 1
            if block <= 3 or config.keep_pooling:
                x = _pool(x)
        x = maps[name] = layers.conv_relu(x, params[f"{name}/w"], params[f"{name}/b"])
    return maps[config.shallow_layer], maps[config.deep_layer]


def _pool(x: jax.Array) -> jax.Array:
    """2x2 max pooling of even sides."""
    x = jnp.maximum(x[:, ::2], x[:, 1::2])
    return jnp.maximum(x[:, :, ::2], x[:, :, 1::2])


def _block(name: str) -> int:
    return int(name[4])


def _stride(name: str, config: TrackerConfig) -> int:
    return 2 ** (_block(name) - 1) if config.keep_pooling else 4


def _check(config: TrackerConfig) -> None:
    for field in ("shallow_layer", "deep_layer"):
        if getattr(config, field) not in LAYERS:
            raise ValueError(
                f"{field}='{getattr(config, field)}' is no VGG-16 layer to track with: "
                f"choose one of {', '.join(LAYERS)}"
            )
    if LAYERS.index(config.shallow_layer) > LAYERS.index(config.deep_layer):
        raise ValueError(
            f"shallow_layer={config.shallow_layer} lies above deep_layer={config.deep_layer}"
        )
