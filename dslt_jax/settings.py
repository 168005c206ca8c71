"""Settings by name: `name=value` strings onto the nested parts of a tracker.

A name is dotted from the tracker down, `online.learner.rates.1`. A field that holds a part, or the
backbone, is set by the name of one: `loss=l2`. What is set in the same call is applied together,
so that the order of the strings does not matter.
"""

import dataclasses
import difflib
import math
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from dslt_jax.parts import Part

T = TypeVar("T")

Assignments = str | Sequence[str] | Mapping[str, Any] | None  # name=value, or name to value

MOST_TEXT = 1000  # letters of an assignment

Tree = dict[str, Any]  # nested by the parts of the names; leaves are texts


def listed(assignments: Assignments) -> tuple[str, ...]:
    """Returns assignments as a tuple, also one that stands alone; of a dictionary, as they read.

    Raises:
      ValueError: one of them is no text.
    """
    if assignments is None:
        return ()
    if isinstance(assignments, str):
        return (assignments,)
    if isinstance(assignments, Mapping):
        return tuple(f"{name}={_written(value)}" for name, value in assignments.items())
    found = tuple(assignments) if isinstance(assignments, Iterable) else (assignments,)
    for assignment in found:
        if not isinstance(assignment, str):
            raise ValueError(f"{assignment!r} is no setting: write 'name=value', e.g. 'loss=l2'")
    return found


