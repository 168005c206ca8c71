"""`dslt report`: what it writes, what it says, and the exit status."""

import csv
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from dslt_jax.benchmarks import datasets, execute, results, runs, trajectory
from dslt_jax.benchmarks.execute import Protocol
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


def test_what_an_earlier_report_has_left_is_taken_away_or_told(folders, capsys):
    assert _report(folders, "Good") == 0
    old = [folders / "report" / "figures" / "eao.png", folders / "report" / "tables/attributes.csv"]
    other = folders / "report" / "figures" / "mine.png"
    for path in (*old, other):
        path.write_text("old")
    assert _report(folders, "Good", flags=["--nofigures"]) == 0
    assert "figures has those of an earlier report" in capsys.readouterr().err
    assert old[0].exists() and old[1].read_text() != "old"
    assert _report(folders, "Good") == 0
    assert not old[0].exists() and other.exists()


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


def test_only_these_sequences(folders, capsys):
    (folders / "anno" / "Deer.txt").write_text("1,2\n")
    flags = ["--nofigures", "--sequences", "Skiing"]
    assert _report(folders, "Good", "Poor", flags=flags) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[0] == "OTB: 2 trackers, 1 sequence"
    assert captured.err == ""
    assert _report(folders, "Good", flags=["--sequences", "Nobody"]) == 1
    assert "otb has no sequence 'Nobody'" in capsys.readouterr().err
    assert _report(folders, "Good", flags=["--sequences", "--nofigures"]) == 1
    assert "--sequences takes names" in capsys.readouterr().err


def test_what_was_asked_for_is_told_first(folders, capsys):
    (folders / "anno" / "Deer.txt").write_text("1,2\n")
    assert _report(folders, "Nobody") == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"dslt report: the results folder {folders / 'Nobody'} is missing"
    assert lines[1].startswith("dslt report: ") and "Deer.txt line 1" in lines[1]


def test_two_trackers_of_one_name_are_told_apart_everywhere(folders, capsys):
    for place, source in (("a", "Good"), ("b", "Poor")):
        (folders / place).mkdir()
        (folders / source).rename(folders / place / "x")
    (folders / "b" / "x" / "Deer.txt").unlink()
    assert _report(folders, "a/x", "b/x", flags=["--nofigures"]) == 0
    assert "b/x has no results on 1 sequence (Deer)" in capsys.readouterr().err
    tables = [
        (folders / "report" / "tables" / f"{name}.csv").read_text()
        for name in ("leaderboard", "sequences")
    ]
    assert all("a/x" in text and "b/x" in text for text in tables)
    assert '"name":"a/x"' in (folders / "report" / "index.html").read_text()


@pytest.mark.skipif(sys.platform == "darwin", reason="names of files are UTF-8 there")
def test_a_path_that_is_no_utf8(folders, capsys):
    path = folders / os.fsdecode(b"Go\xffod")
    (folders / "Good").rename(path)
    layouts.images(path / "otb" / "Deer" / "img", 1, 71)
    layouts.text(path / "otb" / "Deer" / "groundtruth_rect.txt", layouts.truth(71))
    command = ["dslt", "report", str(path), str(folders / "Poor"), "--dataset=otb"]
    flags = [f"--root={path / 'otb'}", f"--output={folders / 'report'}"]
    assert main([*command, *flags]) == 0
    page = (folders / "report" / "index.html").read_text()
    assert '"name":"Go?od"' in page and "../Go%FFod/otb/Deer/img/" in page


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("frames", [1, 12])
def test_short_vot_sequences_are_plotted_without_a_warning(tmp_path, capsys, frames):
    root, groups = tmp_path / "vot", {}
    for name in ("bag", "cup", "dog"):
        layouts.images(root / name, 1, frames, digits=8)
        layouts.text(root / name / "groundtruth.txt", np.tile([5.0, 5, 30, 20], (frames, 1)))
        run = trajectory.from_regions(np.tile([5.0, 5, 30, 20], (frames, 1)))
        run.seconds[:] = 0.1
        groups[name] = [run]
    results.write(tmp_path / "mine", datasets.load("vot", root), groups, "vot")
    where = ["--dataset", "vot", "--root", str(root), "--output", str(tmp_path / "report")]
    assert main(["dslt", "report", str(tmp_path / "mine"), *where]) == 0
    assert "EAO needs runs of 108" in capsys.readouterr().err
    assert (tmp_path / "report" / "figures" / "eao.png").is_file()
    flags = ["--nofigures", "--policy=wu"]
    assert main(["dslt", "report", str(tmp_path / "mine"), *where, *flags]) == 1
    assert "--policy is left out: it is not for VOT's experiments" in capsys.readouterr().err


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
        (["x"], "the results folder x is missing"),
        (["."], "which benchmark? --dataset otb | otb100"),
        (["x", "--dataset", "nothing", "--root", "."], "there is no dataset 'nothing'"),
        (["x", "--dataset", "otb", "--annotations", "n"], "n is not a folder"),
        (["x", "--dataset", "otb", "--annotations", "n", "--embed_frames"], "--root"),
    ],
)
def test_faults_of_the_command_line(capsys, arguments, message):
    assert main(["dslt", "report", *arguments]) == 1
    assert message in capsys.readouterr().err


def _run_folder(path, protocol, root, trajectories):
    """A run as `dslt benchmark` leaves it."""
    about = {"root": str(root), "annotations": None}
    with runs.Run(path, Protocol(protocol), {"dataset": "otb"}, about) as run:
        for sequence in datasets.load("otb", root):
            run.save(sequence, trajectories(sequence))


