"""What trackers are put together of: frozen pytrees whose floats are leaves.

Floats (rates, thresholds, a loss's constants) are leaves: they change, are batched and are
differentiated without a new compilation. What decides shapes and programs (whole numbers, choices,
the backbone) is static. Every part is checked where it is made.
"""

import dataclasses
import functools
import math
import typing
from collections.abc import Mapping
from typing import Any

import flax.struct


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
    transformation, where floats are arrays or tracers, their values cannot be judged.

    Raises:
      ValueError: names the field, what came, and what it must be.
    """

    def __post_init__(self) -> None:
        for name, hint, is_static in _fields(type(self)):  # type: ignore[arg-type]
            value = getattr(self, name)
            if is_static:
                _check_static(name, hint, value)
            elif hint is float and isinstance(value, (str, bool)):
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


@functools.cache
def _fields(kind: type) -> tuple[tuple[str, Any, bool], ...]:
    hints = typing.get_type_hints(kind)
    return tuple(
        (field.name, hints[field.name], not field.metadata.get("pytree_node", True))
        for field in dataclasses.fields(kind)
    )


def _check_static(name: str, hint: Any, value: Any) -> None:
    choices = typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else ()
    if choices and value not in choices:
        raise ValueError(f"{name}='{value}' is not one of {', '.join(map(str, choices))}")
    if hint is bool and not isinstance(value, bool):
        raise ValueError(f"{name}={value!r} must be true or false")
    if hint is int and (not isinstance(value, int) or isinstance(value, bool)):
        raise ValueError(f"{name}={value!r} must be a whole number")
