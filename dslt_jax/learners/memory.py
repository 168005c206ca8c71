"""The training samples of a learner: the first frame for ever, and a ring of the latest."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from dslt_jax.parts import Part, static


class Samples(NamedTuple):
    """What is remembered. Slot 0 is the first frame's, the others are a ring."""

    spectra: jax.Array  # (T, C, size // 2 + 1, size) complex64
    labels: jax.Array  # (T, grid, grid)
    weights: jax.Array  # (T,) 0 where a slot is empty
    stored: jax.Array  # () int32, samples stored so far


class Memory(Part):
    """How many samples are kept, and how often one."""

    size: int = static(7)  # T, the first frame's included
    interval: int = static(4)  # frames after which one is kept; before, the next replaces it
    first_weight: float = 1.0  # of slot 0 beside the others' 1, once there are others

    def check(self) -> None:
        self.require("size", lambda n: n >= 1, "at least 1")
        self.require("interval", lambda n: n >= 1, "at least 1")
        self.require("first_weight", lambda w: w >= 0, "at least 0")

    def start(self, spectrum: jax.Array, label: jax.Array) -> Samples:
        """Returns a memory of the first frame's sample (C, size // 2 + 1, size), (grid, grid)."""
        return Samples(
            spectra=jnp.zeros((self.size, *spectrum.shape), spectrum.dtype).at[0].set(spectrum),
            labels=jnp.zeros((self.size, *label.shape), label.dtype).at[0].set(label),
            weights=jnp.zeros(self.size, label.dtype).at[0].set(label.max() * 0.0 + 1.0),
            stored=jnp.ones((), jnp.int32),
        )

    def remember(
        self, samples: Samples, spectrum: jax.Array, label: jax.Array, good: jax.Array | bool = True
    ) -> Samples:
        """Puts a sample into the ring, over the oldest, if it is `good` () bool.

        A memory of one slot never changes.
        """
        if self.size == 1:
            return samples
        slot = self._slot(samples)
        new = Samples(
            spectra=samples.spectra.at[slot].set(jnp.where(good, spectrum, samples.spectra[slot])),
            labels=samples.labels.at[slot].set(jnp.where(good, label, samples.labels[slot])),
            weights=samples.weights.at[0].set(self.first_weight).at[slot].set(1.0),
            stored=samples.stored + jnp.asarray(good, jnp.int32),
        )
        return new._replace(weights=jnp.where(good, new.weights, samples.weights))

    def forget(self, samples: Samples, before: Samples, bad: jax.Array) -> Samples:
        """Takes the last sample back where it is `bad` () bool: what was there `before` returns."""
        slot = self._slot(before)
        return Samples(
            spectra=samples.spectra.at[slot].set(
                jnp.where(bad, before.spectra[slot], samples.spectra[slot])
            ),
            labels=samples.labels.at[slot].set(
                jnp.where(bad, before.labels[slot], samples.labels[slot])
            ),
            weights=jnp.where(bad, before.weights, samples.weights),
            stored=jnp.where(bad, before.stored, samples.stored),
        )

    def _slot(self, samples: Samples) -> jax.Array:
        """() where the next sample goes."""
        return 1 + ((samples.stored - 1) // self.interval) % max(self.size - 1, 1)
