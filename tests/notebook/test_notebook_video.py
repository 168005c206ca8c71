"""A video that is opened, followed, shown and taken away in a notebook."""

import json
import shutil
import sys

import numpy as np
import pytest
import track_fakes

from dslt_jax import notebook
from dslt_jax.app.folder import Folder
from dslt_jax.app.spec import Spec
from dslt_jax.media import synthetic
from dslt_jax.media.source import FramesError, Source
from dslt_jax.notebook import video as video_module


@pytest.fixture
def fake(monkeypatch):
    """No network, and nothing compiles."""
    monkeypatch.setattr(Spec, "build", lambda spec: track_fakes.Drifting())


def clip(count=4, end=None):
    """The rendered clip and its first box; `end` is raised in place of a last frame."""
    rendered = synthetic.beetle_clip(count, 160, 160)

    def read():
        for frame in rendered.source:
            yield frame.name, frame.image
        if end is not None:
            raise end

    return Source("beetle", read, count, 25.0), rendered.boxes[0]


def test_the_sample_has_its_box():
    source, box = notebook.open_video()
    assert source.count == video_module.SAMPLE_FRAMES
    x, y, w, h = box
    assert 0 < x < x + w < 480 and 0 < y < y + h < 360


def test_what_cannot_be_opened_is_a_sentence(colab, monkeypatch):
    with pytest.raises(notebook.NotebookError, match="there is no file, folder or camera 'none'"):
        notebook.open_video("none")
    with pytest.raises(notebook.NotebookError, match=r"camera 'clip\.mp4'"):  # uploaded as that
        notebook.open_video("upload")
    colab.files.upload = dict
    with pytest.raises(notebook.NotebookError, match="nothing was uploaded: run the cell again"):
        notebook.open_video("upload")
    monkeypatch.delitem(sys.modules, "google.colab")
    with pytest.raises(notebook.NotebookError, match="uploading is for Colab"):
        notebook.open_video("upload")


def test_a_run_leaves_its_files(fake, tmp_path, capsys):
    run = notebook.track(*clip(), preset="mosse", output=tmp_path)
    assert [path.name for path in run.files[:2]] == ["boxes.csv", "boxes.txt"]
    assert run.video == run.files[2] and run.video.stat().st_size > 1000
    rows = np.genfromtxt(run.files[0], delimiter=",", names=True)
    assert len(rows) == 4 and np.isfinite(rows["confidence"]).all()
    assert "done: 4 frames" in capsys.readouterr().out


def test_a_tracker_has_its_say_on_a_box(fake, tmp_path, capsys):
    source, _ = clip()
    notebook.track(source, (10, 20, 100, 6), preset="compact", output=tmp_path)
    assert "is longer than the kernel's canvas" in capsys.readouterr().out


@pytest.mark.parametrize(
    "end, said",
    [
        (KeyboardInterrupt(), "stopped, what was done is kept: 3 frames"),
        (FramesError("the rest is cut"), "kept: the rest is cut: 3 frames"),
    ],
)
def test_a_run_that_ends_early_keeps_what_is_done(fake, end, said, tmp_path, capsys):
    run = notebook.track(*clip(3, end), preset="mosse", output=tmp_path)
    assert len(run.files[1].read_text(encoding="utf-8").splitlines()) == 3
    assert run.video.is_file() and said in capsys.readouterr().out


def test_what_cannot_be_tracked_is_a_sentence(tmp_path):
    with pytest.raises(notebook.NotebookError, match="there is no preset 'csrt': choose one of"):
        notebook.track(*clip(), preset="csrt", output=tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(notebook.NotebookError, match=r"cannot make the folder .*file: "):
        notebook.track(*clip(), preset="mosse", output=tmp_path / "file")
    source, _ = clip()
    with pytest.raises(notebook.NotebookError, match="box"):
        notebook.track(source, (500, 500, 20, 20), preset="mosse", output=tmp_path / "out")


def test_a_video_becomes_part_of_the_page(tmp_path, monkeypatch):
    pytest.importorskip("IPython", reason="IPython is not installed: extra notebooks")
    movie, picture = tmp_path / "a.mp4", tmp_path / "a.webp"
    movie.write_bytes(b"movie")
    picture.write_bytes(b"picture")
    assert "data:video/mp4;base64,bW92aWU=" in notebook.show(movie)._repr_html_()
    assert "data:image/webp;base64,cGljdHVyZQ==" in notebook.show(picture).data
    monkeypatch.setattr(video_module, "MOST_SHOWN", 3)
    with pytest.raises(notebook.NotebookError, match="too much for a page: download it"):
        notebook.show(movie)
    with pytest.raises(notebook.NotebookError, match="there is no video to show"):
        notebook.show(None)


def test_files_go_to_the_browser_in_colab(colab, tmp_path):
    notebook.download([tmp_path / "a", tmp_path / "b"])
    assert colab.saved == [str(tmp_path / "a"), str(tmp_path / "b")]


def test_the_device_is_told(monkeypatch, colab):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(notebook.machine.glob, "glob", lambda pattern: [])
    assert "on the CPU" in (text := notebook.device()) and "Change runtime type" in text
    monkeypatch.setattr(notebook.machine.glob, "glob", lambda pattern: ["/dev/accel0"])
    assert "seems to be a TPU" in notebook.device()
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/nvidia-smi")
    assert "pip install 'jax[cuda12]'" in notebook.device()


def test_nothing_of_another_run_stays_beside_the_boxes(fake, tmp_path):
    summary = {"status": "done", "files": ["boxes_cat.csv"], "input": "another.mp4"}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    (tmp_path / "boxes_cat.csv").write_text("of another run")
    source, box = clip()
    notebook.track(source, box, output=tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"boxes.csv", "boxes.txt"} <= names
    assert not {"summary.json", "boxes_cat.csv"} & names
    with Folder(tmp_path), pytest.raises(notebook.NotebookError, match="another run is writing"):
        notebook.track(source, box, output=tmp_path)
