"""Convolution, pooling and normalisation as the original networks define them, fast under XLA."""

import functools
import math

import jax
import jax.numpy as jnp
from jax import lax

PRECISIONS = ("float32", "bfloat16")  # of the products of convolutions

_DIMENSIONS = ("NHWC", "HWIO", "NHWC")


def conv(
    x: jax.Array,
    kernel: jax.Array,
    bias: jax.Array | None = None,
    *,
    stride: int = 1,
    pad: int | None = None,
    precision: str = "highest",
) -> jax.Array:
    """Convolves `x` (N, H, W, C) with `kernel` (k, k, C, D), zero padding of `pad` or k // 2."""
    pad = kernel.shape[0] // 2 if pad is None else pad
    y = lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        [(pad, pad), (pad, pad)],
        dimension_numbers=_DIMENSIONS,
        precision=precision,
    )
    return y if bias is None else y + bias.reshape(1, 1, 1, -1)


def dense(params: dict[str, jax.Array], name: str, x: jax.Array) -> jax.Array:
    """A 1x1 convolution or a dense layer (..., C) to (..., D), as the matrix product that it is."""
    kernel, bias = params[f"{name}/w"], params[f"{name}/b"]
    y = jnp.matmul(x, kernel.reshape(kernel.shape[-2:]), precision="highest")
    return y + bias.reshape((1,) * (y.ndim - 1) + (-1,))


def conv_relu(x, kernel, bias, *, stride: int = 1, precision: str = "float32") -> jax.Array:
    """`conv`, then max(0, .).

    In bfloat16 `x` and kernel are rounded to 8 bits before they are multiplied, and their sum is
    rounded once more.
    """
    if precision == "float32":
        return jax.nn.relu(conv(x, kernel, bias, stride=stride))
    # No preferred_element_type: XLA would make a float32 convolution of one that has a wider
    # result than its operands. cuDNN sums in float32 all the same.
    narrow = x.astype(precision), kernel.astype(precision)
    y = conv(*narrow, stride=stride, precision="default").astype(x.dtype)
    return jax.nn.relu(y + bias.reshape(1, 1, 1, -1))


def space_to_depth(x: jax.Array) -> jax.Array:
    """Folds 2x2 blocks of (N, H, W, C) into channels: (N, H/2, W/2, 4C)."""
    n, h, w, c = x.shape
    x = x.reshape(n, h // 2, 2, w // 2, 2, c)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(n, h // 2, w // 2, 4 * c)


def stem_conv(x: jax.Array, kernel: jax.Array, bias: jax.Array) -> jax.Array:
    """A strided convolution of an image with few channels, stride 2, padding k // 2.

    Exactly `conv(x, kernel, bias, stride=2)` for even H and W. XLA's CPU convolution is several
    times slower with 3 input channels and a stride than on the same sum over 12 channels.
    """
    k, _, c, d = kernel.shape
    pad = k // 2
    # In the folded grid, output i reads pixels 2i - pad .. 2i + pad: whole blocks from
    # floor(-pad / 2) to floor(pad / 2) once the kernel is padded to start on an even pixel.
    before = pad % 2
    blocks = (k + before + 1) // 2
    after = 2 * blocks - k - before
    kernel = jnp.pad(kernel, ((before, after), (before, after), (0, 0), (0, 0)))
    kernel = kernel.reshape(blocks, 2, blocks, 2, c, d).transpose(0, 2, 1, 3, 4, 5)
    kernel = kernel.reshape(blocks, blocks, 4 * c, d)
    low = (pad + before) // 2
    high = blocks - 1 - low
    y = lax.conv_general_dilated(
        space_to_depth(x),
        kernel,
        (1, 1),
        [(low, high), (low, high)],
        dimension_numbers=_DIMENSIONS,
        precision="highest",
    )
    return y + bias.reshape(1, 1, 1, -1)


def max_pool(x: jax.Array, *, stride: int, pad: int = 0) -> jax.Array:
    """3x3 max pooling with Caffe's ceil rule: the last window may hang over the border.

    Written as maxima of shifted slices, which XLA fuses; its reduce_window is slower on CPU.
    """
    return _max_axis(_max_axis(x, 1, stride, pad), 2, stride, pad)


def _max_axis(x: jax.Array, axis: int, stride: int, pad: int) -> jax.Array:
    size = x.shape[axis]
    out = -(-(size + 2 * pad - 3) // stride) + 1
    if pad and (out - 1) * stride >= size + pad:
        out -= 1  # Caffe drops a window that starts beyond the image
    after = max(0, (out - 1) * stride + 3 - size - pad)
    padding = [(0, 0)] * x.ndim
    padding[axis] = (pad, after)
    x = jnp.pad(x, padding, constant_values=-jnp.inf)
    span = (out - 1) * stride + 1
    shifted = [lax.slice_in_dim(x, k, k + span, stride, axis) for k in range(3)]
    return jnp.maximum(jnp.maximum(shifted[0], shifted[1]), shifted[2])


def local_response_norm(x: jax.Array, *, size: int = 5, alpha: float = 1e-4) -> jax.Array:
    """Caffe's LRN across channels with beta 0.75: x / (1 + alpha / size * sum x^2) ** 0.75."""
    half = size // 2
    square = jnp.pad(x * x, ((0, 0), (0, 0), (0, 0), (half, half)))
    total = sum(square[..., k : k + x.shape[-1]] for k in range(size))
    root = lax.rsqrt(1.0 + alpha / size * total)  # scale ** -0.5
    return x * root * jnp.sqrt(root)


def he_init(key: jax.Array, shapes: dict[str, tuple[int, ...]]) -> dict[str, jax.Array]:
    """Returns He-normal kernels ('.../w') and zero biases for a table of shapes."""
    return _he_init(key, tuple(shapes.items()))


@functools.partial(jax.jit, static_argnums=1)  # one program, not one for each of dozens of shapes
def _he_init(key, shapes):
    kernels = {name: shape for name, shape in shapes if name.endswith("/w")}
    flat = jax.random.normal(key, (sum(map(math.prod, kernels.values())),), jnp.float32)
    params, start = {}, 0
    for name, shape in shapes:
        if name in kernels:
            values = flat[start : start + math.prod(shape)].reshape(shape)
            params[name] = values * (2.0 / math.prod(shape[:-1])) ** 0.5
            start += math.prod(shape)
        else:
            params[name] = jnp.zeros(shape, jnp.float32)
    return params
