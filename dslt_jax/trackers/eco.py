"""ECO-HC: few channels, a memory that merges what is alike, and a filter learned now and then.

Source: Danelljan, Bhat, Khan, Felsberg, "ECO: Efficient Convolution Operators for Tracking", CVPR
2017; the hand-crafted variant, constants as its authors' code has them. fHOG, colour names and
levels of grey are projected onto 10, 3 and 3 channels that are learned in the first frame together
with the filter; later frames are the mixture's, of which the filter is learned anew every sixth
frame. The scale is fDSST's.

What differs: features of both cell sizes meet as trigonometric polynomials, where theirs are cubic
splines; the colour names are ours, and levels of grey are there in colour, too (`ops.features`);
conjugate gradients start afresh at every update, with a preconditioner of frequencies and space
(`learners.spatial`); the first round is the filter's alone; the region is sampled to one size.
"""

from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp

from dslt_jax.learners import factorized, spatial
from dslt_jax.learners.factorized import Blocks
from dslt_jax.learners.mixture import Components, Mixture
from dslt_jax.ops import correlation, features, fourier, hog, windows
from dslt_jax.ops.scale_filter import Means, ScaleFilter, zooms
from dslt_jax.parts import static
from dslt_jax.trackers.correlation_filter import bounded
from dslt_jax.trackers.square import Square
from dslt_jax.types import Look, Output


class State(flax.struct.PyTreeNode):
    """All that is carried from frame to frame."""

    center: jax.Array  # (2,) x, y of the target in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels; the aspect ratio stays
    filter: jax.Array  # (C, G, G // 2 + 1) spectrum
    projections: Blocks  # (C_b, D_b) of each block of features
    memory: Components
    scale: Means
    frames: jax.Array  # () int32 that were learned


class Sight(NamedTuple):
    """What was found in one frame."""

    center: jax.Array  # (2,) x, y in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels
    confidence: jax.Array  # () the response's peak
    lost: jax.Array  # () bool
    response: jax.Array  # (G, G)
    spectrum: jax.Array  # (C, G, G // 2 + 1) of the projected features, the target in the middle
    scale: Any = None  # spectrum of the new place over the scales, once it was looked at