def _written(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(_written, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def override(tracker: T, assignments: Assignments) -> T:
    """Returns the tracker with settings replaced by `name=value` strings, or by one.

    A dictionary {"loss.a": 8, "size": "scales"} is taken, too: of numbers and words, no parts.

    Raises:
      ValueError: names the setting or value that is wrong and the choices there are.
    """
    if not dataclasses.is_dataclass(tracker) or isinstance(tracker, type):
        hint = ": call it" if callable(tracker) else ""
        raise ValueError(
            f"tracker must be one with settings, e.g. dslt.presets.compact(), got {tracker!r}{hint}"
        )
    aliases = getattr(type(tracker), "ALIASES", {})
    tree: Tree = {}
    for assignment in listed(assignments):
        if len(assignment) > MOST_TEXT:
            raise ValueError(f"a setting has {len(assignment)} letters: write name=value")
        name, separator, text = assignment.partition("=")
        name, text = name.strip(), text.strip()
        if not separator:
            raise ValueError(f"'{assignment}' is no setting: write name=value, e.g. loss=l2")
        for path in aliases.get(name, (name,)):
            if not all(path.split(".")):
                raise _Names(tracker, aliases).unknown(name)
            _insert(tree, path.split("."), text)
    return _apply(tracker, tree, _Names(tracker, aliases))


def describe(part: Any) -> Any:
    """Returns a tracker's settings as JSON values, each part with its kind."""
    if isinstance(part, (list, tuple)):
        return [describe(value) for value in part]
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        fields = {f.name: describe(getattr(part, f.name)) for f in dataclasses.fields(part)}
        return {"kind": type(part).__name__} | fields
    if part is None or isinstance(part, (bool, int, float, str)):
        return part
    if hasattr(part, "func"):  # a function as a pytree
        return describe(part.func)
    if callable(part):
        return f"{part.__module__}.{part.__qualname__}"
    return float(part)  # a number on the device


def names(tracker: Any) -> list[str]:
    """Returns the dotted names of all settings that a tracker has."""
    return [".".join(path) for path in _paths(tracker)]


class _Names:
    """All names there are, for who asks for another."""

    def __init__(self, tracker: Any, aliases: Mapping[str, Sequence[str]]):
        self.dotted = names(tracker)
        self.aliases = list(aliases)

    def unknown(self, name: str) -> ValueError:
        known = [*self.aliases, *self.dotted]
        near = difflib.get_close_matches(name, known, n=3)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        return ValueError(f"there is no setting '{name}': {hint}Choices: {', '.join(self.dotted)}")


def _paths(value: Any) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for field in dataclasses.fields(value):
        inner = getattr(value, field.name)
        nested = _paths(inner) if dataclasses.is_dataclass(inner) else []
        if isinstance(inner, tuple) and all(isinstance(x, (float, str)) for x in inner):
            nested = [(str(i),) for i in range(len(inner))]
        if not nested or field.metadata.get("choices"):
            found.append((field.name,))
        found += [(field.name, *path) for path in nested]
    return found


def _insert(tree: Tree, path: list[str], text: str) -> None:
    """Puts a text at its place; the part's own name is kept beside its fields under ''."""
    for key in path[:-1]:
        inner = tree.setdefault(key, {})
        if not isinstance(inner, dict):
            inner = tree[key] = {"": inner}
        tree = inner
    if isinstance(tree.get(path[-1]), dict):
        tree[path[-1]][""] = text
    else:
        tree[path[-1]] = text


def _apply(node: Any, tree: Tree, names: _Names, prefix: str = "") -> Any:
    if isinstance(node, tuple) and not dataclasses.is_dataclass(node):
        return _apply_items(node, tree, prefix)
    hints = typing.get_type_hints(type(node)) if dataclasses.is_dataclass(node) else {}
    known = {field.name: field for field in dataclasses.fields(node)} if hints else {}
    changes = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if key not in known:
            if not prefix:
                raise names.unknown(name)
            owner, kind = prefix[:-1], type(node).__name__
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {prefix}{near[0]}? " if near else ""
            raise ValueError(
                f"there is no setting '{name}': {hint}{owner} is {kind}, which has "
                f"{', '.join(known) or 'no settings'}"
            )
        choices = known[key].metadata.get("choices")
        inner = getattr(node, key)
        nested = value if isinstance(value, dict) else {}
        text = nested.pop("", None) if nested else value
        if text is not None:
            chosen = _choose(name, choices, text) if choices else _parse(name, hints[key], text)
            # A part that is of the chosen kind already keeps its settings.
            same = isinstance(chosen, Part) and type(chosen) is type(inner)
            inner = inner if same else chosen
        changes[key] = _apply(inner, nested, names, f"{name}.") if nested else inner
    return dataclasses.replace(node, **changes)


def _apply_items(items: tuple, tree: Tree, prefix: str) -> tuple:
    changed = list(items)
    for key, text in tree.items():
        count = len(items)
        if key not in map(str, range(count)) or isinstance(text, dict):
            raise ValueError(
                f"there is no setting '{prefix}{key}': {prefix[:-1]} has {count} values, "
                f"{prefix}0 to {prefix}{count - 1}"
            )
        changed[int(key)] = _parse(f"{prefix}{key}", type(items[int(key)]), text)
    return tuple(changed)


def _choose(name: str, choices: Mapping[str, Any], text: str) -> Any:
    if text not in choices:
        raise ValueError(f"{name}='{text}' is not one of {', '.join(choices)}")
    return choices[text]


def _parse(name: str, hint: Any, text: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return _choose(name, dict(zip(arguments, arguments, strict=True)), text)
    if origin is tuple:
        return tuple(_parse(name, arguments[0], item.strip()) for item in text.split(","))
    if type(None) in arguments:  # a number or none
        hint = next(kind for kind in arguments if kind is not type(None))
        return None if text.lower() == "none" else _parse(name, hint, text)
    if hint is bool:
        if text.lower() not in ("true", "false", "1", "0"):
            raise ValueError(f"{name}='{text}' must be true or false")
        return text.lower() in ("true", "1")
    if hint is str:
        return text
    if hint not in (int, float):
        raise ValueError(f"{name} is a part: set what it has, {name}.FIELD=value")
    try:
        value = hint(text)
    except ValueError:
        kind = "a whole number" if hint is int else "a number"
        raise ValueError(f"{name}='{text}' must be {kind}") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name}='{text}' must be finite")
    return value
