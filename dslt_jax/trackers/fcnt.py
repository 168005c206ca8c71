"""FCNT: two small networks on VGG-16's maps, a general and a specific one, and particles.

Source: Wang, Ouyang, Wang, Lu, "Visual Tracking with Fully Convolutional Networks", ICCV 2015;
constants as its authors' code has them. Of conv5_3, which tells kinds of things apart, and of
conv4_3, which tells one of a kind from another, the 384 of 512 maps are kept that matter most for
the first frame's heat map. GNet, on the first, is learned once; SNet, on the second, goes on. Each
gives a heat map over a square of twice the box's diagonal, 368 pixels. 700 boxes are drawn around
the last one (a seventh of its diagonal); the best is that with the highest mean heat, times a power
of its area. Where GNet's map has more than a fifth of its heat outside of its best box there is
another thing of this kind, and SNet decides. Every 20 frames SNet takes a step on the first frame
and the surest one since; where its own map is hot outside of GNet's box, 10 steps on the surest
frame and on the background of this one. The size of the boxes varies from the 20th frame on, if
what was seen until then says that it can be measured.

What differs from the code: the 32 maps inside of each network are 1. They start nearly alike, stay
so, and act as one whose weights start sqrt(32) times as large (`hidden=32` has them all). Weight
decay, which at these rates moves nothing, is left out. Which maps matter is told by the expansion
with its own signs; theirs has the second term negative, and at these rates nearly the same maps.
Deviations of the boxes follow the target's size. Heat is a number for each cell of 8 pixels, boxes
are not rounded to whole pixels, and beyond the frame its border is repeated, where theirs is black.
Confidence is the mean heat in the box as a share of what the label has there, 0.52; thresholds are
compared with the mean itself, as theirs.
"""

from typing import Any

import jax
import jax.numpy as jnp

from dslt_jax import backbones
from dslt_jax.backbones import Backbone, Vgg16
from dslt_jax.ops import fusion, particles, sizing
from dslt_jax.ops.particles import Particles
from dslt_jax.parts import Part, static
from dslt_jax.trackers import fcnt_learning
from dslt_jax.trackers.fcnt_networks import Training, label
from dslt_jax.trackers.fcnt_state import Sight, State, Surest
from dslt_jax.types import Look, Output

IDEAL = 0.524  # mean of a label in its box


