"""`dslt COMMAND [flags]`: finds the command's module and runs it."""

import importlib
import os
import re
import signal
import sys
import textwrap
import warnings
from typing import Any

from absl import flags

from dslt_jax.cli import endings, stray
from dslt_jax.version import __version__

# command -> what it does; `dslt data check` and `dslt weights fetch` take a verb after the command.
COMMANDS = {
    "track": "follow a target through a video, a folder of images or a camera",
    "ui": "do it in the browser: drag boxes, watch, correct, download",
    "demo": "render a clip with known truth, follow its target and score it",
    "convert": "turn tracks into the files of labelling and scoring tools",
    "export": "write a tracker as files that run without this package",
    "vot": "bring a tracker to the vot-toolkit, or answer a TraX client",
    "weights": "fetch, import and list network weights",
    "data": "check a benchmark's folder",
    "benchmark": "run a tracker over a benchmark",
    "score": "score result folders",
    "report": "write an HTML report of several runs",
}
HELP_WIDTH = 96


class UserError(Exception):
    """Something the user can mend; its text is the whole message."""


def usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, text in COMMANDS.items()]
    return "\n".join(
        [
            f"dslt {__version__}: visual tracking with shrinkage loss, in JAX",
            "",
            "usage: dslt COMMAND [flags]",
            "",
            *lines,
            "",
            "`dslt COMMAND --help` explains a command and lists its flags.",
        ]
    )


def main(argv: list[str]) -> int:
    """Runs one command and returns the exit status.

    A command module has `FLAGS` (its own `flags.FlagValues`), a docstring whose first paragraph
    and examples head its help, and `main(flags, arguments) -> int`. Status 2 is for wrong flags,
    130 for Ctrl-C, 143 for SIGTERM and 129 for SIGHUP.
    """
    if argv[1:2] == ["help"] and argv[2:3]:
        argv = [argv[0], argv[2], "--help"]
    if len(argv) < 2 or argv[1] in ("-h", "--help", "help"):
        print(usage())
        return 0 if len(argv) > 1 else 2
    if argv[1] in ("--version", "version"):
        print(f"dslt {__version__}")
        return 0
    command = argv[1]
    if command not in COMMANDS:
        print(f"dslt: there is no command '{command}'\n\n{usage()}", file=sys.stderr)
        return 2
    try:
        with endings.signals():
            return _call(command, argv[2:])
    except KeyboardInterrupt as stop:
        number = endings.signal_of(stop)
        by = "" if number == signal.SIGINT else f" by {number.name}"
        print(f"dslt {command}: interrupted{by}", file=sys.stderr)
        return 128 + number


def _call(command: str, words: list[str]) -> int:
    try:
        module = _module(command)
        if any(word in ("-h", "--help") for word in words):
            print(f"{(module.__doc__ or '').strip()}\n\n{command_help(module.FLAGS)}")
            return 0
        module.FLAGS.unparse_flags()
        arguments = module.FLAGS([f"dslt {command}", *words])[1:]
        if said := stray.complaint(module.FLAGS, words, getattr(module, "VERBS", ())):
            raise UserError(said)
        return module.main(module.FLAGS, arguments)
    except (UserError, flags.Error) as error:
        print(f"dslt {command}: {_plain(error)}{_hint(error)}", file=sys.stderr)
        return 2 if isinstance(error, flags.Error) else 1


def _module(command: str) -> Any:
    """Imports a command, and most of them JAX, which reads its variables then."""
    try:
        return importlib.import_module(f"dslt_jax.cli.{command}")
    except ValueError as error:
        named = re.search(r"\bjax[._]\w+", str(error), re.I)
        name = named[0].replace(".", "_").upper() if named else ""
        if name not in os.environ:
            raise
        raise UserError(f"JAX cannot use {name}={os.environ[name]}: unset it") from None


def _plain(error: Exception) -> str:
    """An error's sentence, where Python has none for users: of a flag that is a number."""
    text = re.sub(r": invalid literal for int\(\) .*", ": it is no whole number", str(error))
    return re.sub(r": could not convert string to float: .*", ": it is no number", text)


def _hint(error: Exception) -> str:
    """What to do about a number below 0 that stands alone and looks like a flag."""
    name = getattr(error, "flagname", "")
    if not re.fullmatch(r"\d[\d.,]*", name):
        return ""
    return f": '-{name}' stands alone. Numbers are joined by = and commas, e.g. --box=-{name},9,9,9"


AGAIN = "; repeat this option to specify a list of values"  # absl's, of --box too


def command_help(values: flags.FlagValues) -> str:
    """Returns the flags in the order they were defined: name, meaning, default."""
    lines = ["flags:"]
    for module_flags in values.flags_by_module_dict().values():
        for flag in module_flags:
            name = f"--[no]{flag.name}" if flag.boolean else f"--{flag.name}"
            text = " ".join(flag.help.split()).removesuffix(AGAIN)
            if flag.default is not False and flag.default not in (None, "", []):
                text += f" (default: {'yes' if flag.default is True else flag.default})"
            indent = " " * 18
            body = textwrap.fill(text, HELP_WIDTH, initial_indent=indent, subsequent_indent=indent)
            head = f"  {name}"
            lines.append(head.ljust(18) + body[18:] if len(head) < 17 else f"{head}\n{body}")
    return "\n".join(lines)


def run() -> None:
    """The console script."""
    warnings.filterwarnings("ignore", module=r"PIL\.")  # a damaged file is told in our words
    out, _ = endings.open_streams()
    status = main(sys.argv)
    out.flush()
    if out.problem:
        print(f"dslt: cannot write what it says: {out.problem}", file=sys.stderr)
    sys.exit(status or int(out.problem is not None))
