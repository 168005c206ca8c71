"""`dslt COMMAND [flags]`: finds the command's module and runs it."""

import importlib
import sys

from absl import flags

from dslt_jax.version import __version__

# command -> what it does; `dslt data check` and `dslt weights fetch` take a verb after the command.
COMMANDS = {
    "track": "follow a target through a video, a folder of images or a camera",
    "weights": "fetch, import and list network weights",
    "data": "check a benchmark's folder",
    "benchmark": "run a tracker over a benchmark",
    "score": "score result folders",
    "report": "write an HTML report of several runs",
}


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
            "`dslt COMMAND --help` lists a command's flags.",
        ]
    )


def main(argv: list[str]) -> int:
    """Runs one command and returns the exit status.

    A command module has `FLAGS` (its own `flags.FlagValues`), a docstring whose first paragraph
    and examples head its help, and `main(flags, arguments) -> int`.
    """
    if len(argv) < 2 or argv[1] in ("-h", "--help", "help"):
        print(usage())
        return 0 if len(argv) > 1 else 2
    if argv[1] in ("--version", "version"):
        print(__version__)
        return 0
    command = argv[1]
    if command not in COMMANDS:
        print(f"dslt: there is no command '{command}'\n\n{usage()}", file=sys.stderr)
        return 2
    module = importlib.import_module(f"dslt_jax.cli.{command}")
    if any(a in ("-h", "--help") for a in argv[2:]):
        print(f"{module.__doc__.strip()}\n\n{command_help(module.FLAGS)}")
        return 0
    module.FLAGS.unparse_flags()
    try:
        arguments = module.FLAGS([f"dslt {command}", *argv[2:]])[1:]
        return module.main(module.FLAGS, arguments)
    except (UserError, flags.Error) as error:
        print(f"dslt {command}: {error}", file=sys.stderr)
        return 2 if isinstance(error, flags.Error) else 1


def command_help(values: flags.FlagValues) -> str:
    """Returns a line or two a flag: name, meaning, default."""
    lines = ["flags:"]
    for module_flags in values.flags_by_module_dict().values():
        for flag in module_flags:
            default = "" if flag.default in (None, "", []) else f" (default: {flag.default})"
            lines.append(f"  --{flag.name}\n        {flag.help}{default}")
    return "\n".join(lines)


def run() -> None:
    """The console script."""
    sys.exit(main(sys.argv))
