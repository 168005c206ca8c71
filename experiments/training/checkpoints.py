"""Checkpoints of training: whole or not there, and gone on from."""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import load_file, save_file


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