class Fcnt(Part):
    """The tracker's settings."""

    backbone: Backbone = static(Vgg16(("conv4_3", "conv5_3")), choices=backbones.TABLE)
    size: int = static(368)  # side of the search crop, in pixels
    region: float = 2.0  # side of the search region, in diagonals of the target
    channels: int = static(384)  # maps that are kept of a layer
    hidden: int = static(1)  # maps inside of each network
    specific: Training = Training()
    general: Training = Training(rate=8e-7, momentum=0.5)
    particles: Particles = Particles()
    specific_power: float = 0.75  # of the area, in the score of a box
    general_power: float = 0.7
    floor: float = 0.1  # heat below is none
    distracter: float = 0.2  # share of the heat outside that is another thing
    cold: float = 0.2  # heat of GNet that does not count for that
    specific_cold: float = 0.01  # and of SNet
    lost: float = 0.1  # mean heat below is no target
    sure: float = 0.35  # below the frame does not teach, and the size stays
    every: int = static(20)  # frames between two steps of SNet, and until the sizes may vary
    steps: int = static(10)  # against distracters
    min_side: float = 4.0  # of a box, in frame pixels

    def check(self) -> None:
        layers = self.backbone.layers
        if len(layers) != 2:
            raise ValueError(
                f"backbone={self.backbone.name} has {len(layers)} layers, this tracker needs two, "
                "e.g. backbone.take=conv4_3,conv5_3"
            )
        stride = max(layer.stride for layer in layers)
        if self.size % stride or self.size < 2 * stride:
            raise ValueError(f"size={self.size} must be 2 or more times the deeper stride {stride}")
        most = min(layer.channels for layer in layers)
        self.require("channels", lambda n: 1 <= n <= most, f"from 1 to the layers' {most}")
        for name in ("hidden", "every", "steps"):
            self.require(name, lambda n: n >= 1, "at least 1")
        for name in ("region", "min_side"):
            self.require(name, lambda x: x > 0, "greater than 0")

    @property
    def networks(self) -> tuple[Backbone, ...]:
        return (self.backbone,)

    def first_look(self, box: jax.Array) -> Look:
        """The region around the first box."""
        return self._region(box[:2] + box[2:] / 2, box[2:])

    def init(self, params: Any, key: jax.Array, patches: jax.Array, box: jax.Array) -> State:
        """Selects the maps and learns both networks."""
        center, size = box[:2] + box[2:] / 2, box[2:]
        maps, target = self._maps(params, patches[0]), self._label(center, size, center, size)
        keys, none = jax.random.split(key, 5), 0.0 * center[0]

        def learn(layer: Training, x: jax.Array, keys: jax.Array) -> tuple[jax.Array, Any, Any]:
            chosen = layer.select(keys[0], x, target, self.channels)
            return chosen, x[..., chosen], layer.start(keys[1], x[..., chosen], target, self.hidden)

        chosen, seen, specific = learn(self.specific, maps[0], keys[:2])
        others, _, general = learn(self.general, maps[1], keys[2:4])
        return State(
            center=center,
            size=size,
            key=jax.random.bits(keys[4], (2,), jnp.uint32),
            frames=none.astype(jnp.int32),
            lowest=none + 0.5,
            zooms=none > 0,
            chosen=(chosen, others),
            specific=specific.kernel,
            momentum=specific.state,
            general=general.kernel,
            first=(seen, target),
            surest=Surest(seen, target, none),
        )

    def look(self, state: State) -> Look:
        """The region around the last place."""
        return self._region(state.center, state.size)

    def locate(
        self, params: Any, state: State, patches: jax.Array, limits: jax.Array
    ) -> tuple[tuple[Sight, jax.Array], None]:
        """The best of the boxes, by GNet's map, or by SNet's where there is a distracter."""
        pairs = zip(self._maps(params, patches[0]), state.chosen, strict=True)
        seen, others = (x[..., index] for x, index in pairs)
        specific, general = state.specific.heat(seen), state.general.heat(others)
        boxes = self._draw(state, limits)
        cells = self._cells(state.center, state.size, *boxes)
        hot, warm = (jnp.where(x > self.floor, x, 0.0) for x in (specific, general))
        first = particles.best(hot, *cells, power=self.specific_power)
        second = particles.best(warm, *cells, power=self.general_power)
        own = tuple(x[second[0]] for x in cells)
        doubtful, distracted = (
            particles.outside(jnp.where(x > cold, x, 0.0), *own) >= self.distracter
            for x, cold in ((general, self.cold), (specific, self.specific_cold))
        )
        index, heat = choose(doubtful, first, second)
        index, heat = choose(heat > self.lost, (index, heat), first)
        lost = ~(heat > self.lost)
        center, size = (x[index] for x in boxes)
        center = jnp.clip(jnp.where(lost, state.center, center), 0.0, limits)
        size = jnp.where(lost | (heat < self.sure), state.size, size)
        sight = Sight(
            center=center,
            size=size,
            heat=heat,
            lost=lost,
            distracted=distracted,
            maps=seen,
            label=self._label(state.center, state.size, center, size),
        )
        return (sight, jnp.where(doubtful, specific, general)), None

    def measure(
        self, params: Any, state: State, sight: Any, patches: jax.Array | None, limits: jax.Array
    ) -> tuple[Sight, Output]:
        """Nothing more: a box had its size when it was drawn."""
        sight, response = sight
        side = self._side(state.size)
        out = Output(
            box=jnp.concatenate([sight.center - sight.size / 2, sight.size]),
            confidence=sight.heat / IDEAL,
            lost=sight.lost,
            response=response,
            search_box=jnp.concatenate([state.center - side / 2, jnp.full(2, side)]),
            extra={"distracted": sight.distracted},
        )
        return sight, out

    def learn(self, params: Any, state: State, sight: Sight) -> tuple[State, dict[str, jax.Array]]:
        """Moves on; SNet learns when it is time, and where it saw a distracter."""
        return fcnt_learning.learn(self, state, sight)

    def _draw(self, state: State, limits: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Centres and sizes (P, 2) in frame pixels, other ones in each frame that was followed."""
        key = jax.random.wrap_key_data(state.key, impl="threefry2x32")
        shift, growth = self.particles.draw(jax.random.fold_in(key, state.frames), state.size)
        growth = sizing.bounded(growth, state.size, limits, self.min_side)
        growth = jnp.where(state.zooms, growth, 1.0)
        return state.center[None] + shift, state.size[None] * growth[:, None]

    def _maps(self, params: Any, patch: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Both layers' maps (G, G, D) on the grid of the finer one."""
        layers = self.backbone.layers
        fine, deep = backbones.apply(self.backbone, params, patch[None])
        return fine[0], fusion.resample(deep, layers[1], layers[0], fine.shape[1])[0]

    def _label(self, around: jax.Array, usual: jax.Array, center: Any, size: Any) -> jax.Array:
        grid = self.size // self.backbone.layers[0].stride
        return label(grid, *self._cells(around, usual, center, size))

    def _cells(self, around: jax.Array, usual: jax.Array, center: Any, size: Any) -> Any:
        """Centres and sizes (..., 2) in cells, in the region around a place of the usual size."""
        layer, scale = self.backbone.layers[0], self.size / self._side(usual)
        pixel = (center - jnp.broadcast_to(around, center.shape)) * scale + self.size / 2
        return layer.position(pixel), size * scale / layer.stride

    def _side(self, size: jax.Array) -> jax.Array:
        return self.region * jnp.linalg.norm(size)

    def _region(self, center: jax.Array, size: jax.Array) -> Look:
        return Look(center, self._side(size)[None], self.size)


def choose(first: jax.Array, a: Any, b: Any) -> Any:
    """Returns what is in `a` where `first` () is true, else what is in `b`."""
    return jax.tree.map(lambda x, y: jnp.where(first, x, y), a, b)


def fcnt() -> Fcnt:
    """VGG-16 and the authors' constants."""
    return Fcnt()
