"""HCFT: a linear correlation filter on each of three layers of VGG, coarse to fine.

Source: Ma, Huang, Yang, Yang, "Hierarchical Convolutional Features for Visual Tracking", ICCV 2015.
The deep layer knows what the target is, the shallow one where: each filter gives a response over
all shifts, divided by its own maximum, and the target is where their weighted sum is highest. (The
paper writes a search around the coarser layer's peak; its authors' code is the sum.) Constants of
the first release: weights 1, 0.5 and 0.02 of conv5, conv4 and conv3, label 0.1 of the target, decay
1e-4, rate 0.01, a region of 2.8 times the target (1.4 in height where it is more than twice as high
as wide), warped to 224 x 224 pixels, Hann window. The size stays, as in the paper; `scale=filter`
adds DSST's scale filter, as the authors did later.

What differs: VGG-16 and its conv3_3, conv4_3 and conv5_3, where theirs is VGG-19 with conv3_4,
conv4_4 and conv5_4. The filters live on 28 x 28 cells, whatever the target's size; theirs on cells
of 4 frame pixels, which are as many for a target of 40. Their region is twice the target where that
covers more than 5 % of the frame (`padding=1`). Beyond the frame its border is repeated, and the
peak is found to a fraction of a cell. The first release adds the responses as they are; dividing by
their maxima is of a later one, whose weights are 1, 0.5 and 0.25. Every frame teaches, as theirs
does; a higher `lost` holds place and model in frames whose response is below.
"""

from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp

from dslt_jax import backbones
from dslt_jax.backbones import Backbone, Layer, Vgg16
from dslt_jax.learners.ridge import dual
from dslt_jax.ops import correlation, fourier, fusion, windows
from dslt_jax.ops.labels import gaussian
from dslt_jax.ops.scale_filter import ScaleFilter, zooms
from dslt_jax.parts import part, static
from dslt_jax.trackers.correlation_filter import CorrelationFilter, check_cells, resized
from dslt_jax.types import Output

Spectra = tuple[jax.Array, ...]  # of each layer (C, G, G // 2 + 1), or (G, G // 2 + 1)


class State(flax.struct.PyTreeNode):
    """All that is carried from frame to frame."""

    center: jax.Array  # (2,) x, y of the target in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels
    templates: Spectra  # of the target's features
    alphas: Spectra  # of the coefficients
    scale: Any  # means of the scale filter, () without


class Sight(NamedTuple):
    """What was found in one frame."""

    center: jax.Array  # (2,) x, y in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels
    confidence: jax.Array  # ()
    lost: jax.Array  # () bool
    spectra: Spectra  # of the new place at the new size
    scale: Any  # spectrum over the scales, () without


