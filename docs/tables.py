"""Tables of the documentation, made from the code and from the figures in docs/data."""

import contextlib
import csv
import dataclasses
import functools
import importlib
import inspect
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from field_comments import comment_of

from dslt_jax import presets, settings
from dslt_jax.cli import main as cli

DATA = Path(__file__).parent / "data"


def read(name: str) -> list[dict[str, str]]:
    """Returns the rows of docs/data/`name`."""
    with open(DATA / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def table(head: list[str], rows: list[list[str]]) -> str:
    """Returns a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def all_presets() -> str:
    """Every preset: what it is, its network, its score and its speed."""
    scores = {row["tracker"]: row for row in read("scores.csv")}
    rows = []
    for name in presets.PRESETS:
        score = scores.get(name, {})
        network, strides, crop = _network(presets.by_name(name))
        figures = [score.get(key) or "not measured" for key in ("auc", "p20", "fps")]
        rows.append([f"[`{name}`](#{name})", _about(name), network, strides, crop, *figures])
    head = ["preset", "what", "network", "strides", "search crop", "AUC", "P20", "frames a second"]
    return table(head, rows)


def accuracy() -> str:
    """Ours and others on the same targets, the best first."""
    rows = [
        [f"`{row['tracker']}`", row["features"], row["auc"], row["p20"], row["source"]]
        for row in read("scores.csv")
    ]
    rows += [
        [row["tracker"], row["features"], row["auc"], row["p20"], f"boxes of {row['paper']}"]
        for row in read("published.csv")
    ]
    rows.sort(key=lambda row: -float(row[2]))
    return table(["tracker", "features", "AUC", "precision at 20 px", "from"], rows)


def speed() -> str:
    """Frames a second of ours and how they were measured."""
    rows = [
        [f"`{row['tracker']}`", row["fps"], row["speed"]]
        for row in read("scores.csv")
        if row["fps"]
    ]
    rows.sort(key=lambda row: -float(row[1]))
    return table(["preset", "frames a second", "measured by"], rows)


def preset_settings() -> str:
    """A section a preset: what its maker says, and all that --set reaches."""
    sections = []
    for name in presets.PRESETS:
        module = inspect.getdoc(sys.modules[presets.PRESETS[name]]) or ""
        text = "\n\n".join(([] if _is_dslt(name) else [module]) + [_doc(name)])
        rows = [[f"`{path}`", f"`{value}`", about] for path, value, about in _leaves(name)]
        body = table(["setting", "value", "what"], rows)
        indented = "\n".join(f"    {line}" for line in body.splitlines())
        sections.append(f'## {name}\n\n{text}\n\n??? note "Settings of {name}"\n\n{indented}')
    return "\n\n".join(sections)


def commands() -> str:
    """The help of every command as it is printed."""
    sections = []
    for name, about in cli.COMMANDS.items():
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            cli.main(["dslt", name, "--help"])
        text = printed.getvalue().rstrip()
        sections.append(f"## dslt {name}\n\nTo {about}.\n\n```text\n{text}\n```")
    return "\n\n".join(sections)


def _maker(name: str) -> Any:
    return getattr(importlib.import_module(presets.PRESETS[name]), name)


def _doc(name: str) -> str:
    return inspect.getdoc(_maker(name)) or ""


def _is_dslt(name: str) -> bool:
    """Whether a preset is one of several of the same tracker, which tell themselves apart."""
    return list(presets.PRESETS.values()).count(presets.PRESETS[name]) > 2


def _about(name: str) -> str:
    """What a preset is, in a sentence."""
    maker = _doc(name).split("\n\n")[0]
    if _is_dslt(name):
        return maker
    module = inspect.getdoc(sys.modules[_maker(name).__module__]) or ""
    return f"{module.split(chr(10) * 2)[0]} {maker}"


def _network(tracker: Any) -> tuple[str, str, str]:
    """A tracker's network, the strides of its layers and the side of its search crop."""
    backbone = tracker.backbone
    side = getattr(getattr(tracker, "region", None), "search", getattr(tracker, "size", None))
    crop = str(side) if isinstance(side, int) else ""
    if backbone is None:
        return "none", f"cells of {tracker.cell}" if hasattr(tracker, "cell") else "", crop
    strides = " and ".join(str(layer.stride) for layer in backbone.layers)
    return backbone.name, strides, crop


def _leaves(name: str) -> Iterator[tuple[str, str, str]]:
    """Name, value and meaning of each setting."""
    tracker = presets.by_name(name)
    for path in settings.names(tracker):
        owner, value = None, tracker
        for key in path.split("."):
            owner, value = value, value[int(key)] if key.isdigit() else getattr(value, key)
        field = path.split(".")[-2 if isinstance(owner, tuple) else -1]
        kind = type(owner if not isinstance(owner, tuple) else _owner(tracker, path))
        yield path, _shown(value), comments(kind).get(field, "") + _choices(kind, field)


def _choices(kind: type, field: str) -> str:
    """The names that a setting may have, as the end of what it is."""
    metadata = {f.name: f.metadata for f in dataclasses.fields(kind)}.get(field, {})  # type: ignore[arg-type]
    choices = metadata.get("choices")
    return f" (one of {', '.join(choices)})" if choices else ""


def _owner(tracker: Any, path: str) -> Any:
    for key in path.split(".")[:-2]:
        tracker = getattr(tracker, key)
    return tracker


def _shown(value: Any) -> str:
    if dataclasses.is_dataclass(value):
        return str(getattr(value, "name", type(value).__name__))
    if hasattr(value, "func"):
        return value.func.__name__
    if isinstance(value, float):
        return f"{value:g}"
    return f"{len(value)} values" if isinstance(value, tuple) else str(value)


@functools.cache
def comments(kind: type) -> dict[str, str]:
    """Returns the comments behind the fields of a class and of those that it is made of."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if not base.__module__.startswith("dslt_jax"):
            continue
        for line in inspect.getsource(base).splitlines():
            if match := re.match(r"    (\w+): .*#", line):
                found[match[1]] = comment_of(line)
    return found


if __name__ == "__main__":
    print(globals()[sys.argv[1]]())
