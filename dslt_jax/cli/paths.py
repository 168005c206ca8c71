"""Paths of the command line: read as --input reads its own, written so that links stay links."""

import contextlib
import os
import sys
from pathlib import Path

from absl import flags

from dslt_jax.app.sinks import part_of
from dslt_jax.cli.main import UserError
from dslt_jax.media import address
from dslt_jax.media.frames import FramesError, local_path

flags.disclaim_key_flags()  # a flag is its command's, whose help lists it in its place


def local(text: str, what: str = "", *, pipe: bool = False) -> str:
    """Returns the path that a word names: ~ and $NAME are expanded, as no shell does behind a =.

    Args:
      text: a path, or an address file://.
      what: stands before the word in sentences, e.g. "--output=".
      pipe: whether it may be -.

    Raises:
      UserError: it is empty, another address, or -.
    """
    if not text.strip():
        raise UserError(
            f"{what or 'a path'} is empty: give a path, or leave it out; was a variable of the "
            "shell not set?"
        )
    try:
        path = local_path(text)
    except FramesError as error:
        raise UserError(str(error)) from None
    if address.is_address(path):
        raise UserError(
            f"{what}{address.redact(path)} is an address: give a path on this machine, and "
            "download first what is to be read"
        )
    if path == "-" and not pipe:
        raise UserError(f"{what}- is no file here: give its path, ./- for one that is called -")
    return path


class _PathParser(flags.ArgumentParser[str]):
    """Of a flag's value."""

    def __init__(self, name: str, pipe: bool):
        super().__init__()
        self._name, self._pipe = name, pipe

    def parse(self, argument: str) -> str:
        try:
            return local(argument, f"--{self._name}=", pipe=self._pipe)
        except UserError as error:  # the status is that of any wrong flag
            raise flags.IllegalFlagValueError(str(error)) from None


def define(
    name: str, default: str | None, help_text: str, values: flags.FlagValues, *, pipe: bool = False
) -> None:
    """Adds a flag whose value is a path, read by `local`."""
    flags.DEFINE(
        _PathParser(name, pipe),
        name,
        default,
        help_text,
        flag_values=values,
        serializer=flags.ArgumentSerializer(),
    )


def is_stdout(path: str) -> bool:
    """Returns whether what is written there comes where prints go, as with - and /dev/stdout."""
    try:
        return path == "-" or os.path.samestat(os.stat(path), os.fstat(1))
    except OSError:
        return False


def write(path: str, text: str) -> None:
    """Writes a file whole or not at all, through a link to it, or into a pipe or device.

    Raises:
      OSError: it cannot be written.
    """
    data = text.encode(errors="replace")
    if is_stdout(path):  # its bytes are the file's, whatever the terminal's encoding
        sys.stdout.flush()
        with contextlib.suppress(BrokenPipeError):  # as prints do where their reader goes away
            sys.stdout.buffer.write(data)
        return
    if os.path.exists(path) and not os.path.isfile(path):  # its reader waits for these very bytes
        Path(path).write_bytes(data)
        return
    target = Path(os.path.realpath(path))
    part = part_of(target)
    try:
        part.write_bytes(data)
        part.replace(target)
    except OSError:
        part.unlink(missing_ok=True)
        raise
