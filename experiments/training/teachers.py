"""Larger networks whose features a student learns: what they make of crops, as components.

A teacher gives a map of stride 8 and one of 16. Each layer of each teacher is brought to mean zero
and unit deviation, the layers of one stride are put side by side, and their principal components,
half whitened, are what a student regresses.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dslt_jax import backbones, presets
from dslt_jax.backbones import Backbone, Compact, GoogLeNet, Vgg16
from dslt_jax.weights.store import load_params

# name -> the network, and a preset that loads its weights
TEACHERS: dict[str, tuple[Backbone, str]] = {
    "googlenet": (GoogLeNet(("3b", "4d")), "googlenet"),
    "vgg16": (Vgg16(("conv4_3", "conv5_3")), "paper"),
}

Params = list[dict[str, jax.Array]]  # of each teacher
Basis = tuple[np.ndarray, np.ndarray]  # what is taken away (D,), and directions (D, components)


class Teachers(NamedTuple):
    """Networks and their weights."""

    networks: tuple[Backbone, ...]
    params: Params

    def maps(self, params: Params, crops: jax.Array) -> list[list[jax.Array]]:
        """Returns the shallow maps of all teachers, and the deep ones, of crops (N, S, S, 3).

        Args:
          params: `self.params`, which a jitted caller takes as an argument; their dtype is what is
            computed in.
        """
        pairs = []
        for network, own in zip(self.networks, params, strict=True):
            image = crops.astype(jax.tree.leaves(own)[0].dtype)
            pairs.append(backbones.apply(network, own, image))
        return [[pair[level].astype(jnp.float32) for pair in pairs] for level in (0, 1)]


def load(files: dict[str, str], dtype=jnp.float32) -> Teachers:
    """Loads teachers, name -> file; raises SystemExit for a name that is none."""
    if unknown := [name for name in files if name not in TEACHERS]:
        raise SystemExit(f"no teacher is called '{unknown[0]}': choose from {', '.join(TEACHERS)}")
    if not files:
        raise SystemExit("there is no teacher: --teachers googlenet=FILE")
    networks, params = [], []
    for name, file in files.items():
        network, preset = TEACHERS[name]
        own = load_params(presets.by_name(preset).replace(backbone=network), file)
        networks.append(network)
        params.append({k: jnp.asarray(v, dtype) for k, v in own.items()})
    return Teachers(tuple(networks), params)


def components(features: np.ndarray, count: int) -> Basis:
    """Half-whitened principal components of rows (N, D): mean (D,) and directions (D, count)."""
    mean = features.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(features - mean, rowvar=False))
    values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
    return mean, vectors * values**-0.25 / np.sqrt(np.mean(values**0.5))


def find_bases(maps: list[list[np.ndarray]]) -> list[Basis]:
    """The bases of both strides from some crops' maps; a teacher's own scale is in it."""
    bases = []
    for level, layer in zip(maps, Compact.layers, strict=True):
        rows = [np.asarray(x, np.float64).reshape(-1, x.shape[-1]) for x in level]
        scales = [np.full(x.shape[1], 1 / np.sqrt(x.var(axis=0).sum())) for x in rows]
        scale = np.concatenate(scales)
        mean, directions = components(np.concatenate(rows, axis=1) * scale, layer.channels)
        bases.append((np.float32(mean / scale), np.float32(directions * scale[:, None])))
    return bases


def project(bases: list[Basis], maps: list[list[jax.Array]]) -> list[jax.Array]:
    """What a student regresses: (N, S/8, S/8, D1) and (N, S/16, S/16, D2)."""
    return [
        jnp.matmul(jnp.concatenate(level, -1) - mean, directions, precision="highest")
        for level, (mean, directions) in zip(maps, bases, strict=True)
    ]


def bases_of(teachers: Teachers, batches: list[jax.Array]) -> list[Basis]:
    """The bases that some batches of crops give."""
    see: Callable = jax.jit(functools.partial(Teachers.maps, teachers))
    parts = [jax.device_get(see(teachers.params, batch)) for batch in batches]
    return find_bases(
        [
            [
                np.concatenate([part[level][i] for part in parts])
                for i in range(len(teachers.params))
            ]
            for level in (0, 1)
        ]
    )
