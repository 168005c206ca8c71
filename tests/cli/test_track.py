import csv
import errno
import json
import os
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

import dslt_jax
from dslt_jax import presets, settings, tracking
from dslt_jax.app.spec import Spec
from dslt_jax.cli import main as cli
from dslt_jax.cli import track
from dslt_jax.media import select
from dslt_jax.media.frames import open_frames
from dslt_jax.types import Observation

COUNT, WIDTH, HEIGHT = 8, 64, 48


def scene(index):
    draw = np.random.default_rng(0)
    blocks = draw.integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    return np.roll(blocks.repeat(8, 0).repeat(8, 1), index, axis=1)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "clip"
    folder.mkdir()
    for index in range(COUNT):
        Image.fromarray(scene(index)).save(folder / f"{index}.png")
    return folder


class Drifting:
    """Stands for a session: every box moves by a pixel a frame."""

    def __init__(self, fail_at=None, error=None):
        self.fail_at, self.error = fail_at, error

    def init(self, frame, boxes):
        self.boxes = boxes
        if boxes[0, 0] == self.fail_at:
            raise self.error
        return Observation(boxes, np.ones(len(boxes)), np.zeros(len(boxes), bool))

    def step(self, frame):
        self.boxes = boxes = self.boxes + np.array([1, 0, 0, 0], np.float32)
        if boxes[0, 0] == self.fail_at:
            raise self.error
        count = len(boxes)
        return Observation(
            boxes,
            np.full(count, 0.75),
            np.zeros(count, bool),
            np.full((count, 8, 8), 0.5, np.float32),
            boxes + np.array([-10, -10, 20, 20], np.float32),
        )

    def wait(self):
        return 0.0


@pytest.fixture
def fake(monkeypatch):
    """The app without a network."""

    def install(**options):
        monkeypatch.setattr(Spec, "build", lambda spec: Drifting(**options))

    install()
    return install


@pytest.fixture
def run(folder, tmp_path, capsys):
    """Runs `dslt track` on the folder and returns the status, what it wrote and said."""

    class Result:
        def __init__(self, *flags, box="10,12,20,16", source=folder):
            self.out = tmp_path / "out"
            command = ["dslt", "track", f"--input={source}", f"--output={self.out}", *flags]
            self.status = cli.main(command + ([f"--box={box}"] if box else []))
            self.stdout, self.stderr = capsys.readouterr()

        def rows(self, name="boxes.csv"):
            return list(csv.DictReader((self.out / name).read_text().splitlines()))

        @property
        def files(self):
            return sorted(path.name for path in self.out.iterdir()) if self.out.is_dir() else []

        @property
        def summary(self):
            return json.loads((self.out / "summary.json").read_text())

    return Result


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
        ("0,0,65,40", "larger than the frame, which has 64 x 48 pixels"),
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


