"""Paths of the command line, in every flag that has one and among the other words."""

import importlib
import os
import threading

import pytest

from dslt_jax.cli import main as cli
from dslt_jax.cli import paths

PATHS = {
    "track": ("box_file", "targets", "output", "weights"),
    "ui": ("folder", "output", "weights"),
    "demo": ("output", "weights"),
    "convert": ("output",),
    "export": ("output", "weights"),
    "vot": ("workspace", "weights"),
    "data": ("root", "annotations"),
    "benchmark": ("root", "annotations", "output", "weights"),
    "score": ("root", "annotations", "csv"),
    "report": ("root", "annotations", "output"),
}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("command", PATHS)
def test_every_flag_of_a_path_is_read_as_a_shell_reads_it(home, command):
    values = importlib.import_module(f"dslt_jax.cli.{command}").FLAGS
    for name in PATHS[command]:
        for word in ("~/a b", "$HOME/a b", f"file://{home}/a%20b", f"{home}/a b"):
            values.unparse_flags()
            values(["dslt", f"--{name}={word}"])
            assert values[name].value == f"{home}/a b"
    values.unparse_flags()


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["track", "--output=http://me:pw@host/out"], 2, "--output=http://host/out is an address:"),
        (["track", "--weights", "https://host/w.pth"], 2, "download first what is to be read"),
        (["track", "--box_file=file://other/b.txt"], 2, "a file on the computer 'other'"),
        (["track", "--box_file=-"], 2, "--box_file=- is no file here"),
        (["track", "--weights="], 2, "--weights= is empty: give a path, or leave it out"),
        (["score", " "], 1, "a path is empty"),
        (["score", "--csv=-"], 2, "--csv=- is no file here"),
        (["score", "http://host/r"], 1, "http://host/r is an address"),
        (["convert", "-", "--to=mot"], 1, "- is no file here: give its path"),
        (["weights", "import", "http://host/w.npz"], 1, "http://host/w.npz is an address"),
    ],
)
def test_what_is_no_path_is_told_before_anything_is_written(
    home, capsys, monkeypatch, words, status, text
):
    monkeypatch.chdir(home)
    assert cli.main(["dslt", *words]) == status
    said = capsys.readouterr().err
    assert text in said and "pw" not in said
    assert not list(home.iterdir())


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["convert", "~/o1", "--to=mot"], "{}/o1"),
        (["weights", "import", "$HOME/w.pth"], "{}/w.pth cannot be opened"),
        (["score", "~/mine", "--dataset=otb", "--annotations=~/none"], "{}/none is not a folder"),
    ],
)
def test_other_words_are_read_so_too(home, capsys, words, text):
    assert cli.main(["dslt", *words]) == 1
    assert text.format(home) in capsys.readouterr().err


def test_a_link_stays_one_and_what_it_leads_to_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    link, target = tmp_path / "link.txt", tmp_path / "there" / "target.txt"
    link.symlink_to(target)
    for text in ("new", "newer"):
        paths.write(str(link), text)
        assert link.is_symlink() and target.read_text() == text
    assert [path.name for path in target.parent.iterdir()] == ["target.txt"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_who_reads_a_fifo_gets_the_text(tmp_path):
    fifo, read = tmp_path / "fifo", []
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: read.append(fifo.read_text()), daemon=True)
    reader.start()
    paths.write(str(fifo), "1,2\n")
    reader.join(10)
    assert read == ["1,2\n"] and fifo.is_fifo()


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "folder").mkdir()
    for name in ("folder", "none/file"):
        with pytest.raises(OSError):
            paths.write(str(tmp_path / name), "text")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
