"""What correlation filters share: a region of the target's shape, and a peak among its shifts.

Every target is sampled to one size, its aspect ratio warped away, so that shapes stay static. What
differs from the authors' codes in all of them: a response below `lost` holds place, size and model,
and the target's centre stays in the frame.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from dslt_jax.learners import Objective, Ridge
from dslt_jax.ops import correlation, localize
from dslt_jax.ops.scale_filter import ScaleFilter
from dslt_jax.ops.sizing import bounded
from dslt_jax.parts import Part, static
from dslt_jax.types import Look, Output


class Sight(NamedTuple):
    """What was found in one frame."""

    center: jax.Array  # (2,) x, y in frame pixels
    confidence: jax.Array  # () the response's peak
    lost: jax.Array  # () bool
    response: jax.Array  # (G, G)
    spectrum: Any  # (C, G, G // 2 + 1) of the new place, once it was looked at; before None


def resized(
    scale: ScaleFilter,
    state: Any,
    lost: jax.Array,
    patch: jax.Array,
    inside: jax.Array | float,
    limits: jax.Array,
    least: jax.Array | float,
) -> tuple[jax.Array, jax.Array]:
    """Measures how much a target has grown at a place found, by a scale filter.

    Args:
      state: its `size` (2,) is in frame pixels, its `scale` the filter's means; lost: () bool: the
        size stays; patch: (P, P, 3) with the target in its middle; inside: () the side or (2,)
        width and height there, in its pixels, of the size that there was; limits, least: of
        `bounded`.

    Returns:
      the factor () in bounds, and the spectrum over the scales at the new size, to learn from.
    """
    factor = scale.estimate(state.scale, scale.spectrum(patch, inside))
    factor = bounded(jnp.where(lost, 1.0, factor), state.size, limits, least)
    return factor, scale.spectrum(patch, inside * factor)


def peak_objective(spectrum: jax.Array, label: jax.Array, decay: jax.Array | float) -> Objective:
    """That a filter's response to features (C, G, G // 2 + 1) is a label (G, G).

    The label's peak lies where the target does, G // 2 being no shift.
    """
    return Objective(
        respond=lambda kernel: jnp.sum(kernel * spectrum, axis=0),
        loss=lambda p, y: jnp.square(jnp.abs(p - y)),
        label=jnp.fft.rfft2(jnp.fft.ifftshift(label)),
        weight=jnp.ones(spectrum.shape[1:], jnp.float32),
        decay=decay,
    )


def teach(
    learner: Ridge, objective: Objective, state: Any, lost: jax.Array
) -> tuple[Any, dict[str, jax.Array]]:
    """Returns the state whose `filter` and `means` have a frame in them, and what came of it.

    They stay where the target is `lost`, () bool, or the fit is not finite.
    """
    fit = learner.fit(objective, state.filter, state.means)
    updated = ~lost & fit.finite
    kernel, means = jax.tree.map(
        lambda new, old: jnp.where(updated, new, old),
        (fit.kernel, fit.state),
        (state.filter, state.means),
    )
    state = state.replace(filter=kernel, means=means)
    return state, {"updated": updated, "finite": fit.finite}


def check_cells(tracker: Any) -> None:
    """Raises ValueError where a tracker's crop, `size`, is not 8 or more whole cells, `cell`."""
    tracker.require("cell", lambda n: n >= 1, "at least 1")
    if tracker.size % tracker.cell or tracker.size < 8 * tracker.cell:
        raise ValueError(f"size={tracker.size} must be 8 or more cells of {tracker.cell} pixels")


class CorrelationFilter(Part):
    """The stages that are the same; a filter adds `spectrum`, `init` and `learn`.

    Its state has `center` and `size`, (2,) each, in frame pixels, and where `respond` is this one
    the spectrum `filter`.
    """

    size: int = static(128)  # side of the crop, in pixels
    padding: float = 1.5  # the region is 1 + padding times the target
    lost: float = 0.05  # a response below is no target

    backbone = None

    def check(self) -> None:
        self.require("padding", lambda p: p >= 0, "at least 0")

    def spectrum(self, patch: jax.Array) -> jax.Array:
        """Returns the spectrum (C, G, G // 2 + 1) of the windowed features of a patch."""
        raise NotImplementedError

    def respond(self, state: Any, spectrum: jax.Array) -> jax.Array:
        """Returns the spectrum (G, G // 2 + 1) of the response over all shifts."""
        return jnp.sum(state.filter * spectrum, axis=0)

    def response(self, state: Any, patch: jax.Array) -> jax.Array:
        """Returns (G, G) the response over all shifts of a patch, none of them in the middle."""
        product = self.respond(state, self.spectrum(patch))
        return correlation.centered(jnp.fft.irfft2(product, product.shape[:1] * 2))

    def is_lost(self, response: jax.Array, peak: localize.Peak) -> jax.Array:
        """Returns () bool: the peak is no target."""
        return ~(peak.confidence >= self.lost)

    def first_look(self, box: jax.Array) -> Look:
        """The region around the first box."""
        return self._region(box[:2] + box[2:] / 2, box[2:])

    def look(self, state: Any) -> Look:
        """The region around the last place."""
        return self._region(state.center, state.size)

    def locate(
        self, params: Any, state: Any, patches: jax.Array, limits: jax.Array
    ) -> tuple[Any, Look]:
        """The shift whose response is highest; then the new place must be seen, to learn from."""
        return self.find(state, self.response(state, patches[0]), limits)

    def find(self, state: Any, response: jax.Array, limits: jax.Array) -> tuple[Sight, Look]:
        """The new place by a response (G, G), and the region around it."""
        grid = response.shape[0]
        peak = localize.find_peak(response, jnp.ones_like(response))
        lost = self.is_lost(response, peak)
        shift = (peak.position - grid // 2) * self._extent(state.size) / grid
        center = jnp.clip(state.center + jnp.where(lost, 0.0, shift), 0.0, limits)
        return Sight(center, peak.confidence, lost, response, None), self._region(
            center, state.size
        )

    def measure(
        self, params: Any, state: Any, sight: Sight, patches: jax.Array | None, limits: jax.Array
    ) -> tuple[Any, Output]:
        """The features of the new place; the size stays."""
        assert patches is not None  # `locate` asked for them
        return sight._replace(spectrum=self.spectrum(patches[0])), self.tell(state, sight)

    def tell(self, state: Any, sight: Any, factor: jax.Array | None = None) -> Output:
        """What is said of a place found, at the size there was or that times a `factor` ()."""
        extent, size = self._extent(state.size), state.size
        if factor is not None:
            size = size * factor
        return Output(
            box=jnp.concatenate([sight.center - size / 2, size]),
            confidence=sight.confidence,
            lost=sight.lost,
            response=sight.response,
            search_box=jnp.concatenate([state.center - extent / 2, extent]),
            extra={} if factor is None else {"scale": factor},
        )

    def pixels(self, size: jax.Array) -> jax.Array:
        """Returns (2,) width and height in the crop of a target of `size` (2,), in pixels."""
        return self.size * size / self._extent(size)

    def _extent(self, size: jax.Array) -> jax.Array:
        return (1 + self.padding) * size

    def _region(self, center: jax.Array, size: jax.Array) -> Look:
        return Look(center, self._extent(size)[None], self.size)
