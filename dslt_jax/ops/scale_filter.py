"""The scale filter of DSST: a one-dimensional correlation filter over a pyramid of scales.

Source: Danelljan, Häger, Khan, Felsberg, "Accurate Scale Estimation for Robust Visual Tracking",
BMVC 2014. With fewer scales than levels it is that of fDSST, whose response is interpolated between
its scales: the same authors, "Discriminative Scale Space Tracking", PAMI 2017. They also compress
the features of n scales to n numbers, which loses nothing and changes no number; left out here.
What differs: every scale of a target is cut from one patch around it and sampled to one square, and
the peak is found to a fraction of a level.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dslt_jax.ops import hog
from dslt_jax.parts import Part, static


class Means(NamedTuple):
    """The filter as running means, of F = count // 2 + 1 frequencies."""

    numerator: jax.Array  # (C, F) complex
    denominator: jax.Array  # (F,)


class ScaleFilter(Part):
    """How many scales, how far apart, and how the filter learns."""

    count: int = static(33)  # of the scales that are looked at
    levels: int = static(33)  # of the response, a `step` apart; the scales are spread over them
    size: int = static(20)  # side of the square that every scale is sampled to, in pixels
    cell: int = static(4)  # of its fHOG features, in pixels
    step: float = 1.02  # ratio between neighbouring levels
    sigma: float = 33**0.5 / 4  # deviation of the label, in levels
    decay: float = 1e-2
    rate: float = 0.025  # share of a new frame in the means

    def check(self) -> None:
        self.require("count", lambda n: n >= 3 and n % 2 == 1, "odd and at least 3")
        if self.levels % 2 == 0 or self.levels < self.count:
            raise ValueError(f"levels={self.levels} must be odd and at least count={self.count}")
        self.require("cell", lambda n: n >= 1, "at least 1")
        if self.size % self.cell or self.size < 2 * self.cell:
            raise ValueError(f"size={self.size} must be 2 or more cells of {self.cell} pixels")
        self.require("step", lambda s: s > 1, "greater than 1")
        self.require("sigma", lambda s: s > 0, "greater than 0")
        self.require("decay", lambda d: d > 0, "greater than 0")
        self.require("rate", lambda r: 0 <= r <= 1, "from 0 to 1")

    def factors(self) -> jax.Array:
        """(count,) step^(-n) .. 1 .. step^n."""
        return jnp.asarray(self.step) ** jnp.asarray(self._places(), jnp.float32)

    def spectrum(self, patch: jax.Array, target: jax.Array | float) -> jax.Array:
        """Returns the spectrum (C, F) of a target's features over the scales.

        Args:
          patch: (P, P, 3) with the target in its middle; target: () its side there, in pixels, or
            (2,) width and height.
        """
        sides = jnp.broadcast_to(jnp.asarray(target, jnp.float32), (2,))
        pyramid = zooms(patch, self.factors()[:, None] * sides[None], self.size)
        features = jax.vmap(lambda image: hog.fhog(image, cell=self.cell))(pyramid)
        window = 0.5 + 0.5 * np.cos(2 * np.pi * self._places() / self.levels)
        features = features.reshape(self.count, -1) * jnp.asarray(window, jnp.float32)[:, None]
        return jnp.fft.rfft(features.T)

    def start(self, spectrum: jax.Array) -> Means:
        """Returns the filter of one frame."""
        half = self.count // 2
        places = jnp.asarray(self._places(), jnp.float32)
        label = jnp.exp(-0.5 * jnp.square(places / self.sigma))
        label = jnp.fft.rfft(jnp.roll(label, -half))
        numerator = jnp.conj(spectrum) * label[None]
        return Means(numerator, jnp.square(jnp.abs(spectrum)).sum(axis=0))

    def estimate(self, means: Means, spectrum: jax.Array) -> jax.Array:
        """Returns () the factor by which the target has grown."""
        product = jnp.sum(means.numerator * spectrum, axis=0)
        product = product / (means.denominator + self.decay)
        # Padded with zeros the spectrum is that of the interpolated response.
        response = jnp.roll(jnp.fft.irfft(product, self.levels), self.levels // 2)
        index = jnp.clip(jnp.argmax(response), 1, self.levels - 2)
        left, middle, right = (response[index + k] for k in (-1, 0, 1))
        curvature = left - 2 * middle + right
        shift = 0.5 * (left - right) / jnp.where(curvature < 0, curvature, -1.0)
        level = index - self.levels // 2 + jnp.where(curvature < 0, jnp.clip(shift, -0.5, 0.5), 0.0)
        return jnp.asarray(self.step) ** level

    def learn(self, means: Means, spectrum: jax.Array, teach: jax.Array) -> Means:
        """Mixes a frame's filter into the means where it is to `teach` () bool."""
        rate = jnp.where(teach, self.rate, 0.0)
        return jax.tree.map(lambda old, new: old + rate * (new - old), means, self.start(spectrum))

    def _places(self) -> np.ndarray:
        """(count,) the levels of the scales."""
        return (np.arange(self.count) - self.count // 2) * self.levels / self.count


def zooms(patch: jax.Array, sides: jax.Array, size: int) -> jax.Array:
    """Samples rectangles around the middle of a patch, each to (size, size), anti-aliased.

    Args:
      patch: (P, P, C); sides: (S, 2) widths and heights, in its pixels. Beyond it its border
        repeats.

    Returns:
      (S, size, size, C).
    """
    count = patch.shape[0]
    ratio = sides / size
    across = jnp.arange(size, dtype=jnp.float32) + 0.5 - size / 2
    place = count / 2 - 0.5 + ratio[..., None] * across[None, None]
    place = jnp.clip(place, 0.0, count - 1.0)[..., None]
    distance = jnp.abs(place - jnp.arange(count, dtype=jnp.float32)[None, None, None])
    weight = jax.nn.relu(1.0 - distance / jnp.maximum(ratio, 1.0)[..., None, None])
    weight = weight / weight.sum(axis=-1, keepdims=True)  # (S, 2, size, P)
    rows = jnp.einsum("sai,ijc->sajc", weight[:, 1], patch, precision="highest")
    return jnp.einsum("sbj,sajc->sabc", weight[:, 0], rows, precision="highest")
