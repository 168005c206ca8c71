"""The training samples of a learner: the first frame for ever, and a ring of the latest."""

from typing import Any, NamedTuple

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
        slot = self._slot(samples.stored)
        weights = samples.weights.at[0].set(self.first_weight).at[slot].set(1.0)
        return _put(samples, good, slot, spectrum, label)._replace(
            weights=jnp.where(good, weights, samples.weights),
            stored=samples.stored + jnp.asarray(good, jnp.int32),
        )

    def forget(self, samples: Samples, bad: jax.Array) -> Samples:
        """Takes the last sample out where it is `bad` () bool: the next goes into its slot."""
        if self.size == 1:
            return samples
        stored = samples.stored - 1
        slot = self._slot(stored)
        return _put(samples, bad, slot, 0.0, 0.0)._replace(
            weights=jnp.where(bad, samples.weights.at[slot].set(0.0), samples.weights),
            stored=jnp.where(bad, stored, samples.stored),
        )

    def _slot(self, stored: jax.Array) -> jax.Array:
        """() where a sample goes when so many were stored before."""
        return 1 + ((stored - 1) // self.interval) % (self.size - 1)


def _put(samples: Samples, really: Any, slot: jax.Array, spectrum: Any, label: Any) -> Samples:
    """The samples with another spectrum and label in a slot, or as they are where not `really`.

    Then they go beyond the end, that is nowhere. A choice between them and what is there would read
    the samples as they were before, and XLA would copy all of them instead of writing in place.
    """
    place = jnp.where(really, slot, len(samples.weights))
    return samples._replace(
        spectra=samples.spectra.at[place].set(spectrum, mode="drop"),
        labels=samples.labels.at[place].set(label, mode="drop"),
    )
