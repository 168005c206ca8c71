"""DSST: a correlation filter for the place, another one for the scale.

Source: Danelljan, Häger, Khan, Felsberg, "Accurate Scale Estimation for Robust Visual Tracking",
BMVC 2014; constants as its authors' code has them. What differs: fHOG in cells of 4 pixels, where
theirs is dense, with all 31 channels, where theirs leaves out the four of texture, and what
`trackers.correlation_filter` and `ops.scale_filter` say.
"""

from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp

from dslt_jax.learners import Objective, Ridge
from dslt_jax.ops import features, hog, windows
from dslt_jax.ops.labels import gaussian
from dslt_jax.ops.scale_filter import Means, ScaleFilter, zooms
from dslt_jax.parts import static
from dslt_jax.trackers.correlation_filter import (
    CorrelationFilter,
    check_cells,
    peak_objective,
    resized,
    teach,
)
from dslt_jax.types import Output


class State(flax.struct.PyTreeNode):
    """All that is carried from frame to frame."""

    center: jax.Array  # (2,) x, y of the target in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels; the aspect ratio stays
    filter: jax.Array  # (C, G, G // 2 + 1) spectrum
    means: Any  # the ridge's running means
    scale: Means
    colours: Any = ()  # of Staple alone


class Sight(NamedTuple):
    """What was found in one frame."""

    center: jax.Array  # (2,) x, y in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels
    confidence: jax.Array  # ()
    lost: jax.Array  # () bool
    spectrum: jax.Array  # (C, G, G // 2 + 1) of the new place at the new size
    scale: jax.Array  # spectrum of the new place over the scales
    colours: Any = ()  # of Staple alone


class Dsst(CorrelationFilter):
    """The tracker's settings."""

    padding: float = 1.0
    cell: int = static(4)  # of the features, in pixels
    label: float = 1 / 16  # deviation of the label, of the target's size
    decay: float = 1e-2
    learner: Ridge = Ridge(rate=0.025)
    scale: ScaleFilter = ScaleFilter()
    min_side: float = 4.0  # of a box, in frame pixels

    def check(self) -> None:
        super().check()
        check_cells(self)
        self.require("label", lambda s: s > 0, "greater than 0")
        self.require("decay", lambda d: d > 0, "greater than 0")
        self.require("min_side", lambda s: s > 0, "greater than 0")

    def init(self, params: Any, key: jax.Array, patches: jax.Array, box: jax.Array) -> State:
        """Both filters of the first frame."""
        patch, size = patches[0], box[2:]
        spectrum = self.spectrum(patch)
        blank = 0.0 * spectrum
        fit = self.learner.fit(self.objective(spectrum, size), blank, self.learner.init(blank))
        scale = self.scale.start(self.scale.spectrum(patch, self.pixels(size)))
        center, colours = box[:2] + size / 2, self.colours(patch, size)
        return State(center, size, fit.kernel, fit.state, scale, colours)

    def measure(
        self, params: Any, state: State, sight: Any, patches: jax.Array | None, limits: jax.Array
    ) -> tuple[Sight, Output]:
        """The scale at the new place, and the features of both filters there."""
        assert patches is not None  # `locate` asked for them
        patch, inside = patches[0], self.pixels(state.size)
        factor, scale = resized(self.scale, state, sight.lost, patch, inside, limits, self.min_side)
        size = state.size * factor
        zoomed = zooms(patch, jnp.full((1, 2), self.size * factor), self.size)[0]
        found = sight.center, size, sight.confidence, sight.lost, self.spectrum(zoomed), scale
        return Sight(*found, self.colours(zoomed, size)), self.tell(state, sight, factor)

    def learn(self, params: Any, state: State, sight: Sight) -> tuple[State, dict[str, jax.Array]]:
        """Moves on; the new frame enters the running means of both filters."""
        objective = self.objective(sight.spectrum, state.size)
        state, info = teach(self.learner, objective, state, sight.lost)
        scale = self.scale.learn(state.scale, sight.scale, info["updated"])
        return state.replace(center=sight.center, size=sight.size, scale=scale), info

    def colours(self, patch: jax.Array, size: jax.Array) -> Any:
        """What else is learned of a patch whose target has a `size` (2,)."""
        return ()

    def objective(self, spectrum: jax.Array, size: jax.Array) -> Objective:
        """That the filtered features (C, G, G // 2 + 1) are a peak in the middle."""
        grid = spectrum.shape[1]
        sigma = self.label * jnp.sqrt(jnp.prod(self.pixels(size))) / self.cell
        label = gaussian(grid, jnp.full(2, grid // 2, jnp.float32), sigma)
        return peak_objective(spectrum, label, self.decay)

    def spectrum(self, patch: jax.Array) -> jax.Array:
        """Of fHOG and the mean grey of each cell."""
        stack = [hog.fhog(patch, cell=self.cell), features.grey(patch, self.cell)]
        cells = jnp.concatenate(stack, axis=-1) * windows.hann(self.size // self.cell)[..., None]
        return jnp.fft.rfft2(cells.transpose(2, 0, 1))


def dsst() -> Dsst:
    """The paper's constants."""
    return Dsst()
