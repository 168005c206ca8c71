"""What a backbone is: a frozen network, and which pixels each of its layers looks at."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax

from dslt_jax.backbones.layers import PRECISIONS


class Layer(NamedTuple):
    """A feature map: its cell i looks at the crop's pixel `stride * i + offset`.

    Pixels are continuous from the crop's left edge, so that the first pixel's middle is 0.5.
    A position on the response map is an edge between cells: position p lies between the cells
    p - 1 and p.
    """

    name: str
    stride: int  # pixels
    offset: float  # pixels
    channels: int

    def position(self, pixel):
        """Returns the position on the map of a pixel of the crop."""
        return (pixel - self.offset) / self.stride + 0.5

    def pixel(self, position):
        """Returns the pixel of the crop at a position on the map."""
        return (position - 0.5) * self.stride + self.offset


class Backbone(Protocol):
    """A frozen network: hashable, without arrays, static wherever it goes."""

    @property
    def name(self) -> str:
        """Its weights are stored under this name."""

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The maps that `apply` gives, in its order."""

    def param_shapes(self) -> dict[str, tuple[int, ...]]:
        """The exact keys and shapes that `apply` needs."""

    def init(self, key: jax.Array) -> Any:
        """Random parameters."""

    def apply(self, params: Any, image: jax.Array) -> tuple[jax.Array, ...]:
        """The maps (N, H / stride, W / stride, C) of (N, H, W, 3) RGB float32 0..255."""


@dataclasses.dataclass(frozen=True)
class Function:
    """A network of one's own as a backbone: any function with declared layers.

    Args:
      function: (params, image (N, H, W, 3) RGB float32 0..255) -> a map (N, h, w, C) for each
        layer, such as a Flax module's `apply`.
      layers: what those maps are, the finest first.
      initial: key -> params, where there is one.
      name: as messages call it.
    """

    function: Callable[[Any, jax.Array], Any]
    layers: tuple[Layer, ...]
    initial: Callable[[jax.Array], Any] | None = None
    name: str = "function"

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "layers", tuple(Layer(*layer) for layer in self.layers))
        except TypeError:
            raise ValueError(
                f"layers={self.layers!r} are Layer(name, stride, offset, channels) each"
            ) from None
        if not self.layers:
            raise ValueError("a backbone declares one layer or more, from shallow to deep")
        if not callable(self.function):
            raise ValueError(
                f"a backbone is a function (params, image) -> maps, got {self.function}"
            )

    def param_shapes(self) -> dict[str, tuple[int, ...]]:
        raise ValueError(f"the backbone '{self.name}' is a function: its params are the caller's")

    def init(self, key: jax.Array) -> Any:
        if self.initial is None:
            raise ValueError(f"the backbone '{self.name}' was given no function for its params")
        return self.initial(key)

    def apply(self, params: Any, image: jax.Array) -> tuple[jax.Array, ...]:
        maps = self.function(params, image)
        if not isinstance(maps, tuple | list):
            raise ValueError(
                f"the backbone '{self.name}' returns a {type(maps).__name__}: a tuple of maps is "
                "needed, one a layer"
            )
        return tuple(maps)


def apply(backbone: Backbone, params: Any, image: jax.Array) -> tuple[jax.Array, ...]:
    """Returns the backbone's maps, checked against what its layers declare.

    Raises:
      ValueError: names the layer that is not as declared.
    """
    maps = backbone.apply(params, image)
    if len(maps) != len(backbone.layers):
        raise ValueError(
            f"the backbone '{backbone.name}' declares {len(backbone.layers)} layers and returns "
            f"{len(maps)} maps"
        )
    for layer, found in zip(backbone.layers, maps, strict=True):
        height, width = (side // layer.stride for side in image.shape[1:3])
        needed = (image.shape[0], height, width, layer.channels)
        if found.shape != needed:
            raise ValueError(
                f"layer '{layer.name}' of the backbone '{backbone.name}' declares stride "
                f"{layer.stride} and {layer.channels} channels: {needed} for an image of "
                f"{image.shape}, but it returns {found.shape}"
            )
    return maps


def check_precision(precision: str) -> None:
    """Raises ValueError unless it is one that convolutions know."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision='{precision}' is not one of {', '.join(PRECISIONS)}")


def check_layers(kind: str, take: tuple[str, ...], known: tuple[str, ...]) -> None:
    """Raises ValueError unless `take` names known layers, each deeper than the one before."""
    for name in take:
        if name not in known:
            raise ValueError(f"take='{name}' is no {kind}: choose one of {', '.join(known)}")
    places = [known.index(name) for name in take]
    if places != sorted(set(places)) or not places:
        raise ValueError(f"take={','.join(take)} must name layers from shallow to deep")
