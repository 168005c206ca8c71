"""SiamFC: the first frame's template, correlated with every search region; nothing is learned.

Source: Bertinetto, Valmadre, Henriques, Vedaldi, Torr, "Fully-Convolutional Siamese Networks for
Object Tracking", ECCVW 2016; constants of their tracker of three scales: ratio 1.0375, penalty
0.9745 of a changed scale, damping 0.59, a Hann window's influence 0.176. The template's side is
sqrt((w + p)(h + p)) of the frame with p = (w + h) / 2, the search region's twice that. The response
is upsampled 16 times and brought to sum 1 before the window is mixed in.

What differs: the network is `backbones.Siamese`, whose head was trained with the shrinkage loss in
its form for classification (Lu, Ma, Shen, Yang, Reid, Yang, "Deep Object Tracking With Shrinkage
Loss", TPAMI 2022), see `experiments/LOG.md`. It pads, where theirs does not: the template is the
middle of the embedding of the whole first search region. Crops have 208 pixels, theirs 255, and the
target some 52 in them. Beyond the frame its border is repeated, where theirs is the mean colour.
"""

from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp

from dslt_jax import backbones
from dslt_jax.backbones import Backbone, Siamese, siamese
from dslt_jax.ops import sizing, windows
from dslt_jax.parts import Part, static
from dslt_jax.types import Look, Output


class State(flax.struct.PyTreeNode):
    """All that is carried from frame to frame."""

    center: jax.Array  # (2,) x, y of the target in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels; the aspect ratio stays
    template: jax.Array  # (K, K, C) embedding of the first frame's target


class Sight(NamedTuple):
    """What was found in one frame."""

    center: jax.Array  # (2,) x, y in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels
    confidence: jax.Array  # () probability at the place found
    lost: jax.Array  # () bool
    response: jax.Array  # (R, R) probabilities at the best scale
    side: jax.Array  # () of the search region there, in frame pixels


