"""MOSSE: a correlation filter on grey pixels, the minimum of the output's squared error.

Source: Bolme, Beveridge, Draper, Lui, "Visual Object Tracking using Adaptive Correlation Filters",
CVPR 2010. What differs: the region is sampled to one size, and the peak is found to a fraction of a
pixel of that crop.
"""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp

from dslt_jax.learners import Objective, Ridge
from dslt_jax.ops import localize, sampling, windows
from dslt_jax.ops.labels import gaussian
from dslt_jax.parts import static
from dslt_jax.trackers.correlation_filter import CorrelationFilter, Sight, peak_objective, teach


class State(flax.struct.PyTreeNode):
    """All that is carried from frame to frame."""

    center: jax.Array  # (2,) x, y of the target in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels; MOSSE does not change it
    filter: jax.Array  # (1, G, G // 2 + 1) spectrum
    means: Any  # the ridge's running means


class Mosse(CorrelationFilter):
    """The tracker's settings."""

    size: int = static(64)
    padding: float = 0.0
    warps: int = static(8)  # random variants of the first frame, beside it
    spread: float = 0.1  # of the variants: radians, and shares of the size
    label: float = 2.0  # deviation of the label, in pixels of the crop
    decay: float = 1e-3  # against frequencies that no sample has, of a patch of unit energy
    learner: Ridge = Ridge(rate=0.125)
    lost: float = 4.5  # a peak-to-sidelobe ratio below is no target

    def check(self) -> None:
        super().check()
        self.require("size", lambda n: n >= 16 and n % 2 == 0, "even and at least 16")
        self.require("warps", lambda n: n >= 0, "at least 0")
        self.require("label", lambda s: s > 0, "greater than 0")
        self.require("decay", lambda d: d > 0, "greater than 0")

    def init(self, params: Any, key: jax.Array, patches: jax.Array, box: jax.Array) -> State:
        """A filter of the first frame and of small random motions of it."""
        patch = patches[0]

        def vary(keys):
            shift = jax.random.normal(keys[0], (2,), jnp.float32)  # a pixel or so
            scale = 1 + self.spread * jax.random.uniform(keys[1], (), jnp.float32, -1, 1)
            angle = self.spread * jax.random.uniform(keys[2], (), jnp.float32, -1, 1)
            return sampling.warp(patch, shift=shift, scale=scale, angle=angle, flip=False), shift

        warped, shifts = jax.vmap(vary)(jax.random.split(key, (self.warps, 3)))
        spectra = jax.vmap(self.spectrum)(jnp.concatenate([patch[None], warped]))
        shifts = jnp.concatenate([jnp.zeros((1, 2), jnp.float32), shifts])
        blank = 0.0 * spectra[0]

        def add(carry, sample):
            k, spectrum, shift = sample
            # Each sample weighs as much as any other: the k-th enters the means by 1 / k.
            ridge = self.learner.replace(rate=1.0 / k)
            fit = ridge.fit(self.objective(spectrum, shift), *carry)
            return (fit.kernel, fit.state), None

        counts = 1.0 + jnp.arange(self.warps + 1, dtype=jnp.float32)
        start = blank, self.learner.init(blank)
        (filter_, means), _ = jax.lax.scan(add, start, (counts, spectra, shifts))
        return State(box[:2] + box[2:] / 2, box[2:], filter_, means)

    def learn(self, params: Any, state: State, sight: Sight) -> tuple[State, dict[str, jax.Array]]:
        """Moves on; the new frame enters the running means."""
        objective = self.objective(sight.spectrum, jnp.zeros(2, jnp.float32))
        state, info = teach(self.learner, objective, state, sight.lost)
        return state.replace(center=sight.center), info

    def objective(self, spectrum: jax.Array, shift: jax.Array) -> Objective:
        """That the filtered patch (1, G, G // 2 + 1) is a peak at its target's shift (2,)."""
        label = gaussian(self.size, self.size // 2 + shift, self.label)
        return peak_objective(spectrum, label, self.decay)

    def spectrum(self, patch: jax.Array) -> jax.Array:
        """Of the patch's logarithm, normalised and windowed."""
        grey = jnp.log1p(sampling.grey(patch))
        grey = grey - grey.mean()
        grey = grey / jnp.sqrt(jnp.square(grey).sum() + 1e-6)
        return jnp.fft.rfft2(grey * windows.hann(self.size))[None]

    def is_lost(self, response: jax.Array, peak: localize.Peak) -> jax.Array:
        return ~(localize.sidelobe_ratio(response, peak) >= self.lost)


def mosse() -> Mosse:
    """The paper's constants."""
    return Mosse()
