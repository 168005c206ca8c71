"""`dslt score`: the table, the policy beside it, and the exit status."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest

from dslt_jax.benchmarks import datasets, results, runs, trajectory
from dslt_jax.benchmarks.execute import Protocol
from dslt_jax.cli.main import main

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import layouts

SHARED = Path(__file__).parents[3] / "shared"


@pytest.fixture
def folders(tmp_path):
    """Annotations of two OTB targets and two trackers' results."""
    for name, count in (("Deer", 71), ("Skiing", 81)):
        layouts.text(tmp_path / "anno" / f"{name}.txt", layouts.truth(count))
        layouts.text(
            tmp_path / "Good" / f"{name}.txt", layouts.truth(count) + np.array([1, 0, 0, 0])
        )
        layouts.text(
            tmp_path / "Poor" / f"{name}.txt", layouts.truth(count) + np.array([30, 0, 0, 0])
        )
    return tmp_path


def _score(folders, *trackers, flags=()):
    paths = [str(folders / tracker) for tracker in trackers]
    where = ["--dataset", "otb", "--annotations", str(folders / "anno")]
    return main(["dslt", "score", *paths, *where, *flags])


def test_flags_of_vot_are_told_where_they_mean_nothing(folders, capsys):
    assert _score(folders, "Good", flags=["--exact", "--toolkit", "toolkit"]) == 1
    told = capsys.readouterr().err
    assert "--exact is left out: it is not for boxes of one pass" in told
    assert "--toolkit is left out" in told


def test_a_ranked_table_with_its_policy(folders, capsys):
    flags = ["--attributes", "--per_sequence", "--compare", "Poor", "--csv", str(folders / "s.csv")]
    assert _score(folders, "Poor", "Good", flags=flags) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert captured.err == ""
    assert lines[0] == "otb: 2 sequences, 152 frames"
    assert lines[1].startswith("policy wu: 21 thresholds; overlap > t")
    assert [line.split()[0] for line in lines[2:5]] == ["tracker", "Good", "Poor"]
    assert float(lines[3].split()[2]) == 1.0  # all centers are within 20 pixels
    assert any(line.startswith("IPR") for line in lines)
    assert any(line.startswith("Skiing ") for line in lines)
    assert any(line.startswith("Good  +") and line.endswith("2 : 0") for line in lines)
    rows = list(csv.DictReader((folders / "s.csv").read_text().splitlines()))
    assert [(row["tracker"], row["sequence"], row["frames"]) for row in rows] == [
        ("Good", "Deer", "71"),
        ("Good", "Skiing", "81"),
        ("Poor", "Deer", "71"),
        ("Poor", "Skiing", "81"),
    ]


def test_another_policy_and_grid(folders, capsys):
    assert _score(folders, "Good", flags=["--policy", "got10k", "--thresholds", "101"]) == 0
    out = capsys.readouterr().out
    assert "policy got10k: 101 thresholds" in out
    assert "SR75" in out


def test_common_sequences_are_compared_and_missing_ones_told(folders, capsys):
    (folders / "Poor" / "Deer.txt").unlink()
    assert _score(folders, "Good", "Poor") == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines()[0] == "otb: 1 sequence, 81 frames"
    assert "compared on the 1 sequence that all trackers have, not 2" in captured.err
    assert f"Deer has no result in {folders / 'Poor'}" in captured.err


def test_trackers_without_common_sequences(folders, capsys):
    (folders / "Poor" / "Deer.txt").unlink()
    (folders / "Good" / "Skiing.txt").unlink()
    assert _score(folders, "Good", "Poor") == 1
    assert "no sequence in common" in capsys.readouterr().err


def test_short_results_and_not_numbers_are_told(folders, capsys):
    rows = layouts.truth(71)[:60]
    rows[7] = np.nan
    layouts.text(folders / "Good" / "Deer.txt", rows)
    assert _score(folders, "Good") == 0
    told = capsys.readouterr().err
    assert "Good, Deer: 60 rows for 71 frames, the missing 11 count as failures" in told
    assert "Good, Deer: 1 rows are not numbers and repeat the row before" in told


