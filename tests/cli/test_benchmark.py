"""`dslt benchmark`: a run from the command line, going on, failures and their exit status."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import fake_trackers
import kill_run
import layouts

from dslt_jax.benchmarks import engines
from dslt_jax.cli import common
from dslt_jax.cli.main import main

SHARED = Path(__file__).parents[3] / "shared"


@pytest.fixture
def dslt(tmp_path, monkeypatch):
    """Runs the command over two sequences, in this process and with a cheap tracker."""
    layouts.generic(tmp_path / "data", ("one", "two"), count=25)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(engines, "processes", lambda spec, tasks, _: engines.serial(spec, tasks))
    made = {}

    def cheap(values):
        _, tracker = real(values)
        return fake_trackers.Fake(speed=tracker.motion, **made), tracker

    real = common.tracker_from_flags
    monkeypatch.setattr(common, "tracker_from_flags", cheap)

    def run(*arguments, **fake):
        made.clear()
        made.update(fake)
        given = ["--dataset", "generic", "--root", "data", "--output", "runs/x", *arguments]
        return main(["dslt", "benchmark", *given])

    return run


def test_a_run_is_scored_and_then_there_is_nothing_left_to_do(dslt, capsys):
    assert dslt() == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0] == "runs/x: 2 of 2 sequences are done"
    assert lines[1] == "generic, ope, 2 sequences"
    assert lines[2].startswith("policy wu: 21 thresholds")
    assert lines[4].split()[0] == "x"
    assert "one: 25 frames" in captured.err
    assert "1 of 2 sequences, about " in captured.err
    before = kill_run.contents(Path("runs/x"))
    assert dslt() == 0
    again = capsys.readouterr().out.splitlines()
    assert again[0] == "runs/x: nothing left to do, 2 sequences are done"
    assert again[1:] == lines[1:]
    assert kill_run.contents(Path("runs/x")) == before
    assert main(["dslt", "score", "runs/x", "--dataset", "generic", "--root", "data"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == lines[-1]


@pytest.mark.parametrize(
    ("protocol", "shown"),
    [
        ("tre", "generic, tre, 2 sequences"),
        ("sre", "policy wu: 21 thresholds"),
        ("vot", "EAO over lengths 108 .. 371"),
        ("vot_unsupervised", "x: average overlap 0."),
        ("realtime", "policy wu: 21 thresholds"),
    ],
)
def test_every_protocol_ends_with_its_scores(dslt, capsys, protocol, shown):
    assert dslt("--protocol", protocol) == 0
    assert shown in capsys.readouterr().out


def test_sequences_can_be_done_one_by_one(dslt, capsys):
    assert dslt("--sequences", "two") == 0
    assert "generic, ope, 1 sequence\n" in capsys.readouterr().out
    assert dslt() == 0
    captured = capsys.readouterr()
    assert "going on, 1 of 2 sequences are done" in captured.err
    assert "generic, ope, 2 sequences" in captured.out
    assert dslt("--sequences", "") == 1
    assert "--sequences names none" in capsys.readouterr().err
    assert dslt("--sequences", "one,three") == 1
    assert "generic has no sequence 'three'" in capsys.readouterr().err


def test_a_failed_sequence_is_kept_the_others_go_on_and_it_is_tried_again(dslt, tmp_path, capsys):
    image = tmp_path / "data" / "one" / "0007.jpg"
    good = image.read_bytes()
    image.write_bytes(b"")
    assert dslt() == 1
    captured = capsys.readouterr()
    assert "generic, ope, 1 sequence\n" in captured.out
    assert f"one: failed: the image {image} is empty" in captured.err
    assert "1 failed: one (tracebacks in runs/x/failed; the same" in captured.err
    assert "Traceback" in Path("runs/x/failed/one.txt").read_text()
    image.write_bytes(good)
    assert dslt() == 0
    assert "runs/x: 2 of 2 sequences are done" in capsys.readouterr().out
    assert not Path("runs/x/failed").exists()


def test_a_damaged_result_is_told_and_does_not_count(dslt, capsys):
    assert dslt() == 0
    capsys.readouterr()
    Path("runs/x/one.txt").write_text("garbage")
    assert dslt() == 1
    captured = capsys.readouterr()
    assert "generic, ope, 1 sequence\n" in captured.out and "one.txt" in captured.err
    Path("runs/x/one.txt").write_text("25,19,14,9\n")
    assert dslt() == 1
    assert "one: 1 rows for " in capsys.readouterr().err


def test_results_of_other_videos_are_not_taken_for_these(dslt, tmp_path, capsys):
    assert dslt() == 0
    truth = tmp_path / "data" / "two" / "groundtruth.txt"
    first, rest = truth.read_text().split("\n", 1)
    truth.write_text("7,8,9,10\n" + rest)
    capsys.readouterr()
    assert dslt() == 1
    assert f"a result of two that begins with the box {first}" in capsys.readouterr().err
    Path("runs/x/two.txt").unlink()
    assert dslt() == 0


def test_got10k_is_scored_by_its_own_measures_and_its_test_split_by_its_server(
    dslt, tmp_path, capsys
):
    for i in (1, 2):
        folder = tmp_path / "val" / f"GOT-10k_Val_00000{i}"
        layouts.images(folder, 1, 4, digits=8)
        layouts.text(folder / "groundtruth.txt", layouts.truth(4))
    words = ["--dataset", "got10k", "--root", "val", "--output", "runs/v"]
    assert dslt(*words) == 0
    assert re.search(r"all frames +AO +SR50 +SR75\nv +0\.", capsys.readouterr().out)
    for i in (1, 2):
        layouts.text(tmp_path / f"val/GOT-10k_Val_00000{i}" / "groundtruth.txt", layouts.truth(1))
    assert dslt(*words[:-1], "runs/t") == 0
    assert "runs/t: only first boxes are known" in capsys.readouterr().out


def test_unreadable_ground_truth_fails_its_sequence_only(dslt, tmp_path, capsys):
    (tmp_path / "data" / "one" / "groundtruth.txt").write_text("1;2\n")
    assert dslt() == 1
    assert "one: failed: " in capsys.readouterr().err
    assert Path("runs/x/two.txt").exists()


def test_other_settings_are_refused(dslt, capsys):
    assert dslt() == 0
    assert dslt("--set", "motion=1.5", "--threads", "2") == 1
    told = capsys.readouterr().err
    assert "runs/x holds a run with other settings (threads: 1 there, 2 now; tracker" in told
    assert "tracker.config.speed: 2.0 there, 1.5 now" in told


def test_a_root_one_level_too_high_is_found(dslt, capsys):
    assert dslt("--root", ".") == 0
    assert "holds no sequences: using data" in capsys.readouterr().err


def test_a_gpu_that_is_not_there_is_told(dslt, monkeypatch, capsys):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert dslt("--device", "gpu") == 1
    assert "there is no GPU here that JAX can use" in capsys.readouterr().err


def test_a_tracker_that_cannot_start_ends_the_run(dslt, capsys):
    assert dslt(absent=True) == 1
    assert "the tracker cannot start: its weights are not here" in capsys.readouterr().err
    assert not Path("runs/x/failed").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "where is the benchmark? --root DIR"),
        (["--root", "data"], "where do the results go? --output runs/NAME"),
        (["--root", "data", "--output", "x", "more"], "'more' belongs to no flag"),
        (["--root", "none", "--output", "x"], "the dataset root none is not a folder"),
        (["--root", ".", "--output", "x", "--ray_address", "a"], "belongs to --engine ray"),
        (["--root", ".", "--output", "x", "--engine", "ray", "--workers", "2"], "--workers bel"),
        (["--root", ".", "--output", "x", "--weights", "none.npz"], "none.npz"),
    ],
)
def test_faults_of_the_command_line(tmp_path, monkeypatch, capsys, arguments, message):
    layouts.generic(tmp_path / "data", ("one",), count=2)
    monkeypatch.chdir(tmp_path)
    assert main(["dslt", "benchmark", "--dataset", "generic", *arguments]) == 1
    assert message in capsys.readouterr().err


def _command(root, output, *more):
    given = ["--root", str(root), "--output", str(output), "--sequences", "Deer,Skiing", *more]
    return [sys.executable, "-m", "dslt_jax", "benchmark", "--dataset", "otb", *given]


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "data" / "otb").is_dir(), reason="no OTB sequences here")
def test_the_real_tracker_killed_at_random_moments_ends_with_the_same_bytes(tmp_path, monkeypatch):
    root, chance = SHARED / "data" / "otb", random.Random(1)
    monkeypatch.setenv("DSLT_CACHE", str(tmp_path / "cache"))
    begin = time.monotonic()
    subprocess.run(_command(root, tmp_path / "whole"), check=True, capture_output=True)
    whole = time.monotonic() - begin
    for _ in range(3):
        command = _command(root, tmp_path / "killed", "--workers", "2")
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            time.sleep(chance.uniform(0.1, 0.9) * whole)
            os.kill(run.pid, signal.SIGKILL)
    subprocess.run(_command(root, tmp_path / "killed"), check=True, capture_output=True)
    expected = kill_run.contents(tmp_path / "whole")
    assert len(expected) == 5
    assert kill_run.contents(tmp_path / "killed") == expected
