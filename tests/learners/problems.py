"""A small regression: a masked kernel over the features of a few samples."""

import jax
import jax.numpy as jnp
import numpy as np

from dslt_jax.learners import Objective
from dslt_jax.ops import losses, spectral
from dslt_jax.ops.labels import Label

GRID, KERNEL, CHANNELS = 16, 8, 6
SIZE = spectral.fft_size(GRID, KERNEL)
LABEL = Label(sigma=0.15)


def sample(seed, center=8.0):
    """A spectrum (CHANNELS, SIZE // 2 + 1, SIZE) and a label (GRID, GRID)."""
    features = np.random.default_rng(seed).normal(size=(CHANNELS, GRID, GRID)).astype(np.float32)
    label = LABEL(GRID, jnp.full(2, center), jnp.full(2, 6.0))
    return spectral.spectrum(jnp.asarray(features), SIZE), label


def mask(cells=(6.0, 6.0)):
    return spectral.kernel_mask(jnp.asarray(cells), KERNEL)


def objective(loss=losses.Shrinkage(), seeds=(0, 1), decay=0.0, cells=(6.0, 6.0)):  # noqa: B008
    spectra, targets = (jnp.stack(part) for part in zip(*map(sample, seeds), strict=True))
    support = mask(cells)[None]
    return Objective(
        respond=lambda k: spectral.respond(support * k, spectra, GRID),
        loss=loss,
        label=targets,
        weight=LABEL.weight(targets) / len(targets),
        decay=decay,
    )


def start():
    return 1e-7 * jax.random.normal(jax.random.key(0), (CHANNELS, KERNEL, KERNEL))


def dense(objective):
    """The response as a matrix (outputs, kernel), row by row."""
    shape = (CHANNELS, KERNEL, KERNEL)
    basis = jnp.eye(np.prod(shape)).reshape(-1, *shape)
    return np.asarray(jax.vmap(objective.respond)(basis)).reshape(len(basis), -1).T