@pytest.mark.parametrize(
    ("flags", "status", "message"),
    [
        ([], 1, "One of --box x,y,w,h, --box_file, --gui, --targets: none was given"),
        (["--box=1,2,3,4", "--gui"], 1, "--box and --gui were given"),
        (["--box=1,2,3,4", "more"], 1, "'more' belongs to no flag"),
        (["--box=1,2,3,4", "--max_frames=0"], 2, "--max_frames"),
        (["--box=1,2,3,4", "--boxx=1"], 2, "Unknown command line flag 'boxx'"),
        (["--box=1,2,3,4", "--preset=big"], 1, "no preset 'big': choose one of compact, googlenet"),
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
        (make_empty, "has no images"),
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


def test_a_frame_size_that_changes_midway(run, fake, folder):
    pytest.importorskip("av")
    Image.fromarray(np.zeros((100, 40, 3), np.uint8)).save(folder / "4.png")
    result = run()
    assert result.status == 0
    assert len(result.rows()) == len(list(open_frames(result.out / "overlay.mp4"))) == COUNT


def test_a_video_with_a_damaged_tail_keeps_what_is_done(run, fake, tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "cut.mp4"
    draw = np.random.default_rng(0)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for _ in range(30):
            noise = draw.integers(0, 256, (64, 96, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise, format="rgb24")))
        container.mux(stream.encode())
    os.truncate(path, path.stat().st_size * 2 // 3)
    result = run(source=path)
    assert result.status == 1
    assert "cut.mp4 breaks off" in result.stderr
    assert 15 <= len(result.rows()) <= 22
    assert result.summary["status"] == "failed"
    assert "breaks off" in result.summary["problems"][0]
    assert "overlay.mp4" in result.files


def test_ctrl_c_keeps_what_is_done(run, fake):
    pytest.importorskip("av")
    fake(fail_at=15, error=KeyboardInterrupt())
    result = run()
    assert result.status == 130
    assert len(result.rows()) == 5
    assert result.summary["status"] == "interrupted"
    assert result.files == ["boxes.csv", "boxes.txt", "overlay.mp4", "summary.json"]
    assert result.summary["files"] == result.files[:-1]
    assert len(list(open_frames(result.out / "overlay.mp4"))) == 5


def test_ctrl_c_while_the_first_frame_is_learnt(run, fake):
    fake(fail_at=10, error=KeyboardInterrupt())
    result = run()
    assert result.status == 130
    assert result.files == ["summary.json"]
    assert result.summary["files"] == []


def test_a_bug_keeps_what_is_done_and_is_not_hidden(run, fake, tmp_path):
    fake(fail_at=15, error=ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        run()
    out = tmp_path / "out"
    assert len((out / "boxes.csv").read_text().splitlines()) == 6
    assert json.loads((out / "summary.json").read_text())["status"] == "failed"


def test_a_full_disk_keeps_what_is_done(run, fake, monkeypatch):
    real = track.sinks.RowFile.write

    def write(self, row):
        if self.rows == 4:
            raise OSError(errno.ENOSPC, "No space left on device", str(self.path))
        real(self, row)

    monkeypatch.setattr(track.sinks.RowFile, "write", write)
    result = run()
    assert result.status == 1
    assert "boxes.csv: No space left on device" in result.stderr
    assert len(result.rows()) == 4
    assert "No space left" in result.summary["problems"][0]


def test_a_full_disk_for_the_video_costs_the_video_only(run, fake, monkeypatch):
    pytest.importorskip("av")

    def full(self, image):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("dslt_jax.media.writer.Mp4Writer.add", full)
    result = run()
    assert result.status == 1
    assert "overlay.mp4 could not be written: No space left on device" in result.stderr
    assert len(result.rows()) == COUNT
    assert result.files == ["boxes.csv", "boxes.txt", "summary.json"]
    assert result.summary["status"] == "incomplete"


def test_a_summary_that_cannot_be_written(run, fake, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(track.sinks, "write_json", full)
    result = run("--novideo")
    assert result.status == 1
    assert "summary.json: No space left on device" in result.stderr
    assert len(result.rows()) == COUNT


def test_an_output_folder_that_cannot_be_written(run, fake, tmp_path, monkeypatch):
    (tmp_path / "out").write_text("a file")
    result = run()
    assert result.status == 1
    assert "cannot make the folder" in result.stderr
    (tmp_path / "out").unlink()
    monkeypatch.setattr(track.os, "access", lambda path, mode: False)
    result = run()
    assert result.status == 1
    assert "no permission to write to the folder" in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_real_ctrl_c_while_frames_are_read_drawn_and_tracked(folder, tmp_path):
    script = f"""
import itertools, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell ignores it
sys.path.insert(0, {os.path.dirname(__file__)!r})
import numpy as np
import test_track
from dslt_jax.cli import main, track
from dslt_jax.media.source import Source
endless = Source("camera", lambda: (("", test_track.scene(i)) for i in itertools.count()))
track.open_frames = lambda path: endless
test_track.Spec.build = lambda spec: test_track.Drifting()
sys.exit(main.main(["dslt", "track", "--input=0", "--box=10,12,20,16", "--output={tmp_path}",
                    "--nokeep_compiled"]))
"""
    child = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True)
    part = tmp_path / "boxes.csv.part"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (part.exists() and part.stat().st_size > 2000):
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130, said
    rows = (tmp_path / "boxes.csv").read_text().splitlines()
    assert len(rows) > 20 and all(row.count(",") == 7 for row in rows)
    assert json.loads((tmp_path / "summary.json").read_text())["status"] == "interrupted"
    assert not list(tmp_path.glob("*.part"))


def test_what_a_box_asks_beyond_the_settings_is_said(run, fake, tmp_path):
    result = run("--novideo", box="10,12,60,6")
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
