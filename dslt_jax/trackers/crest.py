"""CREST: regression by one convolution and what it leaves over, by two residual branches.

Source: Song, Ma, Gong, Zhang, Lau, Yang, "CREST: Convolutional Residual Learning for Visual
Tracking", ICCV 2017; constants as the authors' MATLAB code has them. The response to a frame x is

    base * x                     a convolution as large as the target and 1 to 3 cells more
    + spatial(x)                 three 1x1 convolutions, ReLU between: what the base misses
    + temporal . x_1             a 1x1 convolution of the first frame: what time has changed

and all three are learned together, by Adam, with an L2 loss that leaves out errors below 0.1 and
lets the target count more, exp(y). VGG-16's conv4_3 without pool3 (cells of 4 pixels), 64 principal
components of the first frame, a Hann window; the region is a square of 5 times the target's longer
side. Label exp(-0.3 (d / 0.1 t)^2), that is a deviation of 0.129 of the target; motion prior 0.6.
First frame: rate 5e-8, a hundredth of it for the temporal branch, twice for the biases, until the
loss is 0.02; then 2 steps of 2e-9 every second frame on the last two. Weight decay 1, a thousand
for base and temporal branch. Scales of 5 %, of which 0.6 is taken, if the response is above 0.15.

What differs from the code: every target is sampled to one size (48 pixels; theirs keeps its own up
to 100) and searched for in a region of its present size (theirs keeps the first one's), scales are
compared on a smaller crop, the biases that only shift the whole response are left out (they move by
1e-7 a step), the label of a frame lies at the place between cells where the target was found, and
the first frame has at most 1000 steps (theirs 4000; it stops before).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from dslt_jax.backbones import Vgg16
from dslt_jax.learners import Adam, GaussNewton, Memory, Objective, Samples, Schedule
from dslt_jax.ops import augment, spectral
from dslt_jax.ops.fusion import Single
from dslt_jax.ops.labels import Label
from dslt_jax.ops.losses import Ohnm
from dslt_jax.ops.sizing import Scales
from dslt_jax.trackers.dslt import Dslt
from dslt_jax.trackers.dslt_parts import Gates, Region
from dslt_jax.trackers.dslt_state import State


class Window(Region):
    """A region by the target's longer side, which fits into it whatever the aspect ratio."""

    def length(self, size: Any) -> jax.Array:
        return jnp.max(size)


class Branches(NamedTuple):
    """What is learned, or a number for each of it."""

    base: Any  # (C, K, K)
    spatial: Any  # weights (C, C), (C, C), (C,) of the three layers
    temporal: Any  # (C,)
    biases: Any  # (C,), (C,) of the first two of them


