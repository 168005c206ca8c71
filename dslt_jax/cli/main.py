"""`dslt COMMAND [flags]`: finds the command's module and runs it."""

import importlib
import sys
import textwrap

from absl import flags

from dslt_jax.version import __version__

# command -> what it does; `dslt data check` and `dslt weights fetch` take a verb after the command.
COMMANDS = {
    "track": "follow a target through a video, a folder of images or a camera",
    "demo": "render a clip with known truth, follow its target and score it",
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
    130 for Ctrl-C.
    """
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
    module = importlib.import_module(f"dslt_jax.cli.{command}")
    if any(argument in ("-h", "--help") for argument in argv[2:]):
        print(f"{(module.__doc__ or '').strip()}\n\n{command_help(module.FLAGS)}")
        return 0
    module.FLAGS.unparse_flags()
    try:
        arguments = module.FLAGS([f"dslt {command}", *argv[2:]])[1:]
        return module.main(module.FLAGS, arguments)
    except (UserError, flags.Error) as error:
        print(f"dslt {command}: {error}", file=sys.stderr)
        return 2 if isinstance(error, flags.Error) else 1
    except KeyboardInterrupt:
        print(f"dslt {command}: interrupted", file=sys.stderr)
        return 130


def command_help(values: flags.FlagValues) -> str:
    """Returns the flags in the order they were defined: name, meaning, default."""
    lines = ["flags:"]
    for module_flags in values.flags_by_module_dict().values():
        for flag in module_flags:
            name = f"--[no]{flag.name}" if flag.boolean else f"--{flag.name}"
            text = " ".join(flag.help.split())
            if flag.default is not False and flag.default not in (None, "", []):
                text += f" (default: {'yes' if flag.default is True else flag.default})"
            indent = " " * 18
            body = textwrap.fill(text, HELP_WIDTH, initial_indent=indent, subsequent_indent=indent)
            head = f"  {name}"
            lines.append(head.ljust(18) + body[18:] if len(head) < 17 else f"{head}\n{body}")
    return "\n".join(lines)


def run() -> None:
    """The console script."""
    sys.exit(main(sys.argv))
