"""A filter on projected features, learned now and then of a memory that merges what is alike.

What both forms of ECO share. Source: Danelljan, Bhat, Khan, Felsberg, "ECO: Efficient Convolution
Operators for Tracking", CVPR 2017. Each kind of features is projected onto a few channels that are
learned in the first frame together with the filter; later frames are the mixture's, of which the
filter is learned anew every sixth frame. The scale is fDSST's.

Constants are those of ECO-HC in an early release of its authors' code, for both forms; a later one
has `edge` 1e-2, the memory's `rate` 0.009, `decay` 1e-7 (ECO 5e-8) and `first_steps` 15. What
differs: features of all cell sizes meet as trigonometric polynomials, where theirs are cubic
splines; conjugate gradients start afresh at every update, with a preconditioner of frequencies and
space (`learners.spatial`); the first round is the filter's alone; every region is sampled to one
size.
"""

from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp

from dslt_jax.learners import factorized, spatial
from dslt_jax.learners.factorized import Blocks
from dslt_jax.learners.mixture import Components, Mixture
from dslt_jax.ops import correlation, fourier, windows
from dslt_jax.ops.scale_filter import Means, ScaleFilter, zooms
from dslt_jax.parts import static
from dslt_jax.trackers.correlation_filter import resized
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


class Factorized(Square):
    """The stages; a tracker adds `widths`, what they are and `blocks`."""

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
        blocks = self.normalised(params, patch)
        pairs = zip(blocks, self.widths, strict=True)
        start = tuple(factorized.principal(x, width) for x, width in pairs)
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
        blocks = self.normalised(params, patches[0])
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
        factor, spectrum = resized(
            self.scale, state, sight.lost, patches[0], self.scale_size / 2, limits, self.min_side
        )
        sight = sight._replace(size=state.size * factor, scale=spectrum)
        return sight, self.tell(state, sight, factor)

    def learn(self, params: Any, state: State, sight: Sight) -> tuple[State, dict[str, jax.Array]]:
        """Moves on; the new frame enters the memory and, when it is time, the filter is updated."""
        finite = jnp.isfinite(sight.spectrum).all() & jnp.isfinite(sight.scale).all()
        teach = finite & ~sight.lost
        due = teach & ((state.frames < self.settled) | (state.frames % self.every == 0))

        memory = self.memory.add(state.memory, sight.spectrum, teach)
        filter_ = jax.lax.cond(due, self.update, lambda m, s: s.filter, memory, state)
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

    @property
    def widths(self) -> tuple[int, ...]:
        """How many channels each block of features is projected onto."""
        raise NotImplementedError

    def blocks(self, params: Any, patch: jax.Array) -> Blocks:
        """Returns the features (H, H, D) of a patch; cell i of H looks at its (i + 1/2) / H."""
        raise NotImplementedError

    def normalised(self, params: Any, patch: jax.Array) -> Blocks:
        """Returns the blocks of a patch, their squares 1 in the mean."""
        blocks = self.blocks(params, patch)
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
