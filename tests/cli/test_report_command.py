"""`dslt report`: what it writes, what it says, and the exit status."""

import sys
from pathlib import Path

import numpy as np
import pytest

from dslt_jax.cli.main import main

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import layouts


@pytest.fixture
def folders(tmp_path):
    for name, count in (("Deer", 71), ("Skiing", 81)):
        layouts.text(tmp_path / "anno" / f"{name}.txt", layouts.truth(count))
        for tracker, shift in (("Good", 1), ("Poor", 30)):
            moved = layouts.truth(count) + np.array([shift, 0, 0, 0])
            layouts.text(tmp_path / tracker / f"{name}.txt", moved)
    return tmp_path


def _report(folders, *trackers, flags=()):
    paths = [str(folders / tracker) for tracker in trackers]
    where = ["--dataset", "otb", "--annotations", str(folders / "anno")]
    output = ["--output", str(folders / "report")]
    return main(["dslt", "report", *paths, *where, *output, *flags])


def test_page_figures_and_tables(folders, capsys):
    assert _report(folders, "Good", "Poor", flags=["--title", "Two trackers"]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[0] == "Two trackers, 2 sequences"
    assert captured.err == ""
    assert "<h1>Two trackers</h1>" in (folders / "report" / "index.html").read_text()
    assert (folders / "report" / "figures" / "success.pdf").is_file()
    assert (folders / "report" / "tables" / "leaderboard.tex").is_file()


def test_different_sequences_are_told_and_that_is_no_failure(folders, capsys):
    (folders / "Poor" / "Deer.txt").unlink()
    assert _report(folders, "Good", "Poor", flags=["--nofigures"]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[0] == "OTB: 2 trackers, 1 sequence"
    assert "Poor has no results on 1 sequence (Deer)" in captured.err
    assert "compared on the 1 sequence that all trackers have, not on 2" in captured.err
    assert not (folders / "report" / "figures").exists()


def test_a_damaged_file_and_a_missing_folder_are_failures_but_the_rest_is_shown(folders, capsys):
    (folders / "Poor" / "Deer.txt").write_text("1,2,x,4\n")
    assert _report(folders, "Good", "Poor", "Nobody", flags=["--nofigures"]) == 1
    told = capsys.readouterr().err
    assert "Deer.txt line 1" in told
    assert f"the results folder {folders / 'Nobody'} is missing" in told
    assert (folders / "report" / "index.html").is_file()


def test_without_matplotlib_the_page_is_still_written(folders, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert _report(folders, "Good") == 1
    assert "pip install 'dslt-jax[report]'" in capsys.readouterr().err
    assert (folders / "report" / "index.html").is_file()


def test_an_output_that_cannot_be_written(folders, capsys):
    (folders / "report").write_text("in the way")
    assert _report(folders, "Good") == 1
    assert f"cannot write {folders / 'report' / 'index.html'}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name at least one folder of results"),
        (["x"], "which benchmark? --dataset otb | otb100"),
        (["x", "--dataset", "nothing", "--root", "."], "there is no dataset 'nothing'"),
        (["x", "--dataset", "otb", "--annotations", "n"], "n is not a folder"),
        (["x", "--dataset", "otb", "--annotations", "n", "--embed_frames"], "--root"),
    ],
)
def test_faults_of_the_command_line(capsys, arguments, message):
    assert main(["dslt", "report", *arguments]) == 1
    assert message in capsys.readouterr().err
