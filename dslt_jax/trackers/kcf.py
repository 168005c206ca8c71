"""KCF: kernel ridge regression over all circular shifts of a patch.

Source: Henriques, Caseiro, Martins, Batista, "High-Speed Tracking with Kernelized Correlation
Filters", PAMI 2015; constants as its authors' code has them. What differs: every target is sampled
to one size (its aspect ratio warped away, so that shapes stay static), and the peak is found to a
fraction of a cell.
"""

from typing import Any, Literal, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp

from dslt_jax.learners.ridge import dual
from dslt_jax.ops import correlation, hog, localize, sampling, windows
from dslt_jax.ops.labels import gaussian
from dslt_jax.parts import Part, static
from dslt_jax.types import Look, Output


class State(flax.struct.PyTreeNode):
    """All that is carried from frame to frame."""

    center: jax.Array  # (2,) x, y of the target in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels; KCF does not change it
    template: jax.Array  # (C, G, G // 2 + 1) spectrum of the target's looks
    alpha: jax.Array  # (G, G // 2 + 1) spectrum of the coefficients


class Sight(NamedTuple):
    """What was found in one frame."""

    center: jax.Array  # (2,)
    confidence: jax.Array  # ()
    lost: jax.Array  # () bool
    response: jax.Array  # (G, G)
    spectrum: jax.Array  # (C, G, G // 2 + 1) of the looks: of the region, then of the new place


class Kcf(Part):
    """The tracker's settings."""

    size: int = static(128)  # side of the crop, in pixels
    cell: int = static(4)  # of the features, in pixels
    features: Literal["hog", "grey"] = static("hog")
    kernel: Literal["gaussian", "linear"] = static("gaussian")
    padding: float = 1.5  # the region is 1 + padding times the target
    sigma: float = 0.5  # of the Gaussian kernel
    label: float = 0.1  # deviation of the label, of the target's size
    decay: float = 1e-4
    rate: float = 0.02  # share of a new frame in the model
    lost: float = 0.05  # a response below is no target

    backbone = None

    def check(self) -> None:
        if self.size % self.cell or self.size < 8 * self.cell:
            raise ValueError(f"size={self.size} must be 8 or more cells of {self.cell} pixels")
        self.require("padding", lambda p: p > 0, "greater than 0")
        self.require("sigma", lambda s: s > 0, "greater than 0")
        self.require("label", lambda s: s > 0, "greater than 0")
        self.require("decay", lambda d: d > 0, "greater than 0")
        self.require("rate", lambda r: 0 <= r <= 1, "from 0 to 1")

    def first_look(self, box: jax.Array) -> Look:
        """The region around the first box."""
        return self._region(box[:2] + box[2:] / 2, box[2:])

    def init(self, params: Any, key: jax.Array, patches: jax.Array, box: jax.Array) -> State:
        """The model of the first frame."""
        template = self._spectrum(patches[0])
        return State(box[:2] + box[2:] / 2, box[2:], template, self._train(template))

    def look(self, state: State) -> Look:
        """The region around the last place."""
        return self._region(state.center, state.size)

    def locate(
        self, params: Any, state: State, patches: jax.Array, limits: jax.Array
    ) -> tuple[Sight, Look]:
        """The shift whose response is highest; then the new place must be seen, to learn from."""
        spectrum = self._spectrum(patches[0])
        grid = self.size // self.cell
        product = self._correlate(state.template, spectrum) * state.alpha
        response = correlation.centered(jnp.fft.irfft2(product, (grid, grid)))
        peak = localize.find_peak(response, jnp.ones_like(response))
        lost = ~(peak.confidence >= self.lost)
        shift = (peak.position - grid // 2) * self._extent(state.size) / grid
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
        """Moves on, and mixes the new frame's model into the old one."""
        alpha = self._train(sight.spectrum)
        finite = jnp.isfinite(alpha).all()
        rate = jnp.where(sight.lost, 0.0, self.rate)

        def mix(old, new):
            return jnp.where(finite, old + rate * (new - old), old)

        state = state.replace(
            center=sight.center,
            template=mix(state.template, sight.spectrum),
            alpha=mix(state.alpha, alpha),
        )
        return state, {"updated": ~sight.lost & finite, "finite": finite}

    def _extent(self, size: jax.Array) -> jax.Array:
        return (1 + self.padding) * size

    def _region(self, center: jax.Array, size: jax.Array) -> Look:
        return Look(center, self._extent(size)[None], self.size)

    def _spectrum(self, patch: jax.Array) -> jax.Array:
        """(C, G, G // 2 + 1) spectrum of the windowed features of a patch."""
        grid = self.size // self.cell
        if self.features == "hog":
            features = hog.fhog(patch, cell=self.cell)
        else:
            grey = sampling.grey(patch).reshape(grid, self.cell, grid, self.cell)
            features = grey.mean(axis=(1, 3))[..., None] / 255.0 - 0.5
        features = features * windows.hann(grid)[..., None]
        return jnp.fft.rfft2(features.transpose(2, 0, 1))

    def _correlate(self, x: jax.Array, z: jax.Array) -> jax.Array:
        if self.kernel == "linear":
            return correlation.linear_kernel(x, z)
        return correlation.gaussian_kernel(x, z, self.sigma)

    def _train(self, spectrum: jax.Array) -> jax.Array:
        """(G, G // 2 + 1) the coefficients that give the label."""
        grid = self.size // self.cell
        sigma = self.label * grid / (1 + self.padding)
        label = gaussian(grid, jnp.full(2, grid // 2, jnp.float32), sigma)
        label = jnp.fft.rfft2(jnp.fft.ifftshift(label))
        return dual(self._correlate(spectrum, spectrum), label, self.decay)


def kcf() -> Kcf:
    """fHOG features of cells of 4 pixels and a Gaussian kernel."""
    return Kcf()


def dcf() -> Kcf:
    """The same with a linear kernel."""
    return Kcf(kernel="linear")
