"""What the pages tell people to run: Python runs as it stands, commands and flags are there."""

import importlib
import itertools
import re
import shlex

import numpy as np
import pages
import pytest

from dslt_jax.cli import main as cli
from dslt_jax.media import synthetic

SLOW = ("jax.md",)  # compiles under every transformation
WITH_PYTHON = [
    pytest.param(page, marks=pytest.mark.slow if page.name in SLOW else ())
    for page in pages.PAGES
    if pages.blocks(page, "python") and page.name != "README.md"
]
WITH_COMMANDS = [page for page in pages.PAGES if pages.blocks(page, "sh")]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=pages.name)
def test_python_runs(page, capsys):
    source = synthetic.beetle_clip(150, 240, 180)
    clip = np.stack([np.asarray(frame.image) for frame in itertools.islice(source.source, 4)])
    names = {"clip": clip, "box": source.boxes[0].astype(np.float32)}
    for block in pages.blocks(page, "python"):
        exec(compile(block, pages.name(page), "exec"), names)
    printed = capsys.readouterr().out
    assert "nan" not in printed
    outs = names.get("outs")
    assert outs is None or np.isfinite(outs.box).all()


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=pages.name)
def test_commands_are_there(page):
    lines = "\n".join(pages.blocks(page, "sh")).replace("\\\n", " ").splitlines()
    made = (pages.ROOT / "Makefile").read_text(encoding="utf-8")
    for words in (shlex.split(line, comments=True) for line in lines):
        match words:
            case ["dslt", command, *rest]:
                assert command in cli.COMMANDS
                _check_flags(command, rest)
            case ["make", *targets]:
                wanted = [target for target in targets if re.fullmatch("[a-z]+", target)]
                assert all(re.search(rf"^{target}:", made, re.M) for target in wanted)
            case ["python", script, *_] if not script.endswith("_export/tracker.py"):
                assert (pages.ROOT / script).is_file(), script


def _check_flags(command, words):
    values = importlib.import_module(f"dslt_jax.cli.{command}").FLAGS
    if "--help" in words:
        return
    values.unparse_flags()
    values([f"dslt {command}", *words])  # an unknown flag or a value that it cannot have raises
    values.unparse_flags()


def test_a_wrong_flag_would_be_found():
    with pytest.raises(Exception, match="outptu"):
        _check_flags("track", ["--outptu", "x"])