def test_broken_annotations_are_told_and_the_rest_is_scored(folders, capsys):
    (folders / "anno" / "Deer.txt").write_text("1,2,3\n")
    assert _score(folders, "Good") == 1
    captured = capsys.readouterr()
    assert captured.out.startswith("otb: 1 sequence, 81 frames")
    assert "Deer.txt line 1: '1,2,3' has 3 numbers" in captured.err


def test_only_these_sequences(folders, capsys):
    layouts.text(folders / "anno" / "Couple.txt", [[1, 2, 3]])  # broken, and without results
    assert _score(folders, "Good", flags=["--sequences", "Skiing,Skiing"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("otb: 1 sequence, 81 frames")
    assert captured.err == ""
    assert _score(folders, "Good", flags=["--sequences=Deer,skiing"]) == 1
    assert "otb has no sequence 'skiing', but Skiing" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--sequences", "--attributes"], ["--sequences=true"]])
def test_the_switch_of_old_is_told(folders, capsys, flags):
    assert _score(folders, "Good", flags=flags) == 1
    told = capsys.readouterr().err
    assert "--sequences takes names, --sequences Deer,Skiing" in told
    assert "--per_sequence" in told
    assert _score(folders, "Good", flags=["--nosequences"]) == 2
    assert "nosequences" in capsys.readouterr().err


def test_what_was_asked_for_is_told_first_and_each_fault_on_its_line(folders, capsys):
    for name in ("Couple", "Jumping"):
        (folders / "anno" / f"{name}.txt").write_text("x,y,w,h\n1,2,3,4\n")
    for name in ("Deer", "Skiing"):
        (folders / "Good" / f"{name}.txt").write_text("0,1,2,3,4\n")
    assert _score(folders, "Good") == 1
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("dslt score: ") for line in lines)
    places = [
        lines.index(next(line for line in lines if word in line))
        for word in (
            "Good/Deer.txt line 1: '0,1,2,3,4' has 5",
            "Good/Skiing.txt line 1",
            "Good has no results of otb",
            "anno/Couple.txt line 1",
            "anno/Jumping.txt line 1",
        )
    ]
    assert sorted(places) == [0, 1, 2, 3, 4]
    assert places.index(0) < 2 and set(places[3:]) == {3, 4}
    (folders / "Poor" / "Deer.txt").write_text("")
    assert _score(folders, "Nobody", "Poor") == 1
    lines = capsys.readouterr().err.splitlines()
    assert "Nobody is missing" in lines[0] and "Deer.txt is empty" in lines[1]
    assert _score(folders, "anno") == 1
    assert _score(folders, ".") == 1
    assert f"results are a folder, {folders / 'Good'} is one" in capsys.readouterr().err


def test_no_sequence_can_be_read(folders, capsys):
    for name in ("Deer", "Skiing"):
        (folders / "anno" / f"{name}.txt").write_text("1,2\n")
    assert _score(folders, "Good") == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition("/")[2].split()[0] for line in lines[:2]] == ["Deer.txt", "Skiing.txt"]
    assert lines[2] == "dslt score: no sequence of otb can be read"


def test_two_trackers_of_one_name_are_told_apart_everywhere(folders, capsys):
    for place, source in (("a", "Good"), ("b", "Poor")):
        (folders / place).mkdir()
        (folders / source).rename(folders / place / "x")
    flags = ["--per_sequence", "--compare", "a/x", "--csv", str(folders / "s.csv")]
    assert _score(folders, "a/x", "b/x", flags=flags) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:5]] == ["tracker", "a/x", "b/x"]
    assert any(line.split() == ["a/x", "b/x"] for line in lines)
    assert any(line.startswith("b/x  -") for line in lines)
    rows = csv.DictReader((folders / "s.csv").read_text().splitlines())
    assert {row["tracker"] for row in rows} == {"a/x", "b/x"}
    assert _score(folders, "a/x", "b/x", flags=["--compare", str(folders / "b" / "x")]) == 0
    assert "AUC against b/x" in capsys.readouterr().out
    assert _score(folders, "a/x", "b/x", flags=["--compare", "x"]) == 1
    assert "the trackers here are a/x, b/x" in capsys.readouterr().err


