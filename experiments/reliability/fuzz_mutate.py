"""Makes hostile inputs from valid ones: bytes, text, names of files, and archives made whole again.

An input is a folder, {path in it: content}. `mutate` changes a copy of one in a few ways.
"""

import hashlib
import io
import json
import random
import re
import struct
import zipfile
import zlib

Tree = dict[str, bytes]

LARGEST = 2_000_000  # bytes of a file: what grows by repeats is cut there
PNG = b"\x89PNG\r\n\x1a\n"
TEXT_SUFFIXES = (".txt", ".csv", ".json", ".part", ".label", ".tag", ".ini", ".value")

# What stands for a number, a name or a word.
NUMBERS = (
    *("nan", "inf", "-inf", "-NaN", "Infinity", "1e308", "1e400", "-1e-400", "0", "-1", "-0.0"),
    *("2147483648", "18446744073709551616", "1" * 400, "9" * 5000, "1_0", "0x1F", "1e5", "1,5"),
    *("\u0663", "\u00b2", "\uff11", "", "null", "true", "[]", "{}", '"', "%n", "1" * 60_000 + "x"),
)
NAMES = (
    *("../x", "../../x", "../../../../x", "/etc/x", "~", "~root/x", "$HOME/x", "C:\\x", "..", "."),
    *("a/../../x", "con", "-rf", "x\0y", "x\ny", "\u202ex", "\ud800", "x" * 300, " ", "", "x-y"),
    *("<script>alert(1)</script>", "'; drop", "=1+1", "\x1b[2J", "overlay/../../x", "\u00b2"),
)
EXTREMES = (
    0,
    1,
    -1,
    127,
    255,
    256,
    32767,
    65535,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63 - 1,
    2**64 - 1,
)


def mutate(tree: Tree, others: list[Tree], chance: random.Random) -> Tree:
    """Returns a changed copy of an input; `others` are those of the same reader."""
    tree = dict(tree)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        path = chance.choice(sorted(tree))
        other = chance.choice(others)
        tree[path] = _content(path, tree[path], other, chance)[:LARGEST]
    if chance.random() < 0.05:
        _rename(tree, chance)
    return tree


def _content(path: str, data: bytes, other: Tree, chance: random.Random) -> bytes:
    splice = other[chance.choice(sorted(other))]
    if data.startswith(b"PK") and chance.random() < 0.6:
        return _in_zip(data, splice, chance)
    if data.startswith(PNG) and chance.random() < 0.6:
        return _sealed(_bytes(data, splice, chance))
    if not path.endswith(TEXT_SUFFIXES):
        return _bytes(data, splice, chance)
    changed = _text(data, chance) if chance.random() < 0.8 else _bytes(data, splice, chance)
    return _rehashed(changed) if path.endswith("run.json") and chance.random() < 0.7 else changed


