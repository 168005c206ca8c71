"""A tracker's three programs as StableHLO, which run where this package is not.

    init(settings, params, frame, box, seed) -> state
    locate(settings, params, state, frame) -> sight, out
    learn(settings, params, state, sight) -> state

`settings` is a dictionary from a setting's dotted name to its number, so that another rate or
threshold needs no other export; what is compiled in, such as sizes and the network, does. `state`
and `sight` are lists of arrays, `out` is a dictionary of an `Output`'s fields. A frame may have any
size, which is known when a program is called.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import export
from jax.tree_util import keystr, tree_flatten_with_path

from dslt_jax import tracking
from dslt_jax.types import Params, Tracker

PLATFORMS = ("cpu", "cuda", "rocm", "tpu")


def programs(tracker: Tracker, params: Params) -> dict[str, export.Exported]:
    """Returns a tracker's `init`, `locate` and `learn` for all of `PLATFORMS`.

    Args:
      tracker: of one target.
      params: of `load_params`; their shapes count, not their numbers.
    """
    names, structure = list(settings(tracker)), jax.tree.structure(tracker)
    trees: dict[str, Any] = {}  # of a state and of what was seen, as the first trace finds them

    def whole(values):
        return jax.tree.unflatten(structure, [values[name] for name in names])

    def flat(name, value):
        arrays, trees[name] = jax.tree.flatten(value)
        return arrays

    def back(name, arrays):
        return jax.tree.unflatten(trees[name], arrays)

    def init(values, params, frame, box, seed):
        key = jax.random.key(seed)
        return flat("state", tracking.init(whole(values), params, frame, box, key=key))

    def locate(values, params, state, frame):
        sight, out = tracking.locate(whole(values), params, back("state", state), frame)
        return flat("sight", sight), out._asdict()

    def learn(values, params, state, sight):
        state, sight = back("state", state), back("sight", sight)
        return flat("state", tracking.learn(whole(values), params, state, sight)[0])

    values = {name: jax.ShapeDtypeStruct((), jnp.float32) for name in names}
    params = jax.eval_shape(lambda: params)
    height, width = export.symbolic_shape("height, width")
    frame = jax.ShapeDtypeStruct((height, width, 3), jnp.uint8)
    box, seed = jax.ShapeDtypeStruct((4,), jnp.float32), jax.ShapeDtypeStruct((), jnp.uint32)
    first = _export(init, values, params, frame, box, seed)
    state = list(map(_shape, first.out_avals))
    found = _export(locate, values, params, state, frame)
    sight = list(map(_shape, found.out_avals[: trees["sight"].num_leaves]))
    return {"init": first, "locate": found, "learn": _export(learn, values, params, state, sight)}


def settings(tracker: Tracker) -> dict[str, float]:
    """Returns the numbers that are inputs of a tracker's programs, by their dotted names."""
    paths, _ = tree_flatten_with_path(tracker)
    return {keystr(path, simple=True, separator="."): float(value) for path, value in paths}


def _export(function: Any, *arguments: Any) -> export.Exported:
    return export.export(jax.jit(function), platforms=PLATFORMS)(*arguments)


def _shape(aval: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(aval.shape, aval.dtype)
