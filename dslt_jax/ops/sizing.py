"""How a tracker finds its target's size: from the maps that it has, or by a second look."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from dslt_jax import backbones
from dslt_jax.backbones import Backbone, Compact, box_head
from dslt_jax.backbones.base import Layer
from dslt_jax.ops import kernel_scale
from dslt_jax.parts import Part, static
from dslt_jax.types import Look


class Found(NamedTuple):
    """Where the tracker's kernel found the target, and in what."""

    features: jax.Array  # (C, G, G) of the search region, as the kernel has them
    kernel: jax.Array  # (C, K, K)
    position: jax.Array  # (2,) x, y of the peak on the response map


class View(NamedTuple):
    """The search region, and what the tracker's network has made of it."""

    patch: jax.Array  # (S, S, 3) RGB float32 0..255
    maps: tuple[jax.Array, ...]  # (G, G, D) of each layer
    layers: tuple[Layer, ...]
    found: Found | None = None  # none in the first frame, and of a kernel of another kind


class Refined(NamedTuple):
    """A found box, corrected."""

    center: jax.Array  # (2,) x, y in crop pixels
    growth: jax.Array  # (2,) the logarithm of the size's change
    memory: Any
    match: jax.Array | None = None  # () logit that the first frame's target is in it, if known


class Sizing(Part):
    """Keeps the size: the base of the others, and the one to choose where size does not change."""

    @property
    def networks(self) -> tuple[Backbone, ...]:
        """Networks of its own, beside the tracker's, whose weights it needs too."""
        return ()

    def needs(self) -> tuple[str, ...]:
        """Names of parameters that the tracker's network must bring."""
        return ()

    def start(self, params: Any, view: View, center, size) -> Any:
        """Returns what is remembered of the first frame's box, given in pixels of the crop."""
        return ()

    def refine(self, params: Any, memory: Any, view: View, center, size, sure) -> Refined:
        """Corrects a found box from the search region.

        Args:
          memory: of `start` or the last `refine`.
          center, size: (2,) x, y and width, height in crop pixels.
          sure: () bool, the response is strong enough to listen to.
        """
        return Refined(center, jnp.zeros_like(size), memory)

    def judge(self, match: jax.Array | None, response: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns () the confidence in a found box, and () bool whether something else is in it.

        Args:
          match: of `refine`; response: () where the box is. Where no more is known it is that.
        """
        return response, jnp.zeros_like(response, bool)

    def look(self, center, scale) -> Look | None:
        """What else must be seen around `center`, at `scale` frame pixels a crop pixel."""
        return None

    def rescale(self, responses: jax.Array | None, position: float, sure) -> tuple[Any, jax.Array]:
        """Returns () the factor on the size, and () the index of the chosen scale.

        Args:
          responses: (S, G, G) over what `look` asked for; position: of the middle on their maps.
        """
        return 1.0, jnp.zeros((), jnp.int32)


class Scales(Sizing):
    """A scale pyramid around the found centre; the box keeps its aspect ratio."""

    count: int = static(3)
    crop: int = static(128)  # side of the crops that are compared, in pixels
    step: float = 1.03  # ratio between neighbouring scales
    penalty: float = 0.99  # factor on the score of a changed scale
    damping: float = 0.6  # share of the newly found scale that is taken

    def check(self) -> None:
        self.require("count", lambda n: n >= 1, "at least 1")
        self.require("count", lambda n: n % 2, "odd: the middle one keeps the size")
        self.require("crop", lambda n: n % 16 == 0 and n >= 16, "a multiple of 16")
        self.require("step", lambda s: s > 1, "greater than 1")
        self.require("penalty", lambda p: p > 0, "greater than 0")

    def factors(self) -> jax.Array:
        """(count,) factors step^(-n) .. 1 .. step^n."""
        return pyramid(self.count, self.step)

    def look(self, center, scale) -> Look:
        return Look(center, scale * self.crop * self.factors(), self.crop)

    def rescale(self, responses: jax.Array | None, position: float, sure) -> tuple[Any, jax.Array]:
        assert responses is not None  # `look` asked for them
        low = round(position) - 1
        scores = responses[:, low : low + 3, low : low + 3].max(axis=(1, 2))
        index = best(scores, self.penalty)
        factor = 1.0 + self.damping * (self.factors()[index] - 1.0)
        return jnp.where(sure, factor, 1.0), index


def bounded(
    factor: jax.Array, size: jax.Array, limits: jax.Array, least: jax.Array | float
) -> jax.Array:
    """Returns the factor () by which a size (2,) changes, so that it stays in bounds.

    Those are the frame, `limits` (2,), and a smallest side; the aspect ratio is kept.
    """
    low = jnp.max(jnp.minimum(least, limits) / size)
    return jnp.clip(factor, jnp.minimum(low, 1.0), jnp.min(limits / size))


def pyramid(count: int, step: jax.Array | float) -> jax.Array:
    """Returns (count,) factors step^(-n) .. 1 .. step^n; count = 2n + 1."""
    exponent = jnp.arange(count, dtype=jnp.float32) - count // 2
    return jnp.asarray(step, jnp.float32) ** exponent


def best(scores: jax.Array, penalty: jax.Array | float) -> jax.Array:
    """Returns () int32, the index of the highest score (S,), a change of scale being penalised.

    A factor below 1 makes a negative score better, so that it divides there.
    """
    change = jnp.abs(jnp.arange(len(scores), dtype=jnp.float32) - len(scores) // 2)
    factor = jnp.asarray(penalty) ** change
    return jnp.argmax(jnp.where(scores > 0, scores * factor, scores / factor))


class BoxHead(Sizing):
    """A box head: it compares the found box with the first frame's.

    What covers the target, or takes its place, looks less like the template than the target did
    just before: then the head sees the size of something else, and is not listened to. The area
    follows the tracker's kernel, too, which knows the target as it looks now and errs otherwise.
    """

    # Whose box head it is; none: the tracker's own network's. Another one sees the search region
    # at `zoom` times its size.
    network: Backbone | None = static(None, choices={"compact": Compact(), "none": None})
    zoom: float = static(1.0)
    center_gain: float = 0.3  # share of the head's shift that is taken
    gain: float = 0.5  # share of its change of width and height
    area: float = 0.3  # share of the change of both by which the kernel would respond most
    guard: float = 0.75  # it is not listened to below this share of its usual match
    limit: float = 0.15  # largest change of log size in a frame
    reach: float = 0.3  # largest shift that is believed, in box sizes
    rise: float = 0.1  # rates at which the usual match follows a better and a worse one
    fall: float = 0.02
    # Confidence is the chance that the box is right, an overlap above one half. Its log odds: so
    # much by the response, so much by the match, and that at neither; a logistic regression.
    odds: tuple[float, float, float] = (4.0, 0.4, -2.3)
    wrong: float = 0.35  # below that confidence it is lost, and teaches nothing

    def check(self) -> None:
        self.require("zoom", lambda z: z > 0, "greater than 0")
        if self.network is None and self.zoom != 1:
            raise ValueError(f"zoom={self.zoom:g} is for a network of the head's own: set network")
        for name in ("center_gain", "gain", "area", "limit", "reach"):
            self.require(name, lambda x: x >= 0, "at least 0")
        for name in ("rise", "fall", "wrong"):
            self.require(name, lambda x: 0 <= x <= 1, "from 0 to 1")

    @property
    def networks(self) -> tuple[Backbone, ...]:
        return () if self.network is None else (self.network,)

    def needs(self) -> tuple[str, ...]:
        return ("box/out/w",) if self.network is None else ()

    def start(self, params: Any, view: View, center, size) -> Any:
        view = self._own(params, view)
        center, size = self.zoom * center, self.zoom * size
        template = box_head.embed_template(params, view.maps, view.layers, center, size)
        return template, jnp.zeros((), jnp.float32)  # and the usual match, the head's logit

    def refine(self, params: Any, memory: Any, view: View, center, size, sure):
        template, usual = memory
        growth = 0.0 if view.found is None else self.area * kernel_scale.growth(*view.found)
        view = self._own(params, view)
        found = box_head.estimate(
            params, template, view.maps, view.layers, self.zoom * center, self.zoom * size
        )
        shift = jnp.clip(found.shift, -self.reach, self.reach) * size
        good = sure & (found.match >= self.guard * jnp.maximum(usual, 0.0))
        center = center + jnp.where(good, self.center_gain * shift, 0.0)
        growth = jnp.clip(growth + self.gain * found.growth, -self.limit, self.limit)
        change = found.match - usual
        rate = jnp.where(change > 0, self.rise, self.fall)
        usual = usual + jnp.where(sure, rate * change, 0.0)
        return Refined(center, jnp.where(good, growth, 0.0), (template, usual), found.match)

    def judge(self, match: jax.Array | None, response: jax.Array) -> tuple[jax.Array, jax.Array]:
        assert match is not None  # `refine` told
        by_response, by_match, at_neither = self.odds
        chance = jax.nn.sigmoid(by_response * response + by_match * match + at_neither)
        return chance, ~(chance >= self.wrong)  # so that no number is wrong, too

    def _own(self, params: Any, view: View) -> View:
        """The view as the head's network has it."""
        if self.network is None:
            return view
        side = round(self.zoom * view.patch.shape[0])
        patch = jax.image.resize(view.patch, (side, side, 3), "linear")
        maps = backbones.apply(self.network, params, patch[None])
        layers = getattr(self.network, "box_layers", self.network.layers)
        return View(patch, tuple(x[0] for x in maps), layers)


# What settings pick by name.
TABLE = {"scales": Scales(), "box_head": BoxHead(), "fixed": Sizing()}