def _bytes(data: bytes, splice: bytes, chance: random.Random) -> bytes:
    """Flips, cuts, repeats, swaps, overwrites; numbers at the extremes of their kind."""
    new = bytearray(data or b"\0")
    # Headers decide more than pictures do.
    reach = len(new) if chance.random() < 0.5 else min(len(new), 128)
    at = chance.randrange(reach)
    length = chance.choice((1, 2, 4, 8, 64, len(new) // 3 + 1))
    match chance.randrange(9):
        case 0:
            for _ in range(chance.choice((1, 2, 8, 64))):
                new[chance.randrange(reach)] ^= 1 << chance.randrange(8)
        case 1:
            del new[at:]
        case 2:
            del new[at : at + length]
        case 3:
            new[at:at] = bytes(new[at : at + length]) * chance.choice((1, 2, 100, 5000))
        case 4:
            to = chance.randrange(len(new))
            new[at : at + length], new[to : to + length] = (
                new[to : to + length],
                new[at : at + length],
            )
        case 5:
            new[at : at + length] = chance.choice((b"\0", b"\xff")) * length
        case 6:
            new[at:at] = chance.randbytes(length)
        case 7:
            size = chance.choice((1, 2, 4, 8))
            number = chance.choice(EXTREMES) & (256**size - 1)
            new[at : at + size] = number.to_bytes(size, chance.choice(("little", "big")))
        case 8:
            new[at:] = splice[min(at, len(splice)) :]
    return bytes(new)


def _text(data: bytes, chance: random.Random) -> bytes:
    """Other numbers, names, lines, separators; characters that no one expects; depth."""
    text = data.decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    row = chance.randrange(len(lines))
    words = list(re.finditer(r"[^\s,;:=\"{}\[\]]+", text))
    word = chance.choice(words).span() if words else (0, 0)
    at = chance.randrange(len(text) + 1)
    match chance.randrange(10):
        case 0 | 1 | 2:
            text = text[: word[0]] + chance.choice(NUMBERS) + text[word[1] :]
        case 3 | 4:
            text = text[: word[0]] + chance.choice(NAMES) + text[word[1] :]
        case 5:
            odd = ("\0", "\ufeff", "\u2028", "\x85", "\x0b", "\r", "\t", "#", "\u200b", "\ud83d")
            text = text[:at] + chance.choice(odd) * chance.choice((1, 3, 1000)) + text[at:]
        case 6:
            lines[row:row] = [lines[row]] * chance.choice((1, 2, 1000))
            text = "\n".join(lines)
        case 7:
            lines[row] = chance.choice(("", lines[row] * 1000, lines[row][::-1], ", " * 30_000))
            text = "\n".join(lines)
        case 8:
            text = text.replace(chance.choice(",;\t\n "), chance.choice((",", ";", "\t", " ", "")))
        case 9:
            deep = chance.choice(("[" * 100_000, '{"a":' * 50_000, "(" * 1000, "[[]" * 30_000))
            text = text[: word[0]] + deep + text[word[1] :]
    return text.encode("utf-8", "surrogatepass" if chance.random() < 0.5 else "replace")


def _rename(tree: Tree, chance: random.Random) -> None:
    """Gives a file another name, in the same folder."""
    path = chance.choice(sorted(tree))
    folder, slash, name = path.rpartition("/")
    stem, dot, suffix = name.rpartition(".")
    new = chance.choice(
        ("\u00b2", "-1", "x" * 240, "9" * 230, "\u202e", " ", "1:2", "%d", "#", "*")
    )
    tree[f"{folder}{slash}{new}{dot}{suffix}" if stem else path] = tree.pop(path)


def _in_zip(data: bytes, splice: bytes, chance: random.Random) -> bytes:
    """Changes a member of an archive, or its name, and makes the archive whole again."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {info.filename: archive.read(info) for info in archive.infolist()}
    except Exception:  # it is damaged already
        return _bytes(data, splice, chance)
    name = chance.choice(sorted(members))
    if chance.random() < 0.2:
        stem, dot, suffix = name.rpartition(".")
        odd = chance.choice(NAMES).encode("utf-8", "replace").decode()
        members[f"{odd}{dot}{suffix}"] = members.pop(name)
    else:
        members[name] = _bytes(members[name], splice, chance)[:LARGEST]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _sealed(data: bytes) -> bytes:
    """A PNG whose checksums are right, so that readers look further than at these."""
    sealed, at = bytearray(data), len(PNG)
    while at + 12 <= len(sealed):
        (length,) = struct.unpack_from(">I", sealed, at)
        end = at + 8 + length
        if end + 4 > len(sealed):
            break
        struct.pack_into(">I", sealed, end, zlib.crc32(sealed[at + 4 : end]))
        at = end + 4
    return bytes(sealed)


def _rehashed(data: bytes) -> bytes:
    """A run.json whose hash is that of its settings, where it is JSON at all."""
    try:
        content = json.loads(data)
        text = json.dumps(content["settings"], sort_keys=True, separators=(",", ":"))
        content["hash"] = hashlib.sha256(text.encode()).hexdigest()
        return json.dumps(content).encode()
    except (ValueError, KeyError, TypeError, RecursionError):
        return data