@pytest.fixture
def root(tmp_path):
    for name, count in (("Deer", 71), ("Skiing", 81)):
        layouts.images(tmp_path / "otb" / name / "img", 1, count)
        layouts.text(tmp_path / "otb" / name / "groundtruth_rect.txt", layouts.truth(count))
    return tmp_path / "otb"


def _leaderboard(report):
    return list(csv.DictReader((report / "tables" / "leaderboard.csv").read_text().splitlines()))


def _one_pass(sequence):
    return [trajectory.from_regions(sequence.boxes, np.full(len(sequence), 0.1))]


def test_a_run_knows_its_benchmark(root, tmp_path, capsys):
    _run_folder(tmp_path / "runs" / "mine", "ope", root, _one_pass)
    layouts.text(tmp_path / "Other" / "Deer.txt", layouts.truth(71))
    folders = [str(tmp_path / "runs" / "mine"), str(tmp_path / "Other")]
    output = ["--output", str(tmp_path / "report"), "--nofigures"]
    assert main(["dslt", "report", *folders, *output]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[0] == "OTB: 2 trackers, 1 sequence"
    assert "Other has no results on 1 sequence (Skiing)" in captured.err
    rows = _leaderboard(tmp_path / "report")
    assert [(row["tracker"], row["fps"]) for row in rows] == [("mine", "10.000"), ("Other", "")]


def test_a_damaged_run_is_told_and_the_rest_is_shown(root, tmp_path, capsys):
    for name in ("a", "b"):
        _run_folder(tmp_path / name, "ope", root, _one_pass)
    (tmp_path / "b" / "run.json").write_text("{}")
    output = ["--output", str(tmp_path / "report"), "--nofigures"]
    assert main(["dslt", "report", str(tmp_path / "b"), str(tmp_path / "a"), *output]) == 1
    captured = capsys.readouterr()
    assert "OTB: 1 tracker, 2 sequences" in captured.out
    assert "b/run.json is damaged" in captured.err
    assert main(["dslt", "report", str(tmp_path / "b"), *output]) == 1
    assert "b/run.json is damaged" in capsys.readouterr().err


def test_runs_with_several_starts_are_scored_over_all_of_them(root, tmp_path, capsys):
    def starts(sequence):
        plan = execute.starts(sequence, Protocol("sre"))
        # The first start alone is right.
        shifts = [0, *[25] * (len(plan) - 1)]
        return [
            trajectory.from_regions(sequence.boxes + np.array([shift, 0, 0, 0])) for shift in shifts
        ]

    _run_folder(tmp_path / "mine", "sre", root, starts)
    output = ["--output", str(tmp_path / "report"), "--nofigures"]
    assert main(["dslt", "report", str(tmp_path / "mine"), *output]) == 0
    assert "the player shows each sequence's first start" in capsys.readouterr().err
    assert "spatial robustness (SRE)" in (tmp_path / "report" / "index.html").read_text()
    # Wrong starts keep only their first frame, which is replaced by the truth.
    precision = float(_leaderboard(tmp_path / "report")[0]["p20"])
    assert 1 / 12 < precision < 0.2
    where = ["--dataset=otb", f"--root={root}"]
    assert main(["dslt", "score", str(tmp_path / "mine"), *where]) == 0
    assert float(capsys.readouterr().out.split()[-7]) == pytest.approx(precision, abs=1e-4)
    layouts.text(tmp_path / "Other" / "Deer.txt", layouts.truth(71))
    folders = [str(tmp_path / "mine"), str(tmp_path / "Other")]
    assert main(["dslt", "report", *folders, *output]) == 1
    assert "Other is no run of `dslt benchmark`" in capsys.readouterr().err


def test_runs_of_different_protocols_are_refused(root, tmp_path, capsys):
    _run_folder(tmp_path / "a", "ope", root, _one_pass)
    _run_folder(tmp_path / "b", "realtime", root, _one_pass)
    assert main(["dslt", "report", str(tmp_path / "a"), str(tmp_path / "b")]) == 1
    assert "only runs of one protocol can be compared" in capsys.readouterr().err


def test_a_pass_without_resets_is_scored_as_dslt_score_does(tmp_path, capsys):
    """Of a diamond, whose box around it is twice as large."""
    root = tmp_path / "vot"
    layouts.images(root / "a", 1, 30, digits=8)
    diamond = np.tile([20.0, 5, 35, 20, 20, 35, 5, 20], (30, 1))
    layouts.text(root / "a" / "groundtruth.txt", diamond)
    run = trajectory.from_regions(np.tile([5.0, 5, 30, 30], (30, 1)))
    results.write(
        tmp_path / "Ours", datasets.load("vot", root), {"a": [run]}, "vot", "unsupervised"
    )
    where = [str(tmp_path / "Ours"), "--dataset", "vot", "--root", str(root)]
    where += ["--experiment", "unsupervised"]
    assert main(["dslt", "score", *where]) == 0
    overlap, area = capsys.readouterr().out.splitlines()[-1].split()[1:]
    assert 0.5 < float(overlap) < 0.6
    report = tmp_path / "report"
    assert main(["dslt", "report", *where, "--output", str(report), "--nofigures"]) == 0
    assert capsys.readouterr().err == ""
    with (report / "tables" / "leaderboard.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert float(row["ao"]) == pytest.approx(float(overlap), abs=1e-4)
    assert float(row["auc"]) == pytest.approx(float(area), abs=1e-4)
