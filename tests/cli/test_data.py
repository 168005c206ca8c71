"""`dslt data check`: a line for each fault, all of them, and the exit status."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dslt_jax.cli.main import main

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import layouts

SHARED = Path(__file__).parents[3] / "shared"


def _check(root, *flags, dataset="generic"):
    return main(["dslt", "data", "check", "--dataset", dataset, "--root", str(root), *flags])


def test_a_sound_folder(tmp_path, capsys):
    layouts.generic(tmp_path)
    assert _check(tmp_path) == 0
    assert capsys.readouterr().out == "generic: 2 sequences, 10 frames, no faults\n"


def test_every_fault_has_its_line_and_the_check_goes_on(tmp_path, capsys):
    names = ("absent", "cut", "empty", "flat", "infinite", "mixed", "outside", "rows")
    names += ("sound", "void")
    layouts.generic(tmp_path, names)
    cut = tmp_path / "cut" / "0003.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)).save(cut)
    cut.write_bytes(cut.read_bytes()[:-400])
    (tmp_path / "empty" / "0002.jpg").write_bytes(b"")
    (tmp_path / "flat" / "groundtruth.txt").write_text("3,4,5,6\n" * 4 + "3,4,0,6\n")
    rows = "3,4,5,6\n" * 3 + "inf,inf,inf,inf\n" * 2
    (tmp_path / "infinite" / "groundtruth.txt").write_text(rows)
    Image.new("RGB", (60, 48)).save(tmp_path / "mixed" / "0004.jpg")
    (tmp_path / "outside" / "groundtruth.txt").write_text("80,4,5,6\n" * 5)
    (tmp_path / "rows" / "groundtruth.txt").write_text("3,4,5,6\n" * 4)
    (tmp_path / "void" / "groundtruth.txt").write_text("3,4,5,6\n3;4;5\n")
    (tmp_path / "absent" / "groundtruth.txt").write_text("nan,nan,nan,nan\n" * 5)
    assert _check(tmp_path) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "absent: the first frame has no target: its ground truth is [nan, nan, nan, nan]"
    )
    assert lines[1].startswith(f"cut: {cut} cannot be decoded: ")
    assert lines[2] == f"empty: {tmp_path / 'empty' / '0002.jpg'} is empty"
    assert lines[3] == "flat: 1 ground truth rows have no area, the first is row 5"
    assert lines[4].startswith("infinite: 2 ground truth rows are infinite, the first is row 4:")
    assert lines[5] == (
        f"mixed: {tmp_path / 'mixed' / '0004.jpg'} is 60x48, the first frame is 64x48"
    )
    assert lines[6] == (
        "outside: the first box [80.0, 4.0, 5.0, 6.0] lies outside the image of 64x48"
    )
    assert lines[7] == "rows: 4 ground truth rows for 5 frames"
    assert "groundtruth.txt line 2: '3;4;5' has 3 numbers, it needs 4" in lines[8]
    assert lines[9] == "generic: 10 sequences, 44 frames, 9 faults in 9 sequences"


def test_what_stands_in_place_of_a_file_is_told(tmp_path, capsys):
    layouts.generic(tmp_path)
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    (tmp_path / "one" / "0002.jpg").write_text(pointer)
    (tmp_path / "two" / "groundtruth.txt").write_text(pointer)
    assert _check(tmp_path) == 1
    told = capsys.readouterr().out
    for path in ("one/0002.jpg", "two/groundtruth.txt"):
        assert f"{tmp_path / path} is a pointer of Git LFS, not the file itself: run `git" in told


def test_rows_that_are_partly_nan_are_told(tmp_path, capsys):
    polygon = "3,4,9,4,9,8,3,8\n"
    rows = {"box": "3,4,5,6\n3,nan,5,6\n", "polygon": polygon + "3,4,9,4,nan,8,3,8\n"}
    rows["absent"] = polygon + ",".join(["nan"] * 8) + "\n"
    for name, row in rows.items():
        layouts.images(tmp_path / name, 1, 3, digits=8)
        (tmp_path / name / "groundtruth.txt").write_text(row + row.splitlines()[0] + "\n")
    assert _check(tmp_path, dataset="vot2018") == 1
    told = capsys.readouterr().out
    for name in ("box", "polygon"):
        assert f"{name}: 1 ground truth rows are nan in part, the first is row 2: write" in told
    assert "absent:" not in told


def test_missing_sequences_and_frames(tmp_path, capsys):
    layouts.otb(tmp_path)
    for number in (302, 303, 304, 770):
        (tmp_path / "David" / "img" / f"0{number}.jpg").unlink()
    layouts.text(tmp_path / "Jogging" / "groundtruth_rect.1.txt", layouts.truth(300))
    assert _check(tmp_path, dataset="otb100") == 1
    lines = capsys.readouterr().out.splitlines()
    images = tmp_path / "David" / "img"
    assert f"Basketball: the sequence folder {tmp_path / 'Basketball'} is missing" in lines
    assert f"David: {images}/0302.jpg .. 0304.jpg: 3 of 471 frames missing" in lines
    assert f"David: {images}/0770.jpg: 1 of 471 frames missing" in lines
    assert "Jogging-1: 300 ground truth rows for 307 frames" in lines
    assert not [line for line in lines if line.startswith("Jogging-2")]
    assert lines[-1].endswith("100 faults in 99 sequences")


def test_no_image_folder(tmp_path, capsys):
    layouts.text(tmp_path / "David" / "groundtruth_rect.txt", layouts.truth(471))
    assert _check(tmp_path, dataset="otb") == 1
    assert f"the image folder {tmp_path / 'David' / 'img'} is missing" in capsys.readouterr().out


def test_only_these_sequences(tmp_path, capsys):
    layouts.generic(tmp_path, ("good", "void"))
    (tmp_path / "void" / "groundtruth.txt").write_text("3;4;5\n")
    assert _check(tmp_path, "--sequences", "good") == 0
    assert "generic: 1 sequence, 5 frames, no faults" in capsys.readouterr().out
    assert _check(tmp_path, "--sequences=bad") == 1
    assert "generic has no sequence 'bad'" in capsys.readouterr().err


def test_sizes_alone_do_not_see_a_cut_image(tmp_path):
    layouts.generic(tmp_path, ("cut",))
    path = tmp_path / "cut" / "0003.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-400])
    assert _check(tmp_path, "--nodecode") == 0
    assert _check(tmp_path) == 1


def test_a_root_one_level_off_is_told(tmp_path, capsys):
    layouts.generic(tmp_path / "data" / "mine")
    assert _check(tmp_path / "data") == 0
    told = capsys.readouterr().err
    assert f"{tmp_path / 'data'} holds no sequences: using {tmp_path / 'data' / 'mine'}" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data"], "the verb is 'check'"),
        (["data", "mend", "--root", "x"], "the verb is 'check'"),
        (["data", "check"], "which folder? --root DIR"),
        (["data", "check", "--root", "nowhere"], "the dataset root nowhere is not a folder"),
        (["data", "check", "--root", ".", "--dataset", "x"], "there is no dataset 'x'"),
    ],
)
def test_faults_of_the_command_line(capsys, arguments, message):
    assert main(["dslt", *arguments]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.skipif(not (SHARED / "data" / "otb").is_dir(), reason="no OTB frames here")
def test_the_shared_sequences_are_sound(capsys):
    assert _check(SHARED / "data" / "otb", "--nodecode", dataset="otb") == 0
    assert "otb: 17 sequences, 3895 frames, no faults" in capsys.readouterr().out
