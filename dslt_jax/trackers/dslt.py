"""DSLT: a regression head on a frozen network, learned online with shrinkage loss.

Source: Lu, Ma, Ni, Yang, Reid, Yang, "Deep Regression Tracking with Shrinkage Loss", ECCV 2018.
The kernels cover the target; their response to the search region, a Gaussian where the target is,
is learned on the first frame and taught on by the frames that are sure of it.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.tree_util import Partial

from dslt_jax import backbones
from dslt_jax.backbones import Backbone, Compact
from dslt_jax.learners import Adam, Memory, Objective, Samples, Schedule
from dslt_jax.ops import augment as augmentation
from dslt_jax.ops import localize, losses, sizing, spectral
from dslt_jax.ops.fusion import Fusion, Single
from dslt_jax.ops.labels import Label, gaussian
from dslt_jax.parts import Part, part, static
from dslt_jax.trackers import dslt_checks, dslt_first, dslt_learning
from dslt_jax.trackers.dslt_aliases import ALIASES
from dslt_jax.trackers.dslt_parts import Gates, Recovery, Region
from dslt_jax.trackers.dslt_state import Sight, State
from dslt_jax.types import Look, Output


class Dslt(Part):
    """The tracker's settings, by the part that reads them. Lengths are crop pixels."""

    backbone: Backbone = static(Compact(), choices=backbones.TABLE)
    region: Region = Region()
    fusion: Fusion | Single = Fusion()  # or one of the caller's own
    kernel_size: int = static(16)  # side of the kernel canvas, in feature cells
    label: Label = Label()
    loss: Callable[[jax.Array, jax.Array], jax.Array] = part(
        losses.Shrinkage(), choices=losses.TABLE
    )
    decay: float = 0.0  # of the kernel, in the objective
    first: Schedule = Schedule(Adam(), 120)
    online: Schedule = Schedule(Adam((3e-4, 3e-4)), 2)
    memory: Memory = Memory()
    augment: tuple[augmentation.Variant, ...] = static(
        augmentation.VARIANTS, choices=augmentation.TABLE
    )
    motion: float = 1.0  # deviation of the motion prior, in target sizes
    size: sizing.Sizing = part(sizing.Scales(), choices=sizing.TABLE)
    gates: Gates = Gates()
    recovery: Recovery = Recovery()

    ALIASES = ALIASES

    def __post_init__(self) -> None:
        if callable(self.loss) and jax.tree_util.all_leaves([self.loss]):
            object.__setattr__(self, "loss", Partial(self.loss))  # a plain function, compiled in
        super().__post_init__()

    def check(self) -> None:
        dslt_checks.check(self)

    @property
    def networks(self) -> tuple[Backbone, ...]:
        """All whose weights it needs, the backbone first."""
        return (self.backbone, *getattr(self.size, "networks", ()))

    def notes(self, box: Any) -> list[str]:
        """Returns sentences on what a box (4,) of Python numbers asks beyond these settings."""
        return dslt_checks.notes(self, box)

    # --- the stages, in order ---

    def first_look(self, box: jax.Array) -> Look:
        """The search region around the first box."""
        return self.region.look(self.backbone.layers[0], *dslt_first.center_size(box))

    def init(self, params: Any, key: jax.Array, patches: jax.Array, box: jax.Array) -> State:
        """The first-frame fit."""
        return dslt_first.fit(self, params, key, patches, box)

    def look(self, state: State) -> Look:
        """The search region around the last place, or elsewhere where the target is lost."""
        return self.region.look(self.backbone.layers[0], self._aim(state), state.size)

    def locate(
        self, params: Any, state: State, patches: jax.Array, limits: jax.Array
    ) -> tuple[Sight, Look | None]:
        """Finds the target in the search region."""
        layers, region = self.backbone.layers, self.region
        maps = backbones.apply(self.backbone, params, patches)
        spectra = self.spectra(maps, state.reductions)
        response = self.respond(state, spectra, self.grid)[0]
        anchor = region.anchor(layers[0], region.search)
        middle = layers[0].position(anchor)
        prior = gaussian(self.grid, jnp.full(2, middle, jnp.float32), self.spread(state.cells))
        peak = localize.find_peak(response, prior)
        judged = self.gates.judge(peak.confidence, state.usual)
        lost = ~(judged >= self.gates.least(state.missing))
        sure = ~lost & (judged >= self.gates.size)
        scale = region.side(state.size) / region.search  # frame pixels a crop pixel
        pixel, growth, memory, match = self.size.refine(
            params,
            state.sizing,
            self.view(patches, maps)._replace(found=self.found(state, maps, peak.position)),
            layers[0].pixel(peak.position),
            state.size / scale,
            sure,
        )
        found = self._aim(state) + (pixel - anchor) * scale
        confidence, wrong = self.size.judge(match, peak.confidence)
        # Elsewhere only what is surely the target counts, and teaches later.
        elsewhere = self.recovery.elsewhere(state.missing)
        stranger = elsewhere & ~(sure & (confidence >= self.recovery.sure))
        lost, wrong = lost | stranger, wrong | stranger
        memory = jax.tree.map(lambda old, new: jnp.where(stranger, old, new), state.sizing, memory)
        sight = Sight(
            spectrum=spectra[0],
            position=layers[0].position(pixel),
            center=jnp.clip(jnp.where(lost, state.center, found), 0.0, limits),
            size=state.size * jnp.exp(jnp.where(stranger, 0.0, growth)),
            height=peak.confidence,
            confidence=jnp.where(stranger, 0.0, confidence),  # the box is another one
            held=lost,
            lost=lost | wrong,
            sure=sure & ~stranger,
            teaches=~lost & ~wrong & ~elsewhere & (judged >= self.gates.learn),
            sizing=memory,
            response=response,
            limits=limits,
        )
        look = self.size.look(sight.center, scale)
        if look is not None:
            side = look.size * scale
            look = look.replace(center=region.around(layers[0], look.center, side, look.size))
        return sight, look

    def measure(
        self, params: Any, state: State, sight: Sight, patches: jax.Array | None, limits: jax.Array
    ) -> tuple[Sight, Output]:
        """Settles the size, from the crops that the sizing asked for."""
        layer, responses, position = self.backbone.layers[0], None, 0.0
        if patches is not None:
            maps = backbones.apply(self.backbone, params, patches)
            spectra = self.spectra(maps, state.reductions)
            responses = self.respond(state, spectra, maps[0].shape[1])
            position = layer.position(self.region.anchor(layer, patches.shape[1]))
        factor, index = self.size.rescale(responses, position, sight.sure)
        least = self.region.min_side
        size = jnp.clip(sight.size, jnp.minimum(least, limits), limits)
        size = size * sizing.bounded(factor, size, limits, least)
        region, side = self.look(state), self.region.side(state.size)
        out = Output(
            box=jnp.concatenate([sight.center - size / 2, size]),
            confidence=sight.confidence,
            lost=sight.lost,
            response=sight.response,
            search_box=jnp.concatenate([region.center - side / 2, jnp.full(2, side)]),
            extra={} if patches is None else {"scale": index},
        )
        return sight._replace(size=size), out

    def learn(self, params: Any, state: State, sight: Sight) -> tuple[State, dict[str, jax.Array]]:
        """Moves on, and lets a sure frame teach."""
        return dslt_learning.learn(self, state, sight)

    def learn_in_turn(
        self, params: Any, states: State, sights: Sight
    ) -> tuple[State, dict[str, jax.Array]]:
        """`learn` of N targets, one after the other, whose samples stay where they lie."""
        return dslt_learning.learn_in_turn(self, states, sights)

    # --- what they share ---

    def objective(self, samples: Samples, mask: jax.Array) -> Objective:
        """Importance-weighted loss summed over the map, averaged over the samples, plus decay."""
        weights = (samples.weights / samples.weights.sum()).reshape(-1, 1, 1)
        return Objective(
            respond=lambda kernel: spectral.respond(
                mask[None] * kernel, samples.spectra, self.grid
            ),
            loss=self.loss,
            label=samples.labels,
            weight=self.label.weight(samples.labels) * weights,
            decay=self.decay,
        )

    @property
    def grid(self) -> int:
        """Side of the response map, in cells of the first layer."""
        return self.region.search // self.backbone.layers[0].stride

    def view(self, patches: jax.Array, maps: tuple[jax.Array, ...]) -> sizing.View:
        """What the size is found by, of the first of N crops and its maps."""
        layers = getattr(self.backbone, "box_layers", self.backbone.layers)
        return sizing.View(patches[0], tuple(x[0] for x in maps), layers)

    def found(self, state: State, maps, position: jax.Array) -> sizing.Found | None:
        """What the kernel saw of the first sample, where it is one array over the channels."""
        kernel = state.head.kernel
        if getattr(kernel, "ndim", 0) != 3:
            return None
        features = self.fusion(maps, state.reductions, self.backbone.layers)[0]
        return sizing.Found(features, state.head.mask[None] * kernel, position)

    def spectra(self, maps: tuple[jax.Array, ...], reductions: Any) -> jax.Array:
        """Of the fused features of N crops: (N, C, S // 2 + 1, S) complex64, S `fft_size`."""
        features = self.fusion(maps, reductions, self.backbone.layers)
        return spectral.spectrum(features, spectral.fft_size(features.shape[-1], self.kernel_size))

    def _aim(self, state: State) -> jax.Array:
        """(2,) the centre of the search region."""
        place = self.recovery.place(state.missing, self.region.side(state.size), state.limits)
        return jnp.where(self.recovery.elsewhere(state.missing), place, state.center)

    # --- what a tracker of this kind may have otherwise ---

    def extent(self, cells: jax.Array) -> jax.Array:
        """(2,) width and height of the kernel, of a target of so many cells."""
        return cells

    def start(self, key: jax.Array, channels: int) -> Any:
        """The kernel before anything is learned."""
        shape = (channels, self.kernel_size, self.kernel_size)
        return 1e-7 * jax.random.normal(key, shape, jnp.float32)  # released code

    def respond(self, state: State, spectra: jax.Array, grid: int) -> jax.Array:
        """Returns the response maps (T, grid, grid) of samples."""
        return spectral.respond(state.head.mask[None] * state.head.kernel, spectra, grid)

    def spread(self, cells: jax.Array) -> jax.Array:
        """() or (2,) deviation of the motion prior, in cells."""
        return self.motion * jnp.sqrt(jnp.prod(cells))
