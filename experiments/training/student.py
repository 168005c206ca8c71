"""The compact network as it is trained: with batch normalisation, which is folded away at export.

Source of the normalisation: Ioffe and Szegedy, "Batch Normalization", ICML 2015. Behind every 3x3
convolution the bias gives way to a normalised, scaled and shifted output; what is exported has
kernels and biases alone, the network that `backbones.Compact` runs.
"""

import jax
import jax.numpy as jnp

from dslt_jax.backbones import Compact, layers

MOMENTUM, EPSILON = 0.99, 1e-3

Params = dict[str, jax.Array]


def init(network: Compact, key: jax.Array) -> tuple[Params, Params]:
    """Returns trainable parameters, and the running moments (mean and variance of each block)."""
    params = {k: v for k, v in network.init(key).items() if not k.startswith("box/")}
    moments = {}
    for name, (_, outputs, _) in network.blocks().items():
        params[f"{name}/scale"] = jnp.ones(outputs)
        moments[f"{name}/mean"], moments[f"{name}/var"] = jnp.zeros(outputs), jnp.ones(outputs)
    return params, moments


def apply(
    network: Compact, params: Params, image: jax.Array, dtype=jnp.float32
) -> tuple[tuple[jax.Array, jax.Array], Params]:
    """The network on a batch, normalised by the batch's own moments.

    Args:
      image: (N, H, W, 3) RGB float32 0..255.
      dtype: of the convolutions; moments and outputs are float32.

    Returns:
      the shallow and the deep map, and the batch's moments.
    """
    moments: Params = {}

    def convolve(x, name, kernel, bias, stride):
        x, kernel = x.astype(dtype), kernel.astype(dtype)
        if name == "stage1":
            y = layers.stem_conv(x, kernel, jnp.zeros(kernel.shape[-1:], dtype))
        else:
            y = layers.conv(x, kernel, stride=stride)
        y = y.astype(jnp.float32)
        mean, var = y.mean((0, 1, 2)), y.var((0, 1, 2))
        moments[f"{name}/mean"], moments[f"{name}/var"] = mean, var
        gain = params[f"{name}/scale"] * jax.lax.rsqrt(var + EPSILON)
        wide = (1, 1, 1, -1)
        return jax.nn.relu(y * gain.reshape(wide) + (bias - mean * gain).reshape(wide))

    return network.run(params, image, convolve), moments


def follow(moments: Params, batch: Params) -> Params:
    """The running moments after a batch."""
    return jax.tree.map(lambda a, b: MOMENTUM * a + (1 - MOMENTUM) * b, moments, batch)


def fold(network: Compact, params: Params, moments: Params) -> Params:
    """The parameters of `backbones.Compact` that give what `params` give with these moments."""
    folded = {k: v for k, v in params.items() if not k.endswith("/scale")}
    for name in network.blocks():
        gain = params[f"{name}/scale"] * jax.lax.rsqrt(moments[f"{name}/var"] + EPSILON)
        folded[f"{name}/w"] = params[f"{name}/w"] * gain.reshape(1, 1, 1, -1)
        folded[f"{name}/b"] = params[f"{name}/b"] - moments[f"{name}/mean"] * gain
    return folded
