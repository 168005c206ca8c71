"""How `dslt track` ends early: nothing that is done is lost, and the folder says what it holds."""

import errno
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from track_fakes import COUNT

from dslt_jax.app import sinks
from dslt_jax.app.folder import Folder
from dslt_jax.cli import track_run
from dslt_jax.media.frames import open_frames


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
    assert (result.summary["status"], result.summary["signal"]) == ("interrupted", "SIGINT")
    assert result.files == ["boxes.csv", "boxes.txt", "overlay.mp4", "summary.json"]
    assert result.summary["files"] == result.files[:-1]
    assert len(list(open_frames(result.out / "overlay.mp4"))) == 5


@pytest.mark.parametrize(
    "error, status, said",
    [
        (KeyboardInterrupt(), 130, ""),
        (ValueError("3 rates for 2 branches"), 1, "cannot be learned: 3 rates for 2 branches"),
    ],
)
def test_what_ends_in_the_first_frame_leaves_the_run_before_as_it_was(
    run, fake, error, status, said
):
    before = run("--novideo")
    kept = {name: (before.out / name).read_bytes() for name in before.files}
    assert before.summary["status"] == "done" and len(kept) == 3
    fake(fail_at=10, error=error)
    result = run("--novideo")
    assert result.status == status and said in result.stderr
    assert {name: (result.out / name).read_bytes() for name in result.files} == kept


def test_a_bug_keeps_what_is_done_and_is_not_hidden(run, fake, tmp_path):
    fake(fail_at=15, error=ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        run()
    out = tmp_path / "out"
    assert len((out / "boxes.csv").read_text().splitlines()) == 6
    assert json.loads((out / "summary.json").read_text())["status"] == "failed"


def test_a_full_disk_keeps_what_is_done(run, fake, monkeypatch):
    real = sinks.RowFile.write

    def write(self, row):
        if self.rows == 4:
            raise OSError(errno.ENOSPC, "No space left on device", str(self.path))
        real(self, row)

    monkeypatch.setattr(sinks.RowFile, "write", write)
    result = run()
    assert result.status == 1
    assert "boxes.csv: No space left on device" in result.stderr
    assert len(result.rows()) == 4
    assert "No space left" in result.summary["problems"][0]


def test_a_full_disk_for_the_video_costs_the_video_only(run, fake, monkeypatch):
    pytest.importorskip("av")

    def full(self, image, time=None):
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

    monkeypatch.setattr(track_run.sinks, "write_json", full)
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
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    result = run()
    assert result.status == 1
    assert "no permission to write to the folder" in result.stderr


CAMERA = """
import itertools, signal, sys
import track_fakes
from dslt_jax.app.spec import Spec
from dslt_jax.cli import main, track
from dslt_jax.media.source import Source

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell ignores it,
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # and nohup this one
frames = lambda: (("", track_fakes.scene(i)) for i in itertools.count())
track.open_frames = lambda *place: Source("camera", frames)
Spec.build = lambda spec: track_fakes.Drifting()
sys.exit(main.main(["dslt", "track", "--input=0", "--box=10,12,20,16", "--nokeep_compiled",
                    "--output=" + sys.argv[1]]))
"""


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize(
    ("name", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129), ("SIGKILL", -9)]
)
def test_a_real_signal_while_frames_are_read_drawn_and_tracked(tmp_path, request, name, status):
    out = tmp_path / "out"
    child = subprocess.Popen(
        [sys.executable, "-c", CAMERA, str(out)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.path.dirname(__file__)},
    )
    request.addfinalizer(child.kill)  # it would read on for ever
    part = out / "boxes.csv.part"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (part.exists() and part.stat().st_size > 2000):
        time.sleep(0.05)
    assert json.loads((out / "summary.json").read_text())["status"] == "running"
    for _ in range(1 if name == "SIGKILL" else 2):  # as timeout(1) does
        child.send_signal(getattr(signal, name))
    _, said = child.communicate(timeout=60)
    assert child.returncode == status, said
    assert "Traceback" not in said
    summary = json.loads((out / "summary.json").read_text())
    if name == "SIGKILL":
        assert (summary["status"], part.stat().st_size > 2000) == ("running", True)
        return
    assert (summary["status"], summary["signal"]) == ("interrupted", name)
    rows = (out / "boxes.csv").read_text().splitlines()
    assert len(rows) > 20 and all(row.count(",") == 8 for row in rows)
    assert not list(out.glob("*.part"))


def test_the_files_of_the_run_before_are_gone_when_another_begins(run, fake, tmp_path):
    pytest.importorskip("av")
    (tmp_path / "targets.txt").write_text("10,12,20,16 cat\n30,12,20,16 dog\n")
    first = run(f"--targets={tmp_path / 'targets.txt'}", box=None)
    assert "overlay.mp4" in first.files and "boxes_dog.csv" in first.files
    (first.out / "boxes_mine.txt").write_text("not of a run")
    (first.out / "overlay.png").write_text("not of a run")
    fake(fail_at=11, error=KeyboardInterrupt())
    result = run("--novideo")
    ours = ["boxes.csv", "boxes.txt"]
    assert result.files == [*ours, "boxes_mine.txt", "overlay.png", "summary.json"]
    assert result.summary["files"] == ours


@pytest.mark.parametrize("form", ["file://{}", "~/clip.avi", "$HOME/clip.avi"])
def test_an_input_by_another_name_is_not_written_over(run, fake, tmp_path, monkeypatch, form):
    av = pytest.importorskip("av")
    monkeypatch.setenv("HOME", str(tmp_path / "out"))
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "boxes.csv"  # what a run writes, whatever is in it
    with av.open(str(path), "w", "avi") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    before = path.read_bytes()
    result = run("--novideo", source=form.format(path).replace("clip.avi", "boxes.csv"))
    assert result.status == 1 and "which it reads: choose another --output" in result.stderr
    assert path.read_bytes() == before


def test_an_input_is_not_written_over(run, fake, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "boxes.txt").write_text("10,12,20,16\n")
    result = run(f"--box_file={out / 'boxes.txt'}", "--novideo", box=None)
    assert result.status == 1
    assert "the run would write over" in result.stderr and "another --output" in result.stderr
    assert result.files == ["boxes.txt"]
    assert (out / "boxes.txt").read_text() == "10,12,20,16\n"


def test_two_runs_do_not_share_a_folder(run, fake, tmp_path):
    pytest.importorskip("fcntl")
    with Folder(tmp_path / "out"):
        result = run("--novideo")
    assert result.status == 1
    assert "another run is writing to" in result.stderr
    assert run("--novideo").status == 0


def test_files_that_cannot_be_begun(run, fake, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device", "boxes.csv")

    monkeypatch.setattr(sinks, "BoxFiles", full)
    result = run("--novideo")
    assert result.status == 1
    assert "cannot write boxes.csv: No space left on device" in result.stderr
    assert result.summary["status"] == "failed"
