import os

import jax
import numpy as np
import pytest
from safetensors.numpy import save_file
from track_fakes import COUNT, scene

import dslt_jax
from dslt_jax import presets, settings, tracking
from dslt_jax.cli import main as cli
from dslt_jax.cli import track
from dslt_jax.media import select
from dslt_jax.media.frames import open_frames


def test_a_run_leaves_boxes_video_and_summary(run, fake):
    pytest.importorskip("av")
    result = run("--set=motion_sigma=1.2", "--seed=3")
    assert (result.status, result.stderr) == (0, "")
    assert result.files == ["boxes.csv", "boxes.txt", "overlay.mp4", "summary.json"]
    rows = result.rows()
    assert [int(row["frame"]) for row in rows] == list(range(COUNT))
    assert [float(row["x"]) for row in rows] == [10 + i for i in range(COUNT)]
    assert (result.out / "boxes.txt").read_text().splitlines()[2] == "12.000,12.000,20.000,16.000"
    assert len(list(open_frames(result.out / "overlay.mp4"))) == COUNT
    summary = result.summary
    assert summary["status"] == "done"
    assert summary["problems"] == []
    assert summary["config"]["motion"] == 1.2
    assert summary["config"]["loss"]["kind"] == "Shrinkage"
    assert (summary["preset"], summary["seed"]) == ("compact", 3)
    assert summary["versions"]["dslt_jax"] == dslt_jax.version.__version__
    assert {"jax", "numpy", "python"} <= set(summary["versions"])
    assert summary["device"]["platform"] == "cpu"
    assert summary["frames"] == COUNT
    assert set(summary["milliseconds"]) == {"read", "locate", "learn", "draw", "encode"}
    assert summary["files"] == ["boxes.csv", "boxes.txt", "overlay.mp4"]
    assert "done: 8 frames" in result.stdout


def test_compiled_programs_are_kept_unless_it_is_said(run, fake, monkeypatch):
    asked = []
    monkeypatch.setattr(track.compiled, "keep", lambda: asked.append("keep") or "no room")
    result = run("--novideo", "--nokeep_compiled")
    assert (asked, result.stderr) == ([], "")
    result = run("--novideo")
    assert asked == ["keep"]
    assert (result.status, result.stderr) == (0, "dslt track: no room\n")


def test_no_video_and_fewer_frames(run, fake):
    result = run("--novideo", "--max_frames=3")
    assert result.status == 0
    assert result.files == ["boxes.csv", "boxes.txt", "summary.json"]
    assert len(result.rows()) == result.summary["frames"] == 3
    assert set(result.summary["milliseconds"]) == {"read", "locate", "learn"}


def test_several_targets(run, fake, tmp_path):
    (tmp_path / "targets.txt").write_text("10,12,20,16 cat\n30,12,20,16\n")
    result = run(f"--targets={tmp_path / 'targets.txt'}", "--novideo", box=None)
    assert result.status == 0
    names = ["boxes_2.csv", "boxes_2.txt", "boxes_cat.csv", "boxes_cat.txt", "summary.json"]
    assert result.files == names
    assert float(result.rows("boxes_2.csv")[5]["x"]) == 35
    assert result.summary["lost_frames"] == {"cat": 0, "2": 0}
    assert result.summary["targets"][0] == {"name": "cat", "box": [10, 12, 20, 16]}


def test_a_box_file_and_a_window(run, fake, tmp_path, monkeypatch):
    (tmp_path / "box.txt").write_text("11,12,20,16\n1,1,1,1\n")
    result = run(f"--box_file={tmp_path / 'box.txt'}", "--novideo", box=None)
    assert float(result.rows()[0]["x"]) == 11
    monkeypatch.setattr(select, "select_box", lambda image: (12.0, 12.0, 20.0, 16.0))
    result = run("--gui", "--novideo", box=None)
    assert float(result.rows()[0]["x"]) == 12
    assert "--box 12.0,12.0,20.0,16.0" in result.stdout
    monkeypatch.setattr(select, "select_box", lambda image: None)
    result = run("--gui", box=None)
    assert result.status == 1
    assert "no box was dragged" in result.stderr


