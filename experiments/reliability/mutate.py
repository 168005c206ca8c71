"""Hostile inputs from valid ones, as a strategy of hypothesis.

An input is a folder, {path in it: content}. Bytes are overwritten, cut, repeated and inserted, with
a liking for headers; words of a text become numbers, names and text that no one expects; values of
JSON become others. Archives, PNGs and run.json are made whole again, so that readers look further
than at a checksum.
"""

import io
import json
import re
import zipfile
from typing import Any

from bombs import FAR, PNG, SCRIPT, Tree, sealed, zipped
from hypothesis import strategies as st

from dslt_jax.benchmarks.settings import digest

LARGEST = 1_000_000  # bytes of a file: what grows by repeats is cut there
TEXTS = (".txt", ".csv", ".json", ".part", ".label", ".tag", ".ini", ".value", ".xml")
HEAD = 128  # bytes

_NAMES = ("..", "/etc/x", "~root/x", "$HOME/x", "C:\\x", "a/../../x", "x\0y", "\ud800", "-rf")
_LONG = ("9" * 5000, "x" * 300, "[" * 100_000, '{"a":' * 50_000, ", " * 30_000, "1" * 60_000 + "x")
_WORDS = st.one_of(
    st.integers().map(str),
    st.floats().map(str),
    st.text(),
    st.sampled_from((FAR, SCRIPT, "", "null", "\u0663", "\u00b2", "1e400", *_NAMES, *_LONG)),
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


@st.composite
def changed(draw: st.DrawFn, trees: list[Tree]) -> Tree:
    """Draws an input and changes a file of it, or several."""
    tree = dict(draw(st.sampled_from(trees)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(sorted(tree)))
        tree[path] = draw(_content(path, tree[path]))[:LARGEST]
    if draw(st.integers(0, 19)) == 0:
        path = draw(st.sampled_from(sorted(tree)))
        tree[re.sub(r"[^/]+(?=\.\w+$)", draw(_STEMS), path)] = tree.pop(path)
    return tree


_STEMS = st.sampled_from(("\u00b2", "-1", "x" * 240, "9" * 230, "\u202e", " ", "1:2", "%d", "#"))


def _content(path: str, data: bytes) -> st.SearchStrategy[bytes]:
    if data.startswith(b"PK"):
        return _bytes(data) | _archive(data)
    if data.startswith(PNG):
        return _bytes(data) | _bytes(data).map(sealed)
    if path.endswith(".json"):
        return _text(data) | _value(data, hashed=path.endswith("run.json"))
    return _bytes(data) | _text(data) if path.endswith(TEXTS) else _bytes(data)


@st.composite
def _bytes(draw: st.DrawFn, data: bytes) -> bytes:
    at = draw(st.integers(0, min(HEAD, len(data))) | st.integers(0, len(data)))
    gone = draw(st.sampled_from((0, 1, 2, 4, 8, 64, len(data))))
    piece, size = data[at : at + gone], draw(st.sampled_from((1, 2, 4, 8)))
    number = draw(st.integers(0, 256**size - 1) | st.just(256**size - 1))
    new = draw(
        st.binary(max_size=64)
        | st.sampled_from(("little", "big")).map(lambda order: number.to_bytes(size, order))
        | st.sampled_from((2, 100, 5000)).map(lambda count: (piece * count)[:LARGEST])
    )
    return data[:at] + new + data[at + gone :]


@st.composite
def _text(draw: st.DrawFn, data: bytes) -> bytes:
    text = data.decode("utf-8", "surrogateescape")
    pattern = draw(st.sampled_from((r"[^\s,;:=\"{}\[\]<>]+", r"[,;:\s]", r".*\n")))
    spans = [found.span() for found in re.finditer(pattern, text)]
    first, last = draw(st.sampled_from(spans)) if spans else (0, 0)
    line = text[first:last] * draw(st.sampled_from((2, 3, 1000)))
    text = text[:first] + draw(_WORDS | st.just(line)) + text[last:]
    return text.encode("utf-8", draw(st.sampled_from(("surrogatepass", "replace"))))


@st.composite
def _value(draw: st.DrawFn, data: bytes, hashed: bool) -> bytes:
    """JSON with one of its values replaced, and the right hash where it has one."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return data
    node, places = content, list[tuple[Any, Any]]()
    nodes = [node]
    while nodes:
        node = nodes.pop()
        if isinstance(node, (dict, list)):
            places += [
                (node, key) for key in (node if isinstance(node, dict) else range(len(node)))
            ]
            nodes += node.values() if isinstance(node, dict) else node
    if not places:
        return data
    node, key = draw(st.sampled_from(places))
    node[key] = draw(_JSON)
    if hashed and isinstance(content, dict) and "settings" in content:
        content["hash"] = digest(content["settings"])
    return json.dumps(content).encode()


@st.composite
def _archive(draw: st.DrawFn, data: bytes) -> bytes:
    """A zip with a member, or its name, changed."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        name = draw(st.sampled_from(sorted(members)))
    except Exception:  # it is damaged already
        return data
    if draw(st.integers(0, 4)) == 0:
        members[f"{draw(st.sampled_from(_NAMES[:6]))}{name[name.rfind('.') :]}"] = members.pop(name)
    else:
        members[name] = draw(_bytes(members[name]))[:LARGEST]
    return zipped(members)