class Siamfc(Part):
    """The tracker's settings."""

    backbone: Backbone = static(Siamese())  # of one layer
    size: int = static(208)  # side of the search crop, in pixels
    template: int = static(8)  # side of the template, in cells of the embedding
    context: float = 0.5  # added to each side of a box, of the sum of both
    region: float = 2.0  # side of the search region, of the box with its context
    upsampling: int = static(16)  # of the response
    influence: float = 0.176  # share of the window in the response
    scales: int = static(3)  # that are tried in a frame
    step: float = 1.0375  # ratio between neighbouring scales
    penalty: float = 0.9745  # factor on the score of a changed scale
    damping: float = 0.59  # share of the newly found scale that is taken
    lost: float = 0.0  # a probability below is no target
    min_side: float = 4.0  # of a box, in frame pixels

    def check(self) -> None:
        layers = self.backbone.layers
        if len(layers) != 1:
            raise ValueError(f"backbone={self.backbone.name} has {len(layers)} layers, not one")
        stride = layers[0].stride
        if self.size % (2 * stride) or self.size < 2 * stride:
            raise ValueError(f"size={self.size} must be a multiple of {2 * stride} pixels")
        self.require("template", lambda k: k >= 2 and k % 2 == 0, "even and at least 2")
        most = self.size // stride - 2
        self.require("template", lambda k: k <= most, f"at most {most}, 2 less than the crop's")
        self.require("context", lambda c: c >= 0, "at least 0")
        self.require("upsampling", lambda n: n >= 1, "at least 1")
        self.require("influence", lambda i: 0 <= i <= 1, "from 0 to 1")
        self.require("scales", lambda n: n >= 1 and n % 2 == 1, "odd and at least 1")
        self.require("step", lambda s: s >= 1, "at least 1")
        self.require("damping", lambda d: 0 <= d <= 1, "from 0 to 1")
        for name in ("region", "penalty", "min_side"):
            self.require(name, lambda x: x > 0, "greater than 0")

    @property
    def networks(self) -> tuple[Any, ...]:
        trunk = getattr(self.backbone, "trunk", None)
        return (self.backbone,) if trunk is None else (self.backbone, trunk)

    def first_look(self, box: jax.Array) -> Look:
        """The region around the first box."""
        return Look(box[:2] + box[2:] / 2, self._side(box[2:])[None], self.size)

    def init(self, params: Any, key: jax.Array, patches: jax.Array, box: jax.Array) -> State:
        """The template of the first frame."""
        (maps,) = backbones.apply(self.backbone, params, patches)
        low = (maps.shape[1] - self.template) // 2
        middle = slice(low, low + self.template)
        return State(box[:2] + box[2:] / 2, box[2:], maps[0, middle, middle])

    def look(self, state: State) -> Look:
        """The region around the last place, at every scale."""
        factors = sizing.pyramid(self.scales, self.step)
        return Look(state.center, factors * self._side(state.size), self.size)

    def locate(
        self, params: Any, state: State, patches: jax.Array, limits: jax.Array
    ) -> tuple[Sight, None]:
        """The scale whose response is highest, and the place where it is, the window mixed in."""
        (maps,) = backbones.apply(self.backbone, params, patches)
        responses = siamese.respond(params, state.template, maps)
        count, grid = len(responses), responses.shape[1]
        fine = self.upsampling * grid
        smooth = jax.image.resize(responses, (count, fine, fine), "cubic")
        chosen = sizing.best(smooth.max(axis=(1, 2)), self.penalty)
        index = jnp.argmax(self._windowed(smooth[chosen]))
        confidence = jax.nn.sigmoid(smooth[chosen].reshape(-1)[index])
        lost = ~(confidence >= self.lost)

        place = (jnp.stack([index % fine, index // fine]) + 0.5) / self.upsampling - grid / 2
        scale = sizing.pyramid(self.scales, self.step)[chosen]
        side = scale * self._side(state.size)
        pixels = place * self.backbone.layers[0].stride * side / self.size
        center = jnp.clip(state.center + jnp.where(lost, 0.0, pixels), 0.0, limits)
        factor = jnp.where(lost, 1.0, 1.0 + self.damping * (scale - 1.0))
        size = state.size * sizing.bounded(factor, state.size, limits, self.min_side)
        response = jax.nn.sigmoid(responses[chosen])
        return Sight(center, size, confidence, lost, response, side), None

    def measure(
        self, params: Any, state: State, sight: Sight, patches: jax.Array | None, limits: jax.Array
    ) -> tuple[Sight, Output]:
        """Nothing more: the pyramid has measured the target."""
        side, half = sight.side, self.template // 2
        out = Output(
            box=jnp.concatenate([sight.center - sight.size / 2, sight.size]),
            confidence=sight.confidence,
            lost=sight.lost,
            response=jnp.pad(sight.response, ((half, half - 1), (half, half - 1))),
            search_box=jnp.concatenate([state.center - side / 2, jnp.full(2, side)]),
            extra={"scale": sight.size[0] / state.size[0]},
        )
        return sight, out

    def learn(self, params: Any, state: State, sight: Sight) -> tuple[State, dict[str, jax.Array]]:
        """Moves on; the template stays."""
        finite = jnp.isfinite(sight.confidence)
        state = state.replace(
            center=jnp.where(sight.lost, state.center, sight.center),
            size=jnp.where(sight.lost, state.size, sight.size),
        )
        return state, {"updated": finite & False, "finite": finite}

    def _windowed(self, response: jax.Array) -> jax.Array:
        """(F, F) response of sum 1 with the window's share."""
        share = response - response.min()
        share = share / (share.sum() + 1e-12)
        window = windows.hann(len(response))
        return (1 - self.influence) * share + self.influence * window / window.sum()

    def _side(self, size: jax.Array) -> jax.Array:
        """() side of the search region of a target of `size` (2,), in frame pixels."""
        return self.region * jnp.sqrt(jnp.prod(size + self.context * size.sum()))


def siamfc() -> Siamfc:
    """The embedded head, trained offline, and the authors' constants of three scales."""
    return Siamfc()