def test_no_display_for_the_window(run, fake, monkeypatch):
    tkinter = pytest.importorskip("tkinter", reason="this Python was built without tkinter")

    def no_display():
        raise tkinter.TclError("no display name")

    monkeypatch.setattr(tkinter, "Tk", no_display)
    result = run("--gui", box=None)
    assert result.status == 1
    assert "--gui needs a display, and there is none here" in result.stderr


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ("100,10,20,20", "the box is 100,10,20,20: outside the frame of 64 x 48 pixels"),
        ("10,10,0,20", "its width and height must be positive"),
        ("10,10,-20,20", "its width and height must be positive"),
        ("10,10,nan,20", "every number must be finite"),
        ("0,0,75,40", "larger than the frame, which has 64 x 48 pixels"),
        ("10,10,1,1", "too small to follow, its sides must be 4 pixels or more"),
        ("10,10,20", "which is 3 numbers: four numbers are needed: x,y,w,h"),
        ("ten,10,20,20", "'ten' is no number"),
    ],
)
def test_bad_boxes(run, fake, box, message):
    result = run(box=box)
    assert result.status == 1
    assert result.stderr.startswith("dslt track: ") and message in result.stderr
    assert not result.out.exists()
    assert "Traceback" not in result.stderr


def test_the_input_may_stand_alone(fake, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "20").touch()  # which is a number of the box all the same
    words = [str(folder), "--novideo", "--output=o", "--box", "30", "12", "20", "16"]
    assert cli.main(["dslt", "track", *words]) == 0
    assert (tmp_path / "o" / "boxes.csv").exists()
    assert cli.main(["dslt", "track", "gone.mp4", "--box=1,2,3,4"]) == 1
    assert "there is no file or folder 'gone.mp4'" in capsys.readouterr().err
    images = [str(path) for path in sorted(folder.iterdir())[:2]]  # a glob without quotes
    assert cli.main(["dslt", "track", *images, "--box=1,2,3,4"]) == 1
    assert f"'{images[0]}' is left over: a run follows one input" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "status", "message"),
    [
        ([], 1, "One of --box x,y,w,h, --box_file, --gui, --targets: none was given"),
        (["--box=1,2,3,4", "--gui"], 1, "--box and --gui were given"),
        (["--box=1,2,3,4", "/"], 1, "clip: a run follows one input, and a glob"),
        (["--box=1,2,3,4", "more"], 1, "'more' belongs to no flag"),
        (["--gui", "5"], 1, "'5' belongs to no flag: the input is --input PATH"),
        (["--box=1,2,3,4", "--box=5,6,7,8"], 1, "several targets are a file, --targets FILE"),
        (["--box=9,9,9,9", "5"], 1, "'5' belongs to no flag"),
        (["--box=9,9,9,9,5"], 1, "with '5' behind the box: four numbers are needed: x,y,w,h"),
        (["--box=9,9,9,9", "--input=b.mp4"], 1, "--input was given 2 times: a run follows one"),
        (["--box", "9", "-9", "9", "9"], 2, "'-9' stands alone. Numbers are joined by"),
        (["--box=9,9,9,9", "--box_format=yx"], 2, "--box_format=yx"),
        (["--box=1,2,3,4", "--max_frames=0"], 2, "--max_frames"),
        (["--box=1,2,3,4", "--boxx=1"], 2, "Unknown command line flag 'boxx'"),
        (["--box=1,2,3,4", "--preset=big"], 1, "no preset 'big': choose one of compact, fast"),
        (["--box=1,2,3,4", "--tracker=big"], 1, "no preset 'big': choose one of compact"),
        (["--box=1,2,3,4", "--set=scale=2"], 1, "there is no setting 'scale'"),
        (["--box=1,2,3,4", "--set=seed=3"], 1, "the seed is no setting any more: --seed 3"),
        (["--box=9,9,9,9", "--weights=none.npz"], 1, "none.npz"),
    ],
)
def test_wrong_flags(run, flags, status, message):
    result = run(*flags, box=None)
    assert result.status == status
    assert message in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--box", "10", "12", "20", "16", "--novideo"],
        ["--novideo", "--box=10,", "12,", "20,", "16"],
        ["--box", "[10,", "12,", "20,", "16]", "--novideo"],
        ["--box", "x=10", "y=12", "w=20", "h=16", "--novideo"],
        ["--box=10,12,30,28", "--box_format=xyxy", "--novideo"],
        ["--box=20,20,20,16", "--box_format=cxcywh", "--novideo"],
        ["--box=15.625%,25%,31.25%,16px", "--novideo"],
    ],
)
def test_a_box_as_people_write_it(run, fake, words):
    result = run(*words, "--max_frames=2", box=None)
    assert (result.status, result.stderr) == (0, "")
    assert result.summary["targets"] == [{"name": "", "box": [10, 12, 20, 16]}]
    assert (result.out / "boxes.txt").read_text().startswith("10.000,12.000,20.000,16.000\n")


