"""ECO: a factorized filter on a network's layers and fHOG.

Source and constants: see `trackers.factorized`. What differs beyond that: the network, of which any
will do, theirs is VGG-M; the filter's cells of 8 pixels, theirs of 4; 30 components in memory for
50; and the scale filter, where theirs sees five scales through the network.
"""

from typing import Any

import jax

from dslt_jax import backbones
from dslt_jax.backbones import Backbone, Compact, Layer
from dslt_jax.learners.factorized import Blocks
from dslt_jax.ops import fusion, hog
from dslt_jax.parts import static
from dslt_jax.trackers.factorized import Factorized


class Eco(Factorized):
    """The tracker's settings."""

    backbone: Backbone = static(Compact(), choices=backbones.TABLE)  # type: ignore[assignment]
    size: int = static(256)
    padding: float = 3.5
    cell: int = static(8)  # of the filter, in pixels
    label: float = 1 / 12
    hog_cell: int = static(4)  # of fHOG, in pixels
    channels: int = static(10)  # that fHOG is projected onto
    deep: tuple[int, ...] = static((16, 64))  # and each layer, the finest first

    def check(self) -> None:
        super().check()
        layers = self.backbone.layers
        if len(self.deep) != len(layers):
            raise ValueError(
                f"deep={','.join(map(str, self.deep))} must be {len(layers)}, one for each layer "
                f"of the backbone: {', '.join(layer.name for layer in layers)}"
            )
        for width, layer in zip(self.deep, layers, strict=True):
            if not 1 <= width <= layer.channels:
                raise ValueError(
                    f"deep={width} must be from 1 to {layer.channels}, the channels of {layer.name}"
                )
        stride = max(layer.stride for layer in layers)
        if self.size % stride or self.size < 2 * stride:
            raise ValueError(
                f"size={self.size} must be 2 or more times the deepest stride {stride}"
            )
        self.require("hog_cell", lambda n: n >= 1, "at least 1")
        if self.size % self.hog_cell or self.size < 2 * self.hog_cell:
            raise ValueError(
                f"size={self.size} must be whole cells of hog_cell={self.hog_cell}, 2 or more"
            )
        self.require("channels", lambda n: 1 <= n <= 31, "from 1 to 31")

    @property
    def networks(self) -> tuple[Backbone, ...]:
        return (self.backbone,)

    @property
    def widths(self) -> tuple[int, ...]:
        return self.channels, *self.deep

    def blocks(self, params: Any, patch: jax.Array) -> Blocks:
        """Returns fHOG and the network's maps."""
        maps = backbones.apply(self.backbone, params, patch[None])

        def even(x, layer):
            """As if each cell looked at its square's middle."""
            cells = Layer("cells", layer.stride, layer.stride / 2, 0)
            return fusion.resample(x, layer, cells, x.shape[1])[0]

        layers = zip(maps, self.backbone.layers, strict=True)
        return hog.fhog(patch, cell=self.hog_cell), *(even(*pair) for pair in layers)


def eco() -> Eco:
    """The embedded network and fHOG."""
    return Eco()
