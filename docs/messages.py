"""The sentences that the library refuses with, collected from its code, and what to do about them.

A cure is kept in docs/data/cures.csv beside a part of the sentence. A sentence without one says
itself what to do.
"""

import ast
import csv
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
CURES = Path(__file__).parent / "data" / "cures.csv"

# What refuses -> where its code is.
AREAS = {
    "Input: videos, images, cameras": ("media/", "app/loop"),
    "Boxes and targets": ("cli/box", "cli/targets", "boxes"),
    "Settings and presets": ("settings", "presets", "parts", "trackers/", "backbones/", "ops/"),
    "Weights": ("weights/", "cli/weights"),
    "Runs and their folders": ("app/", "cli/track", "cli/main", "cli/common", "cli/demo"),
    "Benchmarks": ("benchmarks/", "cli/benchmark", "cli/scor", "cli/report", "cli/data"),
    "The page": ("ui/", "cli/ui"),
    "Export and other tools": ("export/", "adapters/", "cli/"),
    "Python": ("",),
}

UNKNOWN = "Look at what the sentence names; report it if that does not help."

# Their sentences are the reasons that others give: `FILE cannot be read as a .mat file: REASON`.
INNER = ("weights/matfile", "weights/caffemodel")

# A sentence that says what to do: behind a colon or a full stop, or by a word for it.
_SAYS = re.compile(r"(: (?!<|\.)|\. [A-Z]|;|must |needs? |choose|pip install|--\w)")


class Message(NamedTuple):
    """A sentence of the code."""

    module: str  # its path in the package, without .py
    error: str  # the exception's name
    text: str  # what varies is <called so>


@functools.cache
def collect() -> tuple[Message, ...]:
    """Returns every sentence that an exception of the package is raised with."""
    package = ROOT / "dslt_jax"
    found = []
    for path in sorted(package.rglob("*.py")):
        module = path.relative_to(package).with_suffix("").as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)):
                continue
            error = ast.unparse(node.exc.func).rpartition(".")[2]
            text = next(filter(None, map(_text, node.exc.args)), "")
            if module in INNER or error.startswith("_") or error == "AttributeError":
                continue
            if re.search(r"[a-z]{2} ", re.sub("<.*?>", "", text)):
                found.append(Message(module, error, text))
    return tuple(dict.fromkeys(found))


def by_area() -> dict[str, list[Message]]:
    """Returns the sentences of each area; one belongs to the first area that has its code."""
    areas: dict[str, list[Message]] = {area: [] for area in AREAS}
    for message in collect():
        area = next(a for a, places in AREAS.items() if message.module.startswith(places))
        areas[area].append(message)
    return areas


def cures() -> dict[str, str]:
    """Returns part of a sentence -> what to do."""
    with open(CURES, newline="", encoding="utf-8") as file:
        return {row["part"]: row["cure"] for row in csv.DictReader(file)}


def errors() -> str:
    """A section an area: its sentences and their cures."""
    known, sections = cures(), []
    for area, messages in by_area().items():
        rows = []
        for message in sorted(set(message.text for message in messages)):
            rows.append(f"| {_escaped(message)} | {cure_of(message, known) or UNKNOWN} |")
        sections.append("\n".join([f"## {area}\n", "| it says | do |", "| --- | --- |", *rows]))
    return "\n\n".join(sections)


def cure_of(text: str, known: dict[str, str]) -> str | None:
    """Returns what to do about a sentence; None where neither it nor `known` says it."""
    cure = next((cure for part, cure in known.items() if part in text), None)
    return cure or ("As it says." if _SAYS.search(text) else None)


def _escaped(text: str) -> str:
    text = text.replace("\n", " ").replace("|", "\\|").replace("*", "\\*")
    return re.sub(r"<(.*?)>", r"*\1*", text.replace("_", "\\_"))


def _text(node: ast.expr) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(
                part.value if isinstance(part, ast.Constant) else f"<{_name(part)}>"  # type: ignore[misc]
                for part in parts
            )
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return (_text(left) or "") + (_text(right) or "") or None
    return None


def _name(part: ast.expr) -> str:
    """What varies, in a word: the outermost name of its expression."""
    assert isinstance(part, ast.FormattedValue)
    words = [word for word in _words(part.value) if word not in ("join", "map", "str", "len")]
    word = words[0].strip("_").replace("_", " ").lower() if words else "..."
    return {"strerror": "reason", "error": "reason"}.get(word, word)


def _words(node: ast.expr) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute):
            yield inner.attr
        elif isinstance(inner, ast.Name):
            yield inner.id


if __name__ == "__main__":
    print(errors())
