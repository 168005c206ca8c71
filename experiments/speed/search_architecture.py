"""What the shape of the embedded network costs on this machine: time, parameters, GFLOP.

    python experiments/speed/search_architecture.py
    python experiments/speed/search_architecture.py --repeat 5 --csv architectures.csv

Each row is the network of `dslt_jax/backbones/compact.py` with one thing changed: width, depth,
where the layers are taken, kind of convolution, activation, normalisation. Timed are the two calls
of a frame, one search crop of 256 x 256 and three scale crops of 128 x 128, all variants in turn,
round after round. XLA on a CPU is fast on dense 3x3 convolutions and slow on depthwise ones: fewer
operations are not always less time. The weights are random, which changes no time; what a shape
gives in accuracy only training tells. On 2 cores about two minutes.
"""

import csv
import dataclasses
import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import timing
from absl import app, flags, logging

from dslt_jax.backbones import box_head, layers

FLAGS = flags.FLAGS
flags.DEFINE_integer("repeat", 15, "rounds of measurement", lower_bound=1)
flags.DEFINE_string("csv", None, "also write the table to this file")

CROPS = ((1, 256), (3, 128))  # number and side: the search crop, the scale crops


@dataclasses.dataclass(frozen=True)
class Shape:
    """A network: channels of the stages, blocks after each, and how they are made."""

    widths: tuple[int, ...] = (32, 48, 96, 192)
    blocks: tuple[int, ...] = (0, 1, 1, 3)
    shallow: int = 2  # index of the stage that the shallow layer is taken from
    kernel: int = 3
    depthwise: bool = False  # depthwise 3x3 and pointwise 1x1 in place of a dense 3x3
    norm: bool = False  # over the channels of a cell, as in ConvNeXt
    activation: Callable[[jax.Array], jax.Array] = jax.nn.relu
    plain_stem: bool = False  # a strided convolution of 3 channels in place of a folded one


BASE = Shape()
SHAPES = {
    "compact": BASE,
    "3/4 of the width": dataclasses.replace(BASE, widths=(24, 36, 72, 144)),
    "5/4 of the width": dataclasses.replace(BASE, widths=(40, 60, 120, 240)),
    "1 block in stage 4": dataclasses.replace(BASE, blocks=(0, 1, 1, 1)),
    "5 blocks in stage 4": dataclasses.replace(BASE, blocks=(0, 1, 1, 5)),
    "no blocks before stage 4": dataclasses.replace(BASE, blocks=(0, 0, 0, 3)),
    "3 blocks in stage 3, 1 in 4": dataclasses.replace(BASE, blocks=(0, 1, 3, 1)),
    "shallow layer at stride 4": dataclasses.replace(BASE, shallow=1),
    "5x5 convolutions": dataclasses.replace(BASE, kernel=5),
    "depthwise convolutions": dataclasses.replace(BASE, depthwise=True),
    "depthwise, twice as wide": Shape(widths=(64, 96, 192, 384), depthwise=True),
    "normalised": dataclasses.replace(BASE, norm=True),
    "SiLU": dataclasses.replace(BASE, activation=jax.nn.silu),
    "GELU": dataclasses.replace(BASE, activation=jax.nn.gelu),
    "first convolution unfolded": dataclasses.replace(BASE, plain_stem=True),
}


def param_shapes(shape: Shape) -> dict[str, tuple[int, ...]]:
    """Returns the kernels and biases of the network, without the box head's."""
    shapes: dict[str, tuple[int, ...]] = {}
    channels = 3
    for i, (width, blocks) in enumerate(zip(shape.widths, shape.blocks, strict=True)):
        for block in range(1 + blocks):
            name, k = f"{i}/{block}", shape.kernel
            if shape.depthwise and i:
                shapes[f"{name}/depth/w"] = (k, k, 1, channels)
                shapes[f"{name}/point/w"] = (1, 1, channels, width)
            else:
                shapes[f"{name}/w"] = (k, k, channels, width)
            channels = width
    shapes["shallow/w"] = (1, 1, shape.widths[shape.shallow], 64)
    shapes["deep/w"] = (1, 1, channels, 96)
    return shapes | {key[:-1] + "b": value[-1:] for key, value in shapes.items()}


def apply(shape: Shape, params, image: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns both layers of images (N, H, W, 3)."""
    x, taken = (image - 128.0) / 64.0, image
    for i, blocks in enumerate(shape.blocks):
        for block in range(1 + blocks):
            y = _convolve(shape, params, f"{i}/{block}", x, stride=1 if block else 2)
            y = shape.activation(_normalise(y) if shape.norm else y)
            x = x + y if block else y
        taken = x if i == shape.shallow else taken
    shallow = layers.conv(taken, params["shallow/w"], params["shallow/b"])
    return shallow, layers.conv(x, params["deep/w"], params["deep/b"])


def _convolve(shape: Shape, params, name: str, x: jax.Array, *, stride: int) -> jax.Array:
    if f"{name}/w" in params:
        kernel, bias = params[f"{name}/w"], params[f"{name}/b"]
        if x.shape[-1] == 3 and not shape.plain_stem:
            return layers.stem_conv(x, kernel, bias)
        return layers.conv(x, kernel, bias, stride=stride)
    kernel, bias = params[f"{name}/depth/w"], params[f"{name}/depth/b"]
    pad = kernel.shape[0] // 2
    x = jax.lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        [(pad, pad)] * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=x.shape[-1],
    )
    x = jax.nn.relu(x + bias.reshape(1, 1, 1, -1))
    return layers.conv(x, params[f"{name}/point/w"], params[f"{name}/point/b"])


def _normalise(x: jax.Array) -> jax.Array:
    x = x - x.mean(axis=-1, keepdims=True)
    return x * jax.lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + 1e-6)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    logging.set_verbosity(logging.WARNING)  # JAX tells of every backend that it does not find
    head = sum(map(math.prod, box_head.param_shapes(64, 96).values()))
    images = [jnp.full((count, side, side, 3), 100.0) for count, side in CROPS]
    calls, known = {}, {}
    for name, shape in SHAPES.items():
        params = layers.he_init(jax.random.key(0), param_shapes(shape))
        run = jax.jit(functools.partial(apply, shape))
        calls[name] = lambda run=run, params=params: [run(params, image) for image in images]
        flop = sum(run.lower(params, image).cost_analysis()["flops"] for image in images)
        known[name] = sum(math.prod(p.shape) for p in params.values()) + head, flop / 1e9
    times = timing.interleave(calls, FLAGS.repeat)
    base = np.median(times["compact"])
    rows = [
        {
            "network": name,
            "median ms": f"{np.median(times[name]):.2f}",
            "min ms": f"{times[name].min():.2f}",
            "to compact": f"{np.median(times[name]) / base:.2f}",
            "M parameters": f"{count / 1e6:.2f}",
            "GFLOP": f"{flop:.2f}",
        }
        for name, (count, flop) in known.items()
    ]
    print("; ".join(timing.machine().values()))
    for row in [dict(zip(rows[0], rows[0], strict=True)), *rows]:
        first, *others = row.values()
        print(f"{first:28s}" + "".join(f"{value:>14s}" for value in others))
    if FLAGS.csv:
        with open(FLAGS.csv, "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    app.run(main)
