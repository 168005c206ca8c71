"""KCF: kernel ridge regression over all circular shifts of a patch.

Source: Henriques, Caseiro, Martins, Batista, "High-Speed Tracking with Kernelized Correlation
Filters", PAMI 2015; constants as its authors' code has them. What differs: the region is sampled to
one size, and the peak is found to a fraction of a cell.
"""

from typing import Any, Literal

import flax.struct
import jax
import jax.numpy as jnp

from dslt_jax.learners.ridge import dual
from dslt_jax.ops import correlation, features, hog, windows
from dslt_jax.ops.labels import gaussian
from dslt_jax.parts import static
from dslt_jax.trackers.correlation_filter import CorrelationFilter, Sight, check_cells


class State(flax.struct.PyTreeNode):
    """All that is carried from frame to frame."""

    center: jax.Array  # (2,) x, y of the target in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels; KCF does not change it
    template: jax.Array  # (C, G, G // 2 + 1) spectrum of the target's features
    alpha: jax.Array  # (G, G // 2 + 1) spectrum of the coefficients


class Kcf(CorrelationFilter):
    """The tracker's settings."""

    cell: int = static(4)  # of the features, in pixels
    features: Literal["hog", "grey"] = static("hog")
    kernel: Literal["gaussian", "linear"] = static("gaussian")
    sigma: float = 0.5  # of the Gaussian kernel
    label: float = 0.1  # deviation of the label, of the target's size
    decay: float = 1e-4
    rate: float = 0.02  # share of a new frame in the model

    def check(self) -> None:
        super().check()
        check_cells(self)
        self.require("sigma", lambda s: s > 0, "greater than 0")
        self.require("label", lambda s: s > 0, "greater than 0")
        self.require("decay", lambda d: d > 0, "greater than 0")
        self.require("rate", lambda r: 0 <= r <= 1, "from 0 to 1")

    def init(self, params: Any, key: jax.Array, patches: jax.Array, box: jax.Array) -> State:
        """The model of the first frame."""
        template = self.spectrum(patches[0])
        return State(box[:2] + box[2:] / 2, box[2:], template, self._train(template))

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

    def spectrum(self, patch: jax.Array) -> jax.Array:
        """Of fHOG, or of the mean grey of each cell."""
        grid = self.size // self.cell
        if self.features == "hog":
            cells = hog.fhog(patch, cell=self.cell)
        else:
            cells = features.grey(patch, self.cell)
        cells = cells * windows.hann(grid)[..., None]
        return jnp.fft.rfft2(cells.transpose(2, 0, 1))

    def respond(self, state: State, spectrum: jax.Array) -> jax.Array:
        return self._correlate(state.template, spectrum) * state.alpha

    def _correlate(self, x: jax.Array, z: jax.Array) -> jax.Array:
        if self.kernel == "linear":
            return correlation.linear_kernel(x, z)
        return correlation.gaussian_kernel(x, z, self.sigma)

    def _train(self, spectrum: jax.Array) -> jax.Array:
        """(G, G // 2 + 1) the coefficients that give the label."""
        grid = spectrum.shape[1]
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