class Hcft(CorrelationFilter):
    """The tracker's settings."""

    backbone: Backbone = static(  # type: ignore[assignment]
        Vgg16(("conv3_3", "conv4_3", "conv5_3")), choices=backbones.TABLE
    )
    size: int = static(224)
    cell: int = static(8)  # of the filters, in pixels of the crop
    padding: float = 1.8
    tall: float = 0.4  # padding of the height where it is more than twice the width
    weights: tuple[float, ...] = (0.02, 0.5, 1.0)  # of the layers' responses, the finest first
    label: float = 0.1  # deviation of the label, of the target's size
    decay: float = 1e-4
    rate: float = 0.01  # share of a new frame in the model
    lost: float = 0.0  # a response below is no target
    scale: ScaleFilter | None = part(None, choices={"none": None, "filter": ScaleFilter()})
    min_side: float = 4.0  # of a box, in frame pixels, where the size is measured

    def check(self) -> None:
        super().check()
        layers = self.backbone.layers
        if len(self.weights) != len(layers):
            raise ValueError(
                f"weights={','.join(map(str, self.weights))} must be {len(layers)}, one for each "
                f"layer of the backbone: {', '.join(layer.name for layer in layers)}"
            )
        stride = max(layer.stride for layer in layers)
        if self.size % stride or self.size < 2 * stride:
            raise ValueError(
                f"size={self.size} must be 2 or more times the deepest stride {stride}"
            )
        check_cells(self)
        self.require("tall", lambda p: p >= 0, "at least 0")
        self.require("label", lambda s: s > 0, "greater than 0")
        self.require("decay", lambda d: d > 0, "greater than 0")
        self.require("rate", lambda r: 0 <= r <= 1, "from 0 to 1")
        self.require("min_side", lambda s: s > 0, "greater than 0")

    @property
    def networks(self) -> tuple[Backbone, ...]:
        return (self.backbone,)

    def init(self, params: Any, key: jax.Array, patches: jax.Array, box: jax.Array) -> State:
        """The models of the first frame."""
        templates, size = self.spectra(params, patches[0]), box[2:]
        scale: Any = ()
        if self.scale is not None:
            scale = self.scale.start(self.scale.spectrum(patches[0], self.pixels(size)))
        return State(box[:2] + size / 2, size, templates, self._train(templates, size), scale)

    def locate(self, params: Any, state: State, patches: jax.Array, limits: jax.Array) -> Any:
        """The shift at which the layers together respond most."""
        response = self.fuse(state, self.spectra(params, patches[0]))
        return self.find(state, response, limits)

    def measure(
        self, params: Any, state: State, sight: Any, patches: jax.Array | None, limits: jax.Array
    ) -> tuple[Sight, Output]:
        """The features of the new place, and the size where there is a scale filter."""
        assert patches is not None  # `locate` asked for them
        patch, size, out = patches[0], state.size, self.tell(state, sight)
        scale: Any = ()
        if self.scale is not None:
            inside = self.pixels(size)
            factor, scale = resized(
                self.scale, state, sight.lost, patch, inside, limits, self.min_side
            )
            size, out = size * factor, self.tell(state, sight, factor)
            patch = zooms(patch, jnp.full((1, 2), self.size * factor), self.size)[0]
        place = sight.center, size, sight.confidence, sight.lost
        return Sight(*place, self.spectra(params, patch), scale), out

    def learn(self, params: Any, state: State, sight: Sight) -> tuple[State, dict[str, jax.Array]]:
        """Moves on, and mixes the new frame's models into the old ones."""
        new = sight.spectra, self._train(sight.spectra, sight.size)
        finite = jnp.stack([jnp.isfinite(x).all() for x in jax.tree.leaves(new)]).all()
        teach = ~sight.lost & finite
        old = state.templates, state.alphas
        templates, alphas = jax.tree.map(
            lambda a, b: jnp.where(teach, a + self.rate * (b - a), a), old, new
        )
        scale = state.scale
        if self.scale is not None:
            scale = self.scale.learn(scale, sight.scale, teach)
        state = state.replace(
            center=sight.center,
            size=sight.size,
            templates=templates,
            alphas=alphas,
            scale=scale,
        )
        return state, {"updated": teach, "finite": finite}

    def spectra(self, params: Any, patch: jax.Array) -> Spectra:
        """Returns spectra (C, G, G // 2 + 1) of a patch's windowed maps, on the filters' cells."""
        layers, window = self.backbone.layers, windows.hann(self._grid)[..., None]
        cells = Layer("cells", self.cell, self.cell / 2, 0)
        maps = backbones.apply(self.backbone, params, patch[None])

        def spectrum(x, layer):
            x = fusion.resample(x, layer, cells, self._grid)[0] * window
            return jnp.fft.rfft2(x.transpose(2, 0, 1))

        return tuple(spectrum(*pair) for pair in zip(maps, layers, strict=True))

    def fuse(self, state: State, spectra: Spectra) -> jax.Array:
        """Returns (G, G) the weighted mean of the layers' responses, no shift in the middle.

        Each is divided by its own maximum; all together are as high as those maxima are on average,
        so that the height where the layers agree is the label's.
        """
        found = [
            fourier.inverse(correlation.linear_kernel(x, z) * alpha)
            for x, z, alpha in zip(state.templates, spectra, state.alphas, strict=True)
        ]
        tops = jnp.stack([jnp.maximum(response.max(), 1e-6) for response in found])
        weights = jnp.stack([jnp.asarray(w, jnp.float32) for w in self.weights])
        weights = weights / weights.sum()
        shares = weights / tops * (weights @ tops)
        return correlation.centered(jnp.tensordot(shares, jnp.stack(found), 1, precision="highest"))

    def _train(self, spectra: Spectra, size: jax.Array) -> Spectra:
        """The coefficients (G, G // 2 + 1) of each layer that give the label of a `size` (2,)."""
        middle = jnp.full(2, self._grid // 2, jnp.float32)
        sigma = self.label * jnp.sqrt(jnp.prod(size)) * self._grid / self._extent(size)
        label = jnp.fft.rfft2(jnp.fft.ifftshift(gaussian(self._grid, middle, sigma)))
        return tuple(dual(correlation.linear_kernel(x, x), label, self.decay) for x in spectra)

    @property
    def _grid(self) -> int:
        return self.size // self.cell

    def _extent(self, size: jax.Array) -> jax.Array:
        high = jnp.where(size[1] > 2 * size[0], self.tall, self.padding)
        return size * jnp.stack([1 + jnp.asarray(self.padding), 1 + high])


def hcft() -> Hcft:
    """VGG-16 and the constants of the authors' first release; the size stays."""
    return Hcft()
