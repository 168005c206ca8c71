"""A small network of our own: dense 3x3 convolutions, about 1 GFLOP for a 256 x 256 search crop.

Preprocessing: RGB 0..255 to (x - 128) / 64. Five stages halve the resolution; residual
connections where shapes agree; no normalisation layers, so what is trained is what runs. The
shallow map has stride 8, the deep one stride 16; both are linear outputs without a ReLU, trained
by `experiments/training`. By its form a cell would look at the first pixel of its square; distilled
from GoogLeNet, whose cells look further to the right and below, the embedded weights look at the
middle of it, to 1 and 2 pixels (tests/backbones/test_layers.py).
"""

import dataclasses
from collections.abc import Callable

import jax

from dslt_jax.backbones import box_head, layers, winograd
from dslt_jax.backbones.base import Layer, check_precision

Shapes = dict[str, tuple[int, int, int]]


@dataclasses.dataclass(frozen=True)
class Compact:
    """The embedded network and its box head; others differ in the widths of their stages."""

    widths: tuple[int, ...] = (32, 48, 96, 192)
    precision: str = "float32"  # of its blocks' products: float32 or bfloat16, as `Vgg16` has it

    name = "compact"
    layers = (Layer("shallow", 8, 4.0, 64), Layer("deep", 16, 8.0, 96))
    # Where the cells lay when the box head was trained; its weights belong to that.
    box_layers = tuple(layer._replace(offset=0.0) for layer in layers)

    def __post_init__(self) -> None:
        check_precision(self.precision)

    def blocks(self) -> Shapes:
        """Its 3x3 convolutions in order, name -> (inputs, outputs, stride).

        A block of equal shapes and stride 1 is residual.
        """
        first, second, third, fourth = self.widths
        shapes = {
            "stage1": (3, first, 2),
            "stage2/down": (first, second, 2),
            "stage2/block": (second, second, 1),
            "stage3/down": (second, third, 2),
            "stage3/block": (third, third, 1),
            "stage4/down": (third, fourth, 2),
        }
        return shapes | {f"stage4/block{i}": (fourth, fourth, 1) for i in (1, 2, 3)}

    def param_shapes(self) -> dict[str, tuple[int, ...]]:
        """Returns the exact keys and shapes that `apply` and the box head need."""
        shapes: dict[str, tuple[int, ...]] = {
            f"{name}/w": (3, 3, cin, cout) for name, (cin, cout, _) in self.blocks().items()
        }
        for layer, cin in zip(self.layers, self.widths[2:], strict=True):
            shapes[f"{layer.name}/w"] = (1, 1, cin, layer.channels)
        shapes |= {key[:-1] + "b": shape[-1:] for key, shape in shapes.items()}
        return shapes | box_head.param_shapes(*(layer.channels for layer in self.layers))

    def init(self, key: jax.Array) -> dict[str, jax.Array]:
        """Returns He-normal random parameters, the start of training."""
        return layers.he_init(key, self.param_shapes())

    def prepare(self, params: dict[str, jax.Array]) -> dict[str, jax.Array]:
        """Returns the parameters with what makes `apply` faster on a CPU, the same but rounding."""
        for name, (_, _, stride) in self.blocks().items():
            if stride == 1:
                # Of a search crop's 60, 30 and 15 cells both make whole tiles; the kernels of the
                # last stage, with tiles of 5, would outgrow a CPU's caches, and bfloat16 its bits.
                small = name.startswith("stage4") or self.precision == "bfloat16"
                params = winograd.prepare(params, [name], 3 if small else 5, self.precision)
        return params

    def apply(self, params: dict[str, jax.Array], image: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns the feature maps (N, H/8, W/8, 64) and (N, H/16, W/16, 96).

        Args:
          image: (N, H, W, 3) RGB float32 0..255, H and W multiples of 16.
        """

        def convolve(x, name, kernel, bias, stride):
            if name == "stage1":
                return jax.nn.relu(layers.stem_conv(x, kernel, bias))
            precision = self.precision if stride == 1 else "float32"
            return winograd.conv_relu(params, name, x, stride=stride, precision=precision)

        return self.run(params, image, convolve)

    def run(
        self, params: dict[str, jax.Array], image: jax.Array, convolve: Callable
    ) -> tuple[jax.Array, jax.Array]:
        """`apply` with a 3x3 convolution of one's own, such as one that normalises in training.

        Args:
          convolve: (x, name, kernel, bias, stride) -> what the block puts out, not below 0.
        """
        x = (image - 128.0) / 64.0
        maps = {}
        for name, (cin, cout, stride) in self.blocks().items():
            y = convolve(x, name, params[f"{name}/w"], params[f"{name}/b"], stride)
            x = x + y if cin == cout and stride == 1 else y
            maps[name] = x
        shallow = layers.conv(maps["stage3/block"], params["shallow/w"], params["shallow/b"])
        deep = layers.conv(x, params["deep/w"], params["deep/b"])
        return shallow, deep


@dataclasses.dataclass(frozen=True)
class Narrow(Compact):
    """The embedded network of three quarters of the width, for half of the arithmetic.

    Distilled from GoogLeNet too, its cells look further to the right and below than those of the
    wider one: what is declared is where a dot moves them most (experiments/LOG.md).
    """

    widths: tuple[int, ...] = (24, 36, 72, 144)

    name = "narrow"
    layers = (Layer("shallow", 8, 5.25, 64), Layer("deep", 16, 12.75, 96))
    box_layers = layers
