import os
import signal
import subprocess
import sys
import types

import pytest
from absl import flags

from dslt_jax.cli import main as cli
from dslt_jax.version import __version__


@pytest.fixture
def command(monkeypatch):
    """A command called `score` that does what a test says."""
    module = types.ModuleType("dslt_jax.cli.score", "Scores it.\n\n    dslt score A\n")
    module.FLAGS = flags.FlagValues()
    flags.DEFINE_integer("size", 3, "how large;  in\nmetres", flag_values=module.FLAGS)
    flags.DEFINE_boolean("fast", True, "do it fast", flag_values=module.FLAGS)
    flags.DEFINE_string("a_rather_long_name", None, "something", flag_values=module.FLAGS)
    module.main = lambda values, arguments: values.size
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def test_help_lists_every_command(capsys):
    assert cli.main(["dslt", "--help"]) == 0
    shown = capsys.readouterr().out
    for name, text in cli.COMMANDS.items():
        assert f"{name} " in shown and text in shown
    assert max(map(len, shown.splitlines())) <= 100


@pytest.mark.parametrize("name", ["score", "report", "data", "convert"])
def test_what_reads_files_alone_does_not_wait_for_jax(name):
    code = f"import sys, dslt_jax.cli.{name}; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_no_command_is_wrong_usage(capsys):
    assert cli.main(["dslt"]) == 2
    assert "usage: dslt COMMAND" in capsys.readouterr().out


def test_an_unknown_command_is_named(capsys):
    assert cli.main(["dslt", "trakc"]) == 2
    error = capsys.readouterr().err
    assert "there is no command 'trakc'" in error and "track" in error


def test_the_version(capsys):
    assert cli.main(["dslt", "--version"]) == 0
    assert capsys.readouterr().out == f"dslt {__version__}\n"


def test_help_of_a_command(command, capsys):
    assert cli.main(["dslt", "score", "x", "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["Scores it.", "", "    dslt score A"]
    assert "  --size          how large; in metres (default: 3)" in lines
    assert "  --[no]fast      do it fast (default: yes)" in lines
    place = lines.index("  --a_rather_long_name")
    assert lines[place + 1].strip() == "something"
    assert cli.main(["dslt", "help", "score"]) == 0
    assert capsys.readouterr().out.splitlines() == lines


def test_flags_reach_the_command_and_its_status_comes_back(command):
    assert cli.main(["dslt", "score", "--size=5"]) == 5
    assert cli.main(["dslt", "score"]) == 3  # nothing is left of the call before


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (cli.UserError("the box is odd"), 1, "dslt score: the box is odd\n"),
        (KeyboardInterrupt(), 130, "dslt score: interrupted\n"),
    ],
)
def test_what_a_command_raises(command, capsys, error, status, message):
    def fail(values, arguments):
        raise error

    command.main = fail
    assert cli.main(["dslt", "score"]) == status
    assert capsys.readouterr().err == message


@pytest.mark.parametrize(
    ("flag", "says"),
    [("--sise=5", "Unknown command line flag 'sise'"), ("--size=big", "it is no whole number")],
)
def test_wrong_flags(command, capsys, flag, says):
    assert cli.main(["dslt", "score", flag]) == 2
    said = capsys.readouterr().err
    assert said.startswith("dslt score: ") and says in said


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_every_command_as_ctrl_c_does(command, capsys, name, status):
    kept, number = [], getattr(signal, name)
    outside = signal.signal(number, signal.SIG_DFL)  # under nohup it would stay ignored

    def work(values, arguments):
        try:
            signal.raise_signal(number)
            signal.pause()
        except KeyboardInterrupt:
            kept.append("all that is done")
            raise

    command.main = work
    assert cli.main(["dslt", "score"]) == status
    assert capsys.readouterr().err == f"dslt score: interrupted by {name}\n"
    assert kept == ["all that is done"]
    assert signal.getsignal(number) == signal.SIG_DFL
    signal.signal(number, outside)


def test_a_bug_is_not_hidden(command):
    def fail(values, arguments):
        raise ZeroDivisionError

    command.main = fail
    with pytest.raises(ZeroDivisionError):
        cli.main(["dslt", "score"])