class Eco(Square):
    """The tracker's settings."""

    hog_cell: int = static(6)  # of fHOG, in pixels; `cell` is that of the other features
    channels: int = static(10)  # that fHOG is projected onto
    colours: int = static(3)  # that colour names are projected onto, and levels of grey
    least: float = 1e-4  # of the penalty on the filter, in the middle
    edge: float = 4e-3  # and at the target's sides
    sparsity: float = 0.05  # the penalty's frequencies below this share of the largest are left out
    decay: float = 1e-6  # of the projections
    first_rounds: int = static(10)  # of Gauss-Newton, in the first frame
    first_steps: int = static(20)  # of conjugate gradients in each of them
    steps: int = static(5)  # and in an update
    every: int = static(6)  # frames between updates,
    settled: int = static(10)  # once so many frames were learned
    memory: Mixture = Mixture(rate=0.007)
    scale: ScaleFilter = ScaleFilter(count=17, sigma=33 / 16)
    scale_size: int = static(64)  # side of the crop of twice the target, for the scale, in pixels

    def check(self) -> None:
        super().check()
        if self.size % self.hog_cell:
            raise ValueError(f"size={self.size} must be whole cells of hog_cell={self.hog_cell}")
        self.require("channels", lambda n: 1 <= n <= 31, "from 1 to 31")
        self.require("colours", lambda n: 1 <= n <= 6, "from 1 to 6")
        self.require("scale_size", lambda n: n >= 16, "at least 16")
        for name in ("least", "edge", "decay"):
            self.require(name, lambda w: w > 0, "greater than 0")
        for name in ("first_rounds", "first_steps", "steps", "every"):
            self.require(name, lambda n: n >= 1, "at least 1")
        self.require("sparsity", lambda s: 0 <= s < 1, "from 0 to below 1")
        self.require("settled", lambda n: n >= 0, "at least 0")

    def init(self, params: Any, key: jax.Array, patches: jax.Array, box: jax.Array) -> State:
        """Filter and projections of the first frame, which are what the others are seen by."""
        patch, size = patches[0], box[2:]
        blocks = self.blocks(patch)
        widths = self.channels, self.colours, self.colours
        start = tuple(factorized.principal(x, n) for x, n in zip(blocks, widths, strict=True))
        spectra = tuple(self.spectrum_of(x) for x in blocks)
        filter_, projections = factorized.solve(
            spectra,
            start,
            self.target_label(),
            self.penalty(size),
            decay=self.decay * self.grid**4,
            rounds=self.first_rounds,
            steps=self.first_steps,
        )
        # The same crop as in the frames that follow.
        twice = 2 * size * self.size / self._extent(size)
        near = zooms(patch, twice[None], self.scale_size)[0]
        return State(
            center=box[:2] + size / 2,
            size=size,
            filter=filter_,
            projections=projections,
            memory=self.memory.start(factorized.project(projections, spectra)),
            scale=self.scale.start(self.scale.spectrum(near, self.scale_size / 2)),
            frames=jnp.ones((), jnp.int32),
        )

    def locate(
        self, params: Any, state: State, patches: jax.Array, limits: jax.Array
    ) -> tuple[Sight, Look]:
        """The shift whose response is highest; then the new place must be seen, for the scale."""
        blocks = self.blocks(patches[0])
        cells = (
            jnp.moveaxis(factorized.along(p, jnp.moveaxis(x, -1, 0)), 0, -1)
            for p, x in zip(state.projections, blocks, strict=True)
        )
        spectrum = jnp.concatenate([self.spectrum_of(x) for x in cells])
        product = self.respond(state, spectrum)
        response = correlation.centered(fourier.inverse(product))
        peak = self.peak(product, response)
        lost = self.is_lost(response, peak)
        pixels = peak.position * self._extent(state.size) / self.grid
        center = jnp.clip(state.center + jnp.where(lost, 0.0, pixels), 0.0, limits)
        spectrum = fourier.shift(spectrum, -peak.position)
        sight = Sight(center, state.size, peak.confidence, lost, response, spectrum)
        return sight, Look(center, (2 * state.size)[None], self.scale_size)

    def measure(
        self, params: Any, state: State, sight: Any, patches: jax.Array | None, limits: jax.Array
    ) -> tuple[Sight, Output]:
        """The scale at the new place."""
        assert patches is not None  # `locate` asked for them
        patch, side = patches[0], self.scale_size / 2
        factor = self.scale.estimate(state.scale, self.scale.spectrum(patch, side))
        factor = bounded(jnp.where(sight.lost, 1.0, factor), state.size, limits, self.min_side)
        size = state.size * factor
        extent = self._extent(state.size)
        out = Output(
            box=jnp.concatenate([sight.center - size / 2, size]),
            confidence=sight.confidence,
            lost=sight.lost,
            response=sight.response,
            search_box=jnp.concatenate([state.center - extent / 2, extent]),
            extra={"scale": factor},
        )
        return sight._replace(size=size, scale=self.scale.spectrum(patch, side * factor)), out

    def learn(self, params: Any, state: State, sight: Sight) -> tuple[State, dict[str, jax.Array]]:
        """Moves on; the new frame enters the memory and, when it is time, the filter is updated."""
        finite = jnp.isfinite(sight.spectrum).all() & jnp.isfinite(sight.scale).all()
        teach = finite & ~sight.lost
        due = teach & ((state.frames < self.settled) | (state.frames % self.every == 0))

        def keep(state):
            return state.memory, state.filter

        def add(state):
            memory = self.memory.add(state.memory, sight.spectrum)
            return memory, jax.lax.cond(due, self.update, lambda m, s: s.filter, memory, state)

        memory, filter_ = jax.lax.cond(teach, add, keep, state)
        good = jnp.isfinite(filter_).all()
        state = state.replace(
            center=sight.center,
            size=sight.size,
            filter=jnp.where(good, filter_, state.filter),
            memory=memory,
            scale=self.scale.learn(state.scale, sight.scale, teach),
            frames=state.frames + teach,
        )
        return state, {"updated": due & good, "finite": finite & good}

    def update(self, memory: Components, state: State) -> jax.Array:
        """Returns a better filter for the samples in memory."""
        samples, weights = memory.samples, memory.weights[:, None, None]

        def data(f):
            responses = weights * jnp.sum(samples * f[None], axis=1)
            return jnp.sum(jnp.conj(samples) * responses[:, None], axis=0)

        label = jnp.conj(jnp.sum(weights[..., None] * samples, axis=0)) * self.target_label()[None]
        power = jnp.sum(weights[..., None] * jnp.square(jnp.abs(samples)), axis=0)
        penalty = self.penalty(state.size)
        return spatial.solve(data, label, power, penalty, state.filter, steps=self.steps)

    def blocks(self, patch: jax.Array) -> Blocks:
        """Returns fHOG, colour names and levels of grey (H, W, D), their squares 1 in the mean."""
        blocks = (
            hog.fhog(patch, cell=self.hog_cell),
            features.colour_names(patch, self.cell),
            features.levels(patch, self.cell),
        )
        return tuple(x * jax.lax.rsqrt(jnp.square(x).mean() + 1e-12) for x in blocks)

    def spectrum_of(self, cells: jax.Array) -> jax.Array:
        """Returns the spectrum (D, G, G // 2 + 1) of windowed features (H, H, D)."""
        windowed = cells * windows.hann(len(cells))[..., None]
        return fourier.resize(jnp.fft.rfft2(windowed.transpose(2, 0, 1)), self.grid)

    def penalty(self, size: jax.Array) -> jax.Array:
        """Returns (G, G) the squares of the penalty, of a target's size (2,) in frame pixels."""
        root = windows.paraboloid(
            self.grid,
            self.cells(size),
            least=self.least,
            edge=self.edge,
            sparsity=self.sparsity,
        )
        # The authors' is of Fourier series, whose terms are G^2 times smaller than a spectrum's.
        return jnp.square(self.grid**2 * root)


def eco_hc() -> Eco:
    """The authors' constants."""
    return Eco()
