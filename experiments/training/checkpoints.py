"""Checkpoints of training: whole or not there, and gone on from."""

import json
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import load_file, save_file


def begin(output: pathlib.Path, **asked: Any) -> None:
    """Notes in asked.json what a training was asked for, JSON values that decide what it learns.

    Raises SystemExit where the folder holds one that was asked for something else.
    """
    note = output / "asked.json"
    if (output / "checkpoint.safetensors").exists() and note.exists():
        before = json.loads(note.read_text())
        differing = [name for name in asked if before.get(name) != asked[name]]
        if differing:
            told = ", ".join(f"{name} {before.get(name)}" for name in differing)
            raise SystemExit(f"{output} was begun with {told}: use another --output")
    note.write_text(json.dumps(asked))


def save(output: pathlib.Path, tree, step: int, params) -> None:
    """Writes checkpoint.safetensors of the tree, and weights.safetensors of params in float16."""
    leaves = {f"{i:04d}": np.asarray(x) for i, x in enumerate(jax.tree.leaves(tree))}
    half = {k: np.asarray(v, np.float16) for k, v in params.items()}
    for name, arrays in (("checkpoint", leaves | {"step": np.array(step)}), ("weights", half)):
        save_file(arrays, output / f"{name}.tmp")
        (output / f"{name}.tmp").rename(output / f"{name}.safetensors")


def restore(output: pathlib.Path, tree):
    """Returns the tree and step of the last checkpoint, or the tree given and 0."""
    path = output / "checkpoint.safetensors"
    if not path.exists():
        return tree, 0
    leaves = load_file(path)
    step = int(leaves.pop("step"))
    structure = jax.tree.structure(tree)
    shapes = [x.shape for x in jax.tree.leaves(tree)]
    if [leaves[k].shape for k in sorted(leaves)] != shapes:
        raise SystemExit(f"{path} is of another network: use another --output")
    print(f"going on from step {step} of {path}")
    return jax.tree.unflatten(structure, [jnp.asarray(leaves[k]) for k in sorted(leaves)]), step