def test_a_box_that_reaches_over_the_frame_is_cut_and_it_is_said(run, fake):
    result = run("--novideo", "--max_frames=2", box="-5,12,20,16")
    assert result.status == 0
    assert "the box is -5,12,20,16 and reaches over the frame of 64 x 48 pixels" in result.stderr
    assert float(result.rows()[0]["x"]) == 0 and float(result.rows()[0]["w"]) == 15


def test_no_input(capsys):
    assert cli.main(["dslt", "track", "--box=1,2,3,4"]) == 1
    assert "--input VIDEO, FOLDER" in capsys.readouterr().err


def make_empty(folder):
    (folder / "sub").mkdir()
    return folder / "sub"


def make_text(folder):
    (folder / "text.mp4").write_text("this is text\n" * 100)
    return folder / "text.mp4"


def cut_first(folder):
    os.truncate(folder / "0.png", 60)
    return folder


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "none", "there is no file, folder or camera"),
        (make_empty, "sub is empty"),
        (make_text, "it is no video"),
        (cut_first, "the first frame cannot be read, and the target is learnt there: the image"),
        (lambda folder: 93, "camera 93"),
    ],
)
def test_bad_input(run, fake, folder, make, message):
    pytest.importorskip("av")
    result = run(source=make(folder))
    assert result.status == 1
    assert message in result.stderr
    assert result.files == []


def test_a_damaged_frame_in_the_middle_is_reported_and_the_tracker_goes_on(run, fake, folder):
    pytest.importorskip("av")
    (folder / "3.png").write_bytes(b"")
    result = run()
    assert result.status == 1
    assert "frame 3: the image" in result.stderr and "3.png is empty (0 bytes)" in result.stderr
    assert "1 of 8 frames could not be read" in result.stderr
    rows = result.rows()
    assert [float(row["x"]) for row in rows] == [10, 11, 12, 12, 13, 14, 15, 16]
    assert [row["lost"] for row in rows] == list("00010000")
    summary = result.summary
    assert summary["status"] == "incomplete"
    assert summary["damaged_frames"][0]["frame"] == 3
    assert len(list(open_frames(result.out / "overlay.mp4"))) == COUNT


def test_a_missing_image_is_noted(run, fake, folder):
    (folder / "4.png").unlink()
    result = run("--novideo")
    assert result.status == 0
    assert "images seem to be missing between 3.png and 5.png" in result.stderr
    assert len(result.rows()) == COUNT - 1


def test_what_a_box_asks_beyond_the_settings_is_said(run, fake, tmp_path):
    result = run("--novideo", box="2,12,60,6")
    assert result.status == 0
    assert "a target of 60 x 6 pixels is longer than the kernel's canvas: " in result.stderr
    (tmp_path / "targets.txt").write_text("10,12,20,16 cat\n2,30,60,5 eel\n")
    result = run(f"--targets={tmp_path / 'targets.txt'}", "--novideo", box=None)
    assert result.stderr.startswith("dslt track: the box of target eel: a target of 60 x 5 pixels")


def test_the_real_tracker_end_to_end(run, tmp_path, folder):
    """Small, with random weights: the table holds what init and step give."""
    small = ["target_size=32", "search_size=96", "channels=8", "init_steps=2"]
    tracker = settings.override(presets.compact(), small)
    draw = np.random.default_rng(0)
    shapes = tracker.backbone.param_shapes()
    params = {name: (0.1 * draw.normal(size=s)).astype("float32") for name, s in shapes.items()}
    save_file(params, tmp_path / "random.safetensors")
    flags = [f"--set={setting}" for setting in small]
    result = run(
        *flags, f"--weights={tmp_path / 'random.safetensors'}", "--max_frames=4", "--seed=5"
    )
    assert result.status == 0, result.stderr
    box = np.array([10, 12, 20, 16], np.float32)
    state = tracking.init(tracker, params, scene(0), box, key=jax.random.key(5))
    for index, row in enumerate(result.rows()):
        if index:
            state, out = tracking.step(tracker, params, state, scene(index))
            box = out.box
        np.testing.assert_allclose([float(row[key]) for key in "xywh"], box, atol=2e-3)
    summary = result.summary
    assert summary["compile_seconds"] > 0
    assert summary["fps"] > 0
    assert summary["milliseconds"]["learn"]["median"] > 0
    assert summary["config"] == settings.describe(tracker)
