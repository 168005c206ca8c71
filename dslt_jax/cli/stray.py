"""Values that were written in several words, of which a flag takes the first: --sequences A B."""

import itertools
import os
import re
from collections.abc import Collection, Sequence

from absl import flags

from dslt_jax.media.frames import local_path

# Flags of one value that is easily written as two, such as --size 1920 1080.
_SINGLE = ("end", "size", "start", "thresholds")


def complaint(
    values: flags.FlagValues, words: Sequence[str], verbs: Collection[str] = ()
) -> str | None:
    """Returns what to say of a word that stands behind a flag's value and is meant as part of it.

    What is a file or folder is an input of the command, and no such word.

    Args:
      values: the flags of a command.
      words: its command line.
      verbs: what may stand anywhere in it.
    """
    for i, word in enumerate(words):
        if word == "--":
            return None
        name, joined, value = word.lstrip("-").partition("=")
        if not word.startswith("-") or name not in values:
            continue
        if not joined:
            value = "".join(words[i + 1 : i + 2])
        rest = words[i + 1 if joined else i + 2 :]
        behind = list(itertools.takewhile(lambda one: _is_stray(one, verbs), rest))
        if behind and (cure := _cure(values[name], value, behind)):
            return f"'{behind[0]}' is left over behind --{name} {value}: {cure}"
    return None


def _is_stray(word: str, verbs: Collection[str]) -> bool:
    known = word.startswith("-") or word in verbs
    # An input, were it only mistyped: what is wrong with it is told where it is read.
    named = os.sep in word or re.search(r"\.[a-z]\w{1,3}$", word, re.I)
    return not (known or named or os.path.lexists(local_path(word)))


def _cure(flag: flags.Flag, value: str, behind: list[str]) -> str | None:
    """How the value is written; None where the words are none of it."""
    if isinstance(flag.parser, flags.ListParser):
        parts = filter(None, (part.strip(",") for part in [value, *behind]))
        written = f"a list is written with commas, --{flag.name} {','.join(parts)}"
        return f"{written} (there is no file or folder '{behind[0]}')"
    if flag.name == "set":
        if not re.search("=.", value):  # --set rate 0.1
            number = "".join(behind[:2]) if behind[0] == "=" else behind[0]
            return f"a setting is one word, --set {value.strip('=')}={number.strip('=')}"
        if more := list(itertools.takewhile(re.compile(r"[\w.]+=.").match, behind)):
            each = " ".join(f"--set {one}" for one in [value, *more])
            return f"every setting has its own --set, {each}"
    if flag.name in _SINGLE and re.match(r"\d", value) and re.fullmatch(r"[\d.:,x]+s?", behind[0]):
        return f"--{flag.name} takes one word, {flag.help}"
    return None
