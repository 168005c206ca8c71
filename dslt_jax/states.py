"""What the tracking functions accept as a state and as a sight: checked as `arguments` are."""

import contextlib
import functools
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dslt_jax.multi_target import Many


def check_state(tracker: Any, state: Any) -> None:
    """Raises ValueError unless it is a state of the tracker, and of as many targets."""
    if state is None:
        raise ValueError(
            "state is None: dslt.init(tracker, params, frame, box) gives the first one"
        )
    if type(state) is tuple:
        raise ValueError("state is a tuple: step gives two things, state, out = dslt.step(...)")
    cure = "dslt.init(...) gives the first, state, out = dslt.step(...) the next"
    if isinstance(state, Mapping) and state:  # as Flax and Orbax read it from a file
        cure = "flax.serialization.from_state_dict(dslt.init(...), state) makes one of it"
        if any(isinstance(part, list) for part in state.values()):  # Orbax's, of a tuple
            cure = "Orbax makes one of it if it is told its form, restore(path, dslt.init(...))"
    _check_kind(tracker, "state", state, cure)
    try:
        arrays = [x for x in jax.tree.leaves(state) if isinstance(x, jax.Array)]
    except AttributeError as error:  # it was pickled
        raise ValueError(
            f"state was made by another version of this package ({error}): dslt.init(...) anew"
        ) from None
    if any(x.is_deleted() for x in arrays if not isinstance(x, jax.core.Tracer)):
        raise ValueError(
            "state is gone: it was donated, to learn(..., donate=True) or to a jit of yours; go on "
            "from the state that came back"
        )
    _check_targets(tracker, "state", state)


def check_sight(tracker: Any, sight: Any, state: Any) -> None:
    """Raises ValueError unless it is what `locate` of the tracker gives first, of the state."""
    cure = "sight, out = dslt.locate(tracker, params, state, frame) gives it"
    _check_kind(tracker, "sight", sight, cure)
    _check_targets(tracker, "sight", sight)
    counts = [tracker.targets(x) for x in (sight, state) if isinstance(tracker, Many)]
    if counts and counts[0] != counts[1]:
        raise ValueError(f"sight is of {counts[0]} targets, the state of {counts[1]}: {cure}")


@contextlib.contextmanager
def explained(init: Any, state: Any, locate: Any = None, sight: Any = None) -> Iterator[None]:
    """Says of what fails inside that the state, or the sight, is of other settings, where it is.

    Args:
      init: (frame, box) -> state; locate: (frame) -> (sight, output) of this state. Only after a
        failure they are traced, for the shapes that there should be.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        frame, box = jnp.zeros((64, 64, 3), jnp.uint8), jnp.full(4, 16, jnp.float32)
        center: Any = getattr(state, "center", None)
        if getattr(center, "ndim", 0) == 2:  # of several targets
            box = jnp.tile(box, (len(center), 1))
        cure = "the tracker that made it follows it, or dslt.init starts anew"
        _check_shapes("state", state, jax.eval_shape(lambda: init(frame, box)), cure, error)
        if locate is not None:
            needed, _ = jax.eval_shape(lambda: locate(frame))
            _check_shapes("sight", sight, needed, "locate with this tracker gives it", error)
        raise


def _check_shapes(name: str, value: Any, needed: Any, cure: str, error: Exception) -> None:
    pairs = zip(jax.tree.leaves_with_path(needed), jax.tree.leaves(value), strict=False)
    for (path, wanted), came in pairs:
        if np.shape(came) != wanted.shape:
            leaf = jax.tree_util.keystr(path, simple=True, separator=".")
            raise ValueError(
                f"{name} was made with other settings: its {leaf} is {np.shape(came)}, this "
                f"tracker's {wanted.shape}; {cure}"
            ) from error


def _check_targets(tracker: Any, name: str, value: Any) -> None:
    """Raises ValueError where it is of one target and the tracker of several, or the reverse."""
    if not type(value).__module__.startswith(f"{__package__}."):
        return  # of a tracker of the caller's, whose center may be anything
    axes, several = getattr(getattr(value, "center", None), "ndim", 0), isinstance(tracker, Many)
    if axes == 1 and several:
        raise ValueError(
            f"{name} is of one target: the tracker of one follows it, not `many` of it"
        )
    if axes == 2 and not several:
        raise ValueError(f"{name} is of several targets: `many` of the tracker follows them")


def _check_kind(tracker: Any, name: str, value: Any, cure: str) -> None:
    one: Any = type(tracker.tracker if isinstance(tracker, Many) else tracker)  # of `many`
    kind = _kinds(one).get(name)
    if kind is not None and not isinstance(value, kind):
        came, wanted = (
            f"{of.__module__}.{of.__qualname__}".removeprefix("builtins.")
            for of in (type(value), kind)
        )
        raise ValueError(f"{name} is a {came}, this tracker's is a {wanted}: {cure}")


@functools.lru_cache(maxsize=64)
def _kinds(tracker: Any) -> dict[str, type]:
    """The classes that a tracker's `learn` is annotated with; those of others may have none."""
    try:
        hints = typing.get_type_hints(tracker.learn)
    except Exception:  # an annotation may be any text
        return {}
    return {name: hint for name, hint in hints.items() if type(hint) is type}  # no Any, no alias
