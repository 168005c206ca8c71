"""Several targets at once, by any tracker of one: what `many` returns.

    tracker = many(presets.compact())
    state = init(tracker, params, frame, boxes)       boxes (N, 4), a leading axis on all else

`tracking` drives it like any other; each target is followed as if it were alone.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp

from dslt_jax import arguments
from dslt_jax.parts import Part, static
from dslt_jax.types import Look, Params, Sight, State, Tracker

CPU_BATCH = 4  # targets whose networks run at once: the maps of more outgrow a CPU's caches
FIRST_BATCH = 8  # targets whose first crops, about ten each, a GPU sees at once


def many(tracker: Tracker, *, batch: int = CPU_BATCH) -> "Many":
    """Returns the tracker of N targets at once: boxes (N, 4), a leading axis on all else.

    On a GPU or TPU the stages are vmapped, the first frame's a few targets at a time. On a CPU the
    networks run for `batch` targets at a time, and crops and learning for one after the other, so
    that a target whose frame does not teach costs no learning. Which of them it is follows where
    the arrays live.

    Raises:
      ValueError: it is no tracker, or `many` of one already.
    """
    arguments.require_tracker(tracker)
    if isinstance(tracker, Many):
        raise ValueError("tracker is `many` of one already: use it as it is")
    return Many(tracker, batch)


class Many(Part):
    """A tracker of N targets that do not know of one another."""

    tracker: Tracker
    batch: int = static(CPU_BATCH)

    def check(self) -> None:
        self.require("batch", lambda n: n >= 1, "at least 1")

    @property
    def backbone(self) -> Any:
        return self.tracker.backbone

    @property
    def networks(self) -> Any:
        return arguments.networks_of(self.tracker)

    def targets(self, state: State) -> int:
        """Returns N of a state."""
        return jax.tree.leaves(state)[0].shape[0]

    def first_look(self, boxes: jax.Array) -> Look:
        return jax.vmap(self.tracker.first_look)(boxes)

    def init(self, params: Params, key: jax.Array, patches: jax.Array, boxes: jax.Array) -> State:
        body = functools.partial(self.tracker.init, params, key)
        return over_targets(body, 1, patches, boxes, elsewhere=FIRST_BATCH)

    def look(self, state: State) -> Look:
        return jax.vmap(self.tracker.look)(state)

    def locate(self, params: Params, state: State, patches: jax.Array, limits: jax.Array):
        def body(state, patches):
            return self.tracker.locate(params, state, patches, limits)

        return over_targets(body, self.batch, state, patches)

    def measure(self, params: Params, state: State, sight: Sight, patches, limits: jax.Array):
        def body(state, sight, patches=None):
            return self.tracker.measure(params, state, sight, patches, limits)

        more = () if patches is None else (patches,)
        return over_targets(body, self.batch, state, sight, *more)

    def learn(self, params: Params, state: State, sight: Sight):
        body = functools.partial(self.tracker.learn, params)
        in_turn = getattr(self.tracker, "learn_in_turn", None)  # where a loop over it copies less
        in_turn = in_turn and functools.partial(in_turn, params)
        return over_targets(body, 1, state, sight, in_turn=in_turn)


def over_targets(
    body: Any,
    batch: int,
    *arguments: Any,
    together: Any = None,
    in_turn: Any = None,
    elsewhere: int | None = None,
) -> Any:
    """Applies `body` to every target, the leading axis of the arguments.

    On a CPU `batch` of them at a time, one after the other for 1: then what a `cond` leaves out is
    really left out. Elsewhere all at once.

    Args:
      together: the body where all are done at once; None is `body`.
      elsewhere: how many of many are done at once there, by `body`; None is all.
      in_turn: does all of them one after the other; None is a loop over `body`.
    """

    def at_once(*arguments):
        if elsewhere is None or jax.tree.leaves(arguments)[0].shape[0] <= elsewhere:
            return jax.vmap(together or body)(*arguments)
        return jax.lax.map(lambda one: body(*one), arguments, batch_size=elsewhere)

    def loop(*arguments):
        if 1 < jax.tree.leaves(arguments)[0].shape[0] <= batch:
            return at_once(*arguments)
        size = batch if batch > 1 else None
        return jax.lax.map(lambda one: body(*one), arguments, batch_size=size)

    if is_varying(arguments):  # inside a checked shard_map JAX cannot batch a `cond`
        return (in_turn or loop)(*arguments)
    return jax.lax.platform_dependent(*arguments, cpu=in_turn or loop, default=at_once)


def alike(values: Any, arguments: Any) -> Any:
    """Returns arrays that all differ from device to device of a `shard_map` where arguments do.

    What is made of constants alone does not, and JAX refuses a `cond` or a loop that has both.
    """
    varying = [x for x in jax.tree.leaves(arguments) if is_varying(x)]
    if not varying:
        return values
    varying = [jax.random.key_data(x) if _is_key(x) else x for x in varying]
    true = functools.reduce(jnp.logical_or, [jnp.any(x != 0) for x in varying]) | True
    return jax.tree.map(lambda x: jnp.where(true, x, x), values)


def _is_key(array: jax.Array) -> bool:
    return jax.dtypes.issubdtype(array.dtype, jax.dtypes.prng_key)


def is_varying(arguments: Any) -> bool:
    """Whether arrays differ from device to device of a `shard_map` that checks it."""
    kinds = [jax.typeof(x) for x in jax.tree.leaves(arguments)]
    kinds += [getattr(kind, "mat", None) for kind in kinds]  # newer JAX keeps it there
    return any(getattr(kind, name, None) for kind in kinds for name in ("vma", "varying"))