class Crest(Dslt):
    """DSLT's settings and stages; the kernel is a pytree of branches."""

    # Those of the gradient, a branch each.
    decays: tuple[float, ...] = (1e3, 1.0, 1e3, 1.0)

    def check(self) -> None:
        super().check()
        numbers: dict[str, Any] = {"decays": self.decays}
        for name in ("first", "online"):
            learner = getattr(getattr(self, name), "learner", None)
            if isinstance(learner, GaussNewton):
                raise ValueError(
                    f"{name}.learner=gauss_newton solves linear models, and the spatial branch is "
                    "none: set adam"
                )
            numbers[f"{name}.learner.rates"] = getattr(learner, "rates", None)
        for name, each in numbers.items():
            if isinstance(each, tuple) and len(each) != len(Branches._fields):
                raise ValueError(
                    f"{name}={','.join(map(str, each))} must be {len(Branches._fields)} numbers, "
                    f"of {', '.join(Branches._fields)}"
                )
        if (crop := getattr(self.size, "crop", 0)) > self.region.search:
            raise ValueError(
                f"size.crop={crop} must be at most region.search={self.region.search}: "
                "the window ends there"
            )

    def objective(self, samples: Samples, mask: jax.Array) -> Objective:
        """As DSLT's, of all branches; the first sample is the first frame's."""
        plain = super().objective(samples, mask)
        points = self._points(samples.spectra, self.grid)
        # The gradient of theirs is a mean over the map, and of decay |k|^2 it is twice the decay.
        decay = Branches(*(0.5 * self.grid**2 * d for d in self.decays))

        def respond(kernel: Branches) -> jax.Array:
            base = spectral.respond(mask[None] * kernel.base, samples.spectra, self.grid)
            return base + residual(kernel, points, points[0])

        return plain._replace(respond=respond, decay=decay)

    def respond(self, state: State, spectra: jax.Array, grid: int) -> jax.Array:
        kernel, mask = state.head.kernel, state.head.mask
        base = spectral.respond(mask[None] * kernel.base, spectra, grid)
        first = self._points(state.samples.spectra[:1], self.grid)[0]
        low = (self.grid - grid) // 2
        first = first[:, low : low + grid, low : low + grid]
        return base + residual(kernel, self._points(spectra, grid), first)

    def _points(self, spectra: jax.Array, grid: int) -> jax.Array:
        """(T, C, grid, grid) features at the edges between cells, where the response is."""
        size = spectra.shape[-1]
        whole = jnp.fft.irfft(jnp.fft.ifft(spectra).swapaxes(-1, -2), size)
        x = whole[..., :grid, :grid]
        x = jnp.pad(x, ((0, 0), (0, 0), (1, 0), (1, 0)))
        x = (x[..., 1:, :] + x[..., :-1, :]) / 2
        return (x[..., 1:] + x[..., :-1]) / 2

    def start(self, key: jax.Array, channels: int) -> Branches:
        keys = jax.random.split(key, 5)
        side = self.kernel_size

        def normal(i: int, shape: tuple[int, ...], scale: float) -> jax.Array:
            return scale * jax.random.normal(keys[i], shape, jnp.float32)

        unit = channels**-0.5
        nothing = jnp.zeros(channels, jnp.float32)
        return Branches(
            normal(0, (channels, side, side), 2e-8 * unit / side),
            (
                normal(1, (channels, channels), 1e-8 * unit),
                normal(2, (channels, channels), unit),
                normal(3, (channels,), unit),
            ),
            normal(4, (channels,), 1e-10 * unit),
            (nothing, nothing),
        )

    def extent(self, cells: jax.Array) -> jax.Array:
        return 2 * jnp.ceil(jnp.ceil(cells) / 2) + 1

    def spread(self, cells: jax.Array) -> jax.Array:
        return self.motion * cells


def residual(kernel: Branches, points: jax.Array, first: jax.Array) -> jax.Array:
    """Returns (T, g, g) what the two residual branches add to the base's response.

    Args:
      points: (T, C, g, g) features where the response is; first: (C, g, g) of the first frame.
    """

    def layer(x: jax.Array, weight: jax.Array, bias: jax.Array) -> jax.Array:
        x = jnp.einsum("cd,tcij->tdij", weight, x, precision="highest")
        return jax.nn.relu(x + bias.reshape(1, -1, 1, 1))

    x = points
    for weight, bias in zip(kernel.spatial[:2], kernel.biases, strict=True):
        x = layer(x, weight, bias)
    spatial = jnp.einsum("c,tcij->tij", kernel.spatial[2], x, precision="highest")
    return spatial + jnp.einsum("c,cij->ij", kernel.temporal, first, precision="highest")[None]


def crest() -> Crest:
    """VGG-16's conv4_3 and the authors' constants."""
    return Crest(
        backbone=Vgg16(("conv4_3",), pooling=False),
        region=Window(target=48, search=240),
        fusion=Single(channels=64, deviation=None, centred=False, window=True),
        kernel_size=14,
        label=Label(sigma=0.129),
        loss=Ohnm(threshold=0.1),
        first=Schedule(Adam((5e-8, 5e-8, 5e-10, 1e-7)), steps=1000, stop=0.02),
        online=Schedule(Adam((2e-9, 2e-9, 2e-11, 4e-9)), steps=2, every=2, fresh="always"),
        memory=Memory(
            size=3, interval=1, first_weight=0.0
        ),  # the first frame is the temporal branch's
        augment=augment.VARIANTS[:1],
        motion=0.6,
        size=Scales(crop=96, step=1.05, penalty=1.0, damping=0.6),
        gates=Gates(lost=0.0, learn=0.0, size=0.15),
    )
