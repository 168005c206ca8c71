"""What filters share that try several scales: the best is that of the highest response."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from dslt_jax.ops import correlation, features, fourier, hog, sizing, windows
from dslt_jax.parts import static
from dslt_jax.trackers.square import Square
from dslt_jax.types import Look, Output


class Sight(NamedTuple):
    """What was found in one frame."""

    center: jax.Array  # (2,) x, y in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels
    confidence: jax.Array  # () the response's peak
    lost: jax.Array  # () bool
    response: jax.Array  # (G, G) at the best scale
    spectrum: Any = None  # (C, G, G // 2 + 1) of the new place, once it was looked at


class Pyramid(Square):
    """The stages; a filter adds `init` and `learn`."""

    colour: bool = static(False)  # colour names are features, too
    scales: int = static(7)  # that are tried in a frame
    step: float = 1.01  # ratio between neighbouring scales

    def check(self) -> None:
        super().check()
        self.require("scales", lambda n: n >= 1 and n % 2 == 1, "odd and at least 1")
        self.require("step", lambda s: s >= 1, "at least 1")

    def look(self, state: Any) -> Look:
        """The region around the last place, at every scale."""
        factors = sizing.pyramid(self.scales, self.step)
        return Look(state.center, factors[:, None] * self._extent(state.size)[None], self.size)

    def locate(
        self, params: Any, state: Any, patches: jax.Array, limits: jax.Array
    ) -> tuple[Sight, Look]:
        """The shift and the scale whose response is highest; then the new place must be seen."""

        def search(patch):
            product = self.respond(state, self.spectrum(patch))
            response = correlation.centered(fourier.inverse(product))
            return response, self.peak(product, response)

        responses, peaks = jax.lax.map(search, patches)
        best = jnp.argmax(peaks.confidence)
        response, peak = jax.tree.map(lambda x: x[best], (responses, peaks))
        lost = self.is_lost(response, peak)
        factor = jnp.where(lost, 1.0, sizing.pyramid(self.scales, self.step)[best])
        pixels = peak.position * factor * self._extent(state.size) / response.shape[0]
        center = jnp.clip(state.center + jnp.where(lost, 0.0, pixels), 0.0, limits)
        size = state.size * sizing.bounded(factor, state.size, limits, self.min_side)
        return Sight(center, size, peak.confidence, lost, response), self._region(center, size)

    def measure(
        self, params: Any, state: Any, sight: Any, patches: jax.Array | None, limits: jax.Array
    ) -> tuple[Sight, Output]:
        """The features of the new place at the new size."""
        assert patches is not None  # `locate` asked for them
        factor = sight.size[0] / state.size[0]
        extent = factor * self._extent(state.size)
        out = Output(
            box=jnp.concatenate([sight.center - sight.size / 2, sight.size]),
            confidence=sight.confidence,
            lost=sight.lost,
            response=sight.response,
            search_box=jnp.concatenate([state.center - extent / 2, extent]),
            extra={"scale": factor},
        )
        return sight._replace(spectrum=self.spectrum(patches[0])), out

    def spectrum(self, patch: jax.Array) -> jax.Array:
        """Of fHOG, the mean grey of each cell and, where they are wanted, colour names."""
        stack = [hog.fhog(patch, cell=self.cell), features.grey(patch, self.cell)]
        if self.colour:
            stack.append(features.colour_names(patch, self.cell))
        cells = jnp.concatenate(stack, axis=-1) * windows.hann(self.grid)[..., None]
        return jnp.fft.rfft2(cells.transpose(2, 0, 1))
