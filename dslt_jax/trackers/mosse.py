"""MOSSE: a correlation filter on grey pixels, the minimum of the output's squared error.

Source: Bolme, Beveridge, Draper, Lui, "Visual Object Tracking using Adaptive Correlation Filters",
CVPR 2010. What differs: every target is sampled to one size (its aspect ratio warped away, so that
shapes stay static), and the peak is found to a fraction of a pixel of that crop.
"""

from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp

from dslt_jax.learners import Objective, Ridge
from dslt_jax.ops import correlation, localize, sampling, windows
from dslt_jax.ops.labels import gaussian
from dslt_jax.parts import Part, static
from dslt_jax.types import Look, Output


class State(flax.struct.PyTreeNode):
    """All that is carried from frame to frame."""

    center: jax.Array  # (2,) x, y of the target in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels; MOSSE does not change it
    filter: jax.Array  # (1, G, G // 2 + 1) spectrum
    means: Any  # the ridge's running means


class Sight(NamedTuple):
    """What was found in one frame."""

    center: jax.Array  # (2,)
    confidence: jax.Array  # ()
    lost: jax.Array  # () bool
    response: jax.Array  # (G, G)
    spectrum: jax.Array  # (1, G, G // 2 + 1): of the region, then of the new place


class Mosse(Part):
    """The tracker's settings."""

    size: int = static(64)  # side of the crop, in pixels
    warps: int = static(8)  # random variants of the first frame, beside it
    padding: float = 0.0  # the region is 1 + padding times the target
    label: float = 2.0  # deviation of the label, in pixels of the crop
    spread: float = 0.1  # of the variants: radians, and shares of the size
    decay: float = 1e-3  # against frequencies that no sample has, of a patch of unit energy
    learner: Ridge = Ridge(rate=0.125)
    lost: float = 4.5  # a peak-to-sidelobe ratio below is no target

    backbone = None

    def check(self) -> None:
        self.require("size", lambda n: n >= 16 and n % 2 == 0, "even and at least 16")
        self.require("warps", lambda n: n >= 0, "at least 0")
        self.require("padding", lambda p: p >= 0, "at least 0")
        self.require("label", lambda s: s > 0, "greater than 0")
        self.require("decay", lambda d: d > 0, "greater than 0")

    def first_look(self, box: jax.Array) -> Look:
        """The region around the first box."""
        return self._region(box[:2] + box[2:] / 2, box[2:])

    def init(self, params: Any, key: jax.Array, patches: jax.Array, box: jax.Array) -> State:
        """A filter of the first frame and of small random motions of it, all with one label."""
        patch = patches[0]
        keys = jax.random.split(key, (self.warps, 3))

        def vary(keys):
            shift = jax.random.normal(keys[0], (2,), jnp.float32)  # a pixel or so
            scale = 1 + self.spread * jax.random.uniform(keys[1], (), jnp.float32, -1, 1)
            angle = self.spread * jax.random.uniform(keys[2], (), jnp.float32, -1, 1)
            return sampling.warp(patch, shift=shift, scale=scale, angle=angle, flip=False), shift

        warped, shifts = jax.vmap(vary)(keys)
        spectra = jax.vmap(self._spectrum)(jnp.concatenate([patch[None], warped]))
        shifts = jnp.concatenate([jnp.zeros((1, 2), jnp.float32), shifts])
        filter_ = jnp.zeros_like(spectra[0])
        # Each sample weighs as much as any other: the k-th enters the means by 1 / k.
        means = self.learner.init(filter_)
        for k in range(self.warps + 1):
            ridge = self.learner.replace(rate=1.0 / (k + 1))
            fit = ridge.fit(self.objective(spectra[k], shifts[k]), filter_, means)
            filter_, means = fit.kernel, fit.state
        return State(box[:2] + box[2:] / 2, box[2:], filter_, means)

    def look(self, state: State) -> Look:
        """The region around the last place."""
        return self._region(state.center, state.size)

    def locate(
        self, params: Any, state: State, patches: jax.Array, limits: jax.Array
    ) -> tuple[Sight, Look]:
        """The peak of the filtered region; then the new place must be seen, to learn from."""
        spectrum = self._spectrum(patches[0])
        product = jnp.sum(state.filter * spectrum, axis=0)
        response = correlation.centered(jnp.fft.irfft2(product, (self.size, self.size)))
        peak = localize.find_peak(response, jnp.ones_like(response))
        ratio = localize.sidelobe_ratio(response, peak)
        lost = ~(ratio >= self.lost)
        shift = (peak.position - self.size // 2) * self._extent(state.size) / self.size
        center = jnp.clip(state.center + jnp.where(lost, 0.0, shift), 0.0, limits)
        sight = Sight(center, peak.confidence, lost, response, spectrum)
        return sight, self._region(center, state.size)

    def measure(
        self, params: Any, state: State, sight: Sight, patches: jax.Array | None, limits: jax.Array
    ) -> tuple[Sight, Output]:
        """The looks of the new place; the size stays."""
        assert patches is not None  # `locate` asked for them
        extent = self._extent(state.size)
        out = Output(
            box=jnp.concatenate([sight.center - state.size / 2, state.size]),
            confidence=sight.confidence,
            lost=sight.lost,
            response=sight.response,
            search_box=jnp.concatenate([state.center - extent / 2, extent]),
            extra={},
        )
        return sight._replace(spectrum=self._spectrum(patches[0])), out

    def learn(self, params: Any, state: State, sight: Sight) -> tuple[State, dict[str, jax.Array]]:
        """Moves on; the new frame enters the running means."""
        still = jnp.zeros(2, jnp.float32)
        fit = self.learner.fit(self.objective(sight.spectrum, still), state.filter, state.means)
        teach = ~sight.lost & fit.finite
        filter_, means = jax.tree.map(
            lambda new, old: jnp.where(teach, new, old),
            (fit.kernel, fit.state),
            (state.filter, state.means),
        )
        state = state.replace(center=sight.center, filter=filter_, means=means)
        return state, {"updated": teach, "finite": fit.finite}

    def objective(self, spectrum: jax.Array, shift: jax.Array) -> Objective:
        """That the filtered patch (1, G, G // 2 + 1) is a peak at its target's shift (2,)."""
        label = gaussian(self.size, self.size // 2 + shift, self.label)
        return Objective(
            respond=lambda kernel: jnp.sum(kernel * spectrum, axis=0),
            loss=lambda p, y: jnp.square(jnp.abs(p - y)),
            label=jnp.fft.rfft2(jnp.fft.ifftshift(label)),
            weight=jnp.ones(spectrum.shape[1:], jnp.float32),
            decay=self.decay,
        )

    def _extent(self, size: jax.Array) -> jax.Array:
        return (1 + self.padding) * size

    def _region(self, center: jax.Array, size: jax.Array) -> Look:
        return Look(center, self._extent(size)[None], self.size)

    def _spectrum(self, patch: jax.Array) -> jax.Array:
        """(1, G, G // 2 + 1) spectrum of the patch's logarithm, normalised and windowed."""
        grey = jnp.log1p(sampling.grey(patch))
        grey = grey - grey.mean()
        grey = grey / jnp.sqrt(jnp.square(grey).sum() + 1e-6)
        return jnp.fft.rfft2(grey * windows.hann(self.size))[None]


def mosse() -> Mosse:
    """The paper's constants."""
    return Mosse()