def test_one_bad_tracker_does_not_stop_the_others(folders, capsys):
    assert _score(folders, "Nobody", "Good") == 1
    captured = capsys.readouterr()
    assert "Good" in captured.out
    assert f"the results folder {folders / 'Nobody'} is missing" in captured.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name at least one folder of results"),
        (["x"], "the results folder x is missing"),
        (["."], "which benchmark? --dataset otb | otb100"),
        (["x", "--dataset", "nothing", "--root", "."], "there is no dataset 'nothing'"),
        (["x", "--dataset", "otb"], "otb needs a root with its sequences"),
        (["x", "--dataset", "otb", "--annotations", "none"], "none is not a folder"),
    ],
)
def test_faults_of_the_command_line(capsys, arguments, message):
    assert main(["dslt", "score", *arguments]) == 1
    assert message in capsys.readouterr().err


def test_a_link_to_a_table_stays_one(folders):
    link, target = folders / "link.csv", folders / "target.csv"
    link.symlink_to(target)
    assert _score(folders, "Good", flags=["--csv", str(link)]) == 0
    assert link.is_symlink() and target.read_text().startswith("tracker,")


def test_faults_that_need_folders(folders, capsys):
    assert _score(folders, "Nobody") == 1
    assert _score(folders, "Good", flags=["--compare", "Best"]) == 1
    assert _score(folders, "Good", flags=["--csv", str(folders / "none" / "s.csv")]) == 1
    assert _score(folders, "Good", flags=["--thresholds", "1"]) == 1
    told = capsys.readouterr().err
    assert f"the results folder {folders / 'Nobody'} is missing" in told
    assert "--compare Best: the trackers here are Good" in told
    assert f"cannot write {folders / 'none' / 's.csv'}: No such file or directory" in told
    assert "needs 2 to 10001 thresholds" in told


def test_supervised_results_get_vot_measures(tmp_path, capsys):
    root = tmp_path / "vot"
    layouts.images(root / "bag", 1, 1, digits=8)
    layouts.text(root / "bag" / "groundtruth.txt", np.tile([5.0, 5, 30, 20], (120, 1)))
    run = trajectory.empty(120)
    run.codes[:], run.regions[:] = trajectory.TRACKED, (5, 5, 30, 20)
    run.codes[[0, 45]] = trajectory.INITIALIZATION
    run.codes[40] = trajectory.FAILURE
    run.codes[41:45] = trajectory.UNKNOWN
    run.regions[run.codes != trajectory.TRACKED] = np.nan
    dataset = datasets.load("vot", root)
    results.write(tmp_path / "Ours", dataset, {"bag": [run]}, "vot")
    arguments = ["dslt", "score", str(tmp_path / "Ours"), "--dataset", "vot", "--root", str(root)]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "policy vot (matlab): pixel overlap, bounded by the image, burn-in 10" in out
    assert "EAO over lengths 108 .. 371" in out
    numbers = [float(word) for word in out.splitlines()[-1].split()[1:]]
    assert numbers[1] == 1.0  # accuracy
    assert numbers[2] == 1.0  # one failure
    assert numbers[3] == pytest.approx(np.exp(-30 / 120), abs=1e-4)
    assert main([*arguments, "--csv", str(tmp_path / "s.csv"), "--compare", "Ours"]) == 1
    assert "--compare is left out" in capsys.readouterr().err
    assert main([*arguments, "--policy", "wu", "--thresholds", "101"]) == 1
    told = capsys.readouterr().err
    assert "--policy is left out" in told and "--thresholds is left out" in told
    rows = (tmp_path / "s.csv").read_text().splitlines()
    assert rows == ["tracker,sequence,frames,accuracy,failures", "Ours,bag,120,1.000000,1.000000"]
    assert main([*arguments, "--toolkit", "toolkit", "--exact"]) == 0
    assert "policy vot (toolkit): exact overlap" in capsys.readouterr().out
    single = trajectory.from_regions(np.tile([5.0, 5, 30, 20], (120, 1)))
    results.write(tmp_path / "Ours", dataset, {"bag": [single]}, "vot", "unsupervised")
    unsupervised = [*arguments, "--experiment", "unsupervised", "--csv", str(tmp_path / "s.csv")]
    assert main(unsupervised) == 0
    assert (tmp_path / "s.csv").read_text().endswith("\nOurs,bag,120,1.000000\n")
    out = capsys.readouterr().out
    # All overlaps are 1 but the first, which is the start.
    assert out.splitlines()[-1] == f"Ours  1.0000  {119 / 120:.4f}"


