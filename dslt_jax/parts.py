"""What trackers are put together of: frozen pytrees whose floats are leaves.

Floats (rates, thresholds, a loss's constants) are leaves: they change, are batched and are
differentiated without a new compilation. What decides shapes and programs (whole numbers, choices,
the backbone) is static. Every part is checked where it is made.
"""

import dataclasses
import functools
import math
import operator
import typing
from collections.abc import Mapping
from typing import Any

import flax.serialization
import flax.struct
import jax
import numpy as np


def static(default: Any = dataclasses.MISSING, *, choices: Mapping[str, Any] | None = None) -> Any:
    """A field that is compiled in: a whole number, a choice, a network."""
    metadata = {"choices": choices} if choices else None
    return flax.struct.field(pytree_node=False, default=default, metadata=metadata)


def part(default: Any, *, choices: Mapping[str, Any]) -> Any:
    """A field that holds a part, with those that `settings.override` may put there by name."""
    return flax.struct.field(default=default, metadata={"choices": choices})


class Part(flax.struct.PyTreeNode):
    """A frozen pytree that checks its fields when it is made.

    A subclass adds rules of its own in `check`, which sees Python numbers only: under a
    transformation, where floats are arrays or tracers, their values cannot be judged. What JAX
    puts together is not checked: a part's gradient, a mask of it or axes for `vmap` are parts too.

    Raises:
      ValueError: names the field, what came, and what it must be.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        dataclasses.dataclass(frozen=True, **options)(cls)
        cls._flax_dataclass = True  # type: ignore[attr-defined]  # or Flax would register it again
        _register(cls)

    def replace(self, **changes: Any) -> typing.Self:
        """Returns the part with some fields changed, checked anew."""
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    def __post_init__(self) -> None:
        for name, hint, is_static in _fields(type(self)):  # type: ignore[arg-type]
            value = getattr(self, name)
            if isinstance(value, np.generic):  # judged as the number that it is
                value = value.item()
                object.__setattr__(self, name, value)
            if is_static:
                _check_static(name, hint, value)
            elif hint is float and not _may_be_number(value):
                raise ValueError(f"{name}={value!r} must be a number")
            elif isinstance(value, float) and math.isnan(value):
                raise ValueError(f"{name}={value} must be a number")
        self.check()

    def check(self) -> None:
        """Raises ValueError where fields do not go together."""

    def require(self, name: str, good: Any, words: str) -> None:
        """Raises unless a condition on a field holds; skipped for what is no Python number."""
        value = getattr(self, name)
        if isinstance(value, (int, float)) and not good(value):
            raise ValueError(f"{name}={value} must be {words}")


def _register(kind: type) -> None:
    """Makes a part a pytree, which JAX puts together without the checks of `__post_init__`."""
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]
    inner = [field.name for field in fields if not _is_static(field)]
    fixed = [field.name for field in fields if _is_static(field)]
    keys = [jax.tree_util.GetAttrKey(name) for name in inner]
    children, statics = _getter(inner), _getter(fixed)

    def flatten(part: Any) -> tuple:
        return children(part), statics(part)

    def flatten_with_keys(part: Any) -> tuple:
        return tuple(zip(keys, children(part), strict=True)), statics(part)

    def unflatten(statics: tuple, children: typing.Iterable) -> Any:
        part: Any = object.__new__(kind)
        vars(part).update(zip(inner, children, strict=True))
        vars(part).update(zip(fixed, statics, strict=True))
        return part

    def to_state(part: Any) -> dict[str, Any]:
        return {name: flax.serialization.to_state_dict(getattr(part, name)) for name in inner}

    def from_state(part: Any, state: dict[str, Any]) -> Any:
        read = flax.serialization.from_state_dict
        return part.replace(**{n: read(getattr(part, n), state[n], name=n) for n in inner})

    jax.tree_util.register_pytree_with_keys(kind, flatten_with_keys, unflatten, flatten)
    flax.serialization.register_serialization_state(kind, to_state, from_state)


def _getter(names: list[str]) -> typing.Callable[[Any], tuple]:
    """What reads some fields; JAX does so in every call."""
    if len(names) > 1:
        return operator.attrgetter(*names)
    return lambda part: tuple([getattr(part, name) for name in names])


def _is_static(field: dataclasses.Field) -> bool:
    return not field.metadata.get("pytree_node", True)


def _may_be_number(value: Any) -> bool:
    """Whether a value may stand where a float belongs; None does in a tree of axes."""
    wrong = isinstance(value, str | bytes | bool | complex | list | tuple | dict | set)
    return not wrong and not callable(value)


@functools.cache
def _fields(kind: type) -> tuple[tuple[str, Any, bool], ...]:
    hints = typing.get_type_hints(kind)
    return tuple(
        (field.name, hints[field.name], _is_static(field)) for field in dataclasses.fields(kind)
    )


def _check_static(name: str, hint: Any, value: Any) -> None:
    choices = typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else ()
    if choices and value not in choices:
        raise ValueError(f"{name}='{value}' is not one of {', '.join(map(str, choices))}")
    if hint is bool and not isinstance(value, bool):
        raise ValueError(f"{name}={value!r} must be true or false")
    if hint is int and (not isinstance(value, int) or isinstance(value, bool)):
        raise ValueError(f"{name}={value!r} must be a whole number")
