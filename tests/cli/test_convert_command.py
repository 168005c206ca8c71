"""A run of `dslt track` becomes labels, and labels become truth."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from track_fakes import COUNT

from dslt_jax.adapters import cvat, mot
from dslt_jax.app import tracks
from dslt_jax.cli.main import main


@pytest.fixture
def out(run, fake):
    assert run("--novideo").status == 0
    return run("--novideo").out


def convert(*words):
    return main(["dslt", "convert", *map(str, words)])


def test_a_run_becomes_labels_for_cvat_and_comes_back_as_truth(out, capsys):
    assert convert(out, "--to=cvat", "--label=beetle") == 0
    said = capsys.readouterr().out
    assert "needs these labels: beetle" in said and f"wrote {out / 'cvat.xml'}" in said
    found = cvat.read(out / "cvat.xml")
    assert (found.size, found.total, found.tracks[0].name) == ((64, 48), COUNT, "beetle")
    assert convert(out / "cvat.xml", "--to", "truth") == 0
    truth = np.loadtxt(out / "groundtruth.txt", delimiter=",")
    np.testing.assert_allclose(truth, np.loadtxt(out / "boxes.txt", delimiter=","), atol=0.02)


@pytest.mark.parametrize(
    ("flags", "rows", "taken_away"),
    [(["--max_frames=100"], COUNT, 0), ([f"--max_frames={COUNT - 3}"], COUNT - 3, 1)],
)
def test_a_run_with_a_last_frame_becomes_truth_of_its_frames(run, fake, flags, rows, taken_away):
    out = run("--novideo", *flags).out
    assert convert(out, "--to=truth") == 0
    assert len((out / "groundtruth.txt").read_text().splitlines()) == rows
    assert convert(out, "--to=cvat") == 0  # whose boxes stay until they are taken away
    text = (out / "cvat.xml").read_text()
    assert f"<size>{rows}</size>" in text and text.count('outside="1"') == taken_away


def test_a_file_that_is_there_is_replaced_only_where_it_is_named(out, capsys):
    assert convert(out, "--to=cvat") == 0
    (out / "cvat.xml").write_text("corrected by hand")
    assert convert(out, "--to=cvat") == 1
    assert f"cvat.xml is there already: --output {out / 'cvat.xml'} replaces" in (
        capsys.readouterr().err
    )
    assert (out / "cvat.xml").read_text() == "corrected by hand"
    assert convert(out, "--to=cvat", f"--output={out / 'cvat.xml'}") == 0
    assert (out / "cvat.xml").read_text().startswith("<?xml")


def test_what_is_written_to_standard_output_is_the_file_alone(out, capsys):
    assert convert(out, "--to=mot") == 0
    capsys.readouterr()
    assert convert(out, "--to=mot", "--output=-") == 0
    said = capsys.readouterr()
    assert said.out == (out / "mot.txt").read_text()
    assert f"wrote -, {COUNT} frames" in said.err and not Path("-").exists()


def test_standard_output_has_the_bytes_of_the_file(out):
    environment = os.environ | {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "dslt_jax", "convert", out, "--to=cvat", "--label=voitür"]
    written = subprocess.run([*command, "--output=-"], capture_output=True, env=environment)
    assert written.returncode == 0, written.stderr
    assert 'label="voitür"' in written.stdout.decode()


def test_a_link_stays_one(out, tmp_path):
    link, target = tmp_path / "link.txt", tmp_path / "target.txt"
    target.write_text("old")
    link.symlink_to(target)
    assert convert(out, "--to=mot", f"--output={link}") == 0
    assert link.is_symlink() and target.read_text().startswith("1,1,")


def test_a_part_of_a_video_ends_before_the_video_does(run, fake):
    result = run("--novideo", "--start=2", "--end=5")
    assert convert(result.out, "--to=cvat") == 0
    text = (result.out / "cvat.xml").read_text()
    assert text.count("<box ") == 3 and 'frame="2"' in text
    assert 'frame="5" keyframe="1" outside="1"' in text


def test_motchallenges_truth_becomes_that_of_a_benchmark(tmp_path):
    (tmp_path / "gt.txt").write_text("1,1,2,3,4,5\n2,1,3,4,4,5\n")
    assert convert(tmp_path / "gt.txt", "--to=truth", "--origin=1", "--frames=3") == 0
    lines = (tmp_path / "groundtruth.txt").read_text().splitlines()
    assert lines == ["1.000,2.000,4.000,5.000", "2.000,3.000,4.000,5.000", "nan,nan,nan,nan"]


def test_several_targets_and_only_one(run, fake, tmp_path):
    (tmp_path / "boxes").write_text("5,6,20,16,left\n30,12,20,16,right\n")
    result = run("--novideo", f"--targets={tmp_path / 'boxes'}", box=None)
    assert convert(result.out, "--to=mot") == 0
    read = mot.read(result.out / "mot.txt")
    assert [len(track.frames) for track in read.tracks] == [COUNT, COUNT]
    target = tmp_path / "right.txt"
    assert convert(result.out, "--to=truth", "--only=right", f"--output={target}") == 0
    assert target.read_text().startswith("30.000,12.000,20.000,16.000\n31.000,")


def test_a_video_whose_frames_change_their_size(out, capsys):
    summary = json.loads((out / "summary.json").read_text())
    size = {"width": 64, "height": 48, "first_frame": 0, "frames": 4}
    summary["frame_sizes"] = [size, {**size, "width": 128, "first_frame": 4}]
    (out / "summary.json").write_text(json.dumps(summary))
    assert convert(out, "--to=mot") == 0
    assert convert(out, "--to=cvat") == 1
    assert "or changes: --size WIDTHxHEIGHT" in capsys.readouterr().err
    assert convert(out, "--to=cvat", "--size=64x48") == 0


def test_label_studio_is_told_what_a_folder_of_images_does_not_say(out, capsys):
    assert convert(out, "--to=labelstudio") == 1
    assert "--fps NUMBER" in capsys.readouterr().err
    assert convert(out, "--to=labelstudio", "--fps=25", "--url=s3://a.mp4") == 0
    assert '<Label value="object"/>' in capsys.readouterr().out
    (task,) = json.loads((out / "labelstudio.json").read_text())
    value = task["predictions"][0]["result"][0]["value"]
    assert value["framesCount"] == COUNT
    assert [key["time"] for key in value["sequence"]] == [
        round(key["frame"] / 25, 6) for key in value["sequence"]
    ]


def test_a_table_alone_and_what_a_kill_has_left(out, tmp_path):
    for name in ("boxes.csv", "boxes_left.csv.part"):
        (tmp_path / name).write_text((out / "boxes.csv").read_text())
    assert convert(tmp_path / "boxes.csv", "--to=cvat", "--size=64x48") == 0
    read = tracks.read_run(tmp_path / "boxes_left.csv")
    assert (read.tracks[0].name, len(read.tracks[0].frames), read.size) == ("left", COUNT, None)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "what is to become what"),
        (("{out}",), "--to cvat|labelstudio|mot|truth"),
        (("{out}", "--to=truth", "--only=left"), "no target 'left': choose of"),
        (("{out}/summary.json", "--to=cvat"), "none of what can be read"),
        (("{out}/summary", "--to=cvat"), "summary: did you mean"),
        (("{out}", "{out}", "--to=cvat"), "one input becomes one file: convert"),
        (("{out}/absent.csv", "--to=cvat"), "cannot read"),
        (("{out}/boxes.txt", "--to=cvat"), "not frame,id,x,y,w,h"),
        (("{out}/../clip", "--to=cvat"), "no run of `dslt track`"),
        (("{out}/boxes.csv", "--to=cvat", "--size=640"), "not WIDTHxHEIGHT"),
        (("{out}/boxes.csv", "--to=cvat", "--size=0x640"), "not WIDTHxHEIGHT"),
        (
            ("{out}", "--to=mot", "--label=car"),
            "--label says nothing of mot: it is for cvat, label",
        ),
        (("{out}", "--to=cvat", "--url=s3://a.mp4"), "--url says nothing of cvat"),
        (("{out}", "--to=truth", "--origin=1"), "--origin says nothing of truth: it is for mot"),
        (("{out}", "--to=truth", "--frames=2"), "--frames is 2, but frame"),
        (("{out}", "--to=labelstudio", "--fps=nan"), "--fps is nan, which is no number"),
        (("{out}", "--to=labelstudio", "--label=a\x01b"), "characters that cannot be shown"),
        (("{out}/boxes.csv", "--to=mot", "--output={out}/boxes.csv"), "is the input"),
        (("{out}", "--to=mot", "--output={out}/no/mot.txt"), "cannot write"),
    ],
)
def test_what_is_wrong_is_told(out, capsys, words, says):
    before = (out / "boxes.csv").read_text()
    assert convert(*(word.format(out=out) for word in words)) == 1
    assert says in capsys.readouterr().err
    assert (out / "boxes.csv").read_text() == before