def test_a_run_is_scored_by_its_own_protocol(tmp_path, capsys):
    root = tmp_path / "vot"
    layouts.images(root / "bag", 1, 1, digits=8)
    layouts.text(root / "bag" / "groundtruth.txt", np.tile([5.0, 5, 30, 20], (120, 1)))
    one = trajectory.from_regions(np.tile([5.0, 5, 30, 20], (120, 1)))
    dataset = datasets.load("vot", root)
    with runs.Run(tmp_path / "mine", Protocol("unsupervised"), {"dataset": "vot"}) as run:
        run.save(dataset["bag"], [one])
    command = ["dslt", "score", str(tmp_path / "mine"), "--dataset=vot", f"--root={root}"]
    assert main(command) == 0
    assert "one pass without resets" in capsys.readouterr().out
    (tmp_path / "mine" / "run.json").write_text("{}")
    assert main(command) == 1
    assert "run.json is damaged" in capsys.readouterr().err


def test_supervised_results_without_a_failure_are_still_supervised(tmp_path, capsys):
    root = tmp_path / "vot"
    layouts.images(root / "bag", 1, 1, digits=8)
    layouts.text(root / "bag" / "groundtruth.txt", np.tile([5.0, 5, 30, 20], (120, 1)))
    run = trajectory.from_regions(np.tile([5.0, 5, 30, 20], (120, 1)))
    results.write(tmp_path / "Ours", datasets.load("vot", root), {"bag": [run]}, "vot")
    arguments = ["dslt", "score", str(tmp_path / "Ours"), "--dataset", "vot", "--root", str(root)]
    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[-1].split()[1:4] == ["1.0000", "1.0000", "0.0000"]


def test_sequences_too_short_for_eao_are_told(tmp_path, capsys):
    root = tmp_path / "vot"
    layouts.images(root / "bag", 1, 1, digits=8)
    layouts.text(root / "bag" / "groundtruth.txt", np.tile([5.0, 5, 30, 20], (30, 1)))
    run = trajectory.from_regions(np.tile([5.0, 5, 30, 20], (30, 1)))
    run.codes[20:] = [trajectory.FAILURE] + [trajectory.UNKNOWN] * 9
    results.write(tmp_path / "Ours", datasets.load("vot", root), {"bag": [run]}, "vot")
    arguments = ["dslt", "score", str(tmp_path / "Ours"), "--dataset", "vot", "--root", str(root)]
    assert main(arguments) == 0
    assert "EAO needs sequences of 108 frames or more" in capsys.readouterr().err


@pytest.mark.skipif(not (SHARED / "results").is_dir(), reason="no published results here")
def test_the_shown_command(capsys):
    paths = sorted(map(str, (SHARED / "results" / "otb100").iterdir()))
    where = ["--dataset", "otb100", "--annotations", str(SHARED / "data" / "otb_anno")]
    assert main(["dslt", "score", *paths, *where]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 + 12
    assert any(line.startswith("ECO        0.6909  0.9104") for line in lines)
