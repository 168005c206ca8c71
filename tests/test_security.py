"""What SECURITY.md promises, one test a promise: files are read, never run, and never trusted."""

import ast
import io
import json
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.append(str(Path(__file__).parent / "benchmarks"))
sys.path.append(str(Path(__file__).parent / "media"))
sys.path.append(str(Path(__file__).parents[1] / "experiments" / "reliability"))
import bombs
import clips
import layouts

import dslt_jax as dslt
from dslt_jax import settings
from dslt_jax.adapters import cvat
from dslt_jax.app.folder import Folder, read_summary
from dslt_jax.app.tracks import TracksError
from dslt_jax.benchmarks import datasets, results
from dslt_jax.cli import main as cli
from dslt_jax.cli.endings import Output
from dslt_jax.media import container, images
from dslt_jax.media.frames import FramesError, open_frames
from dslt_jax.media.source import DamagedFrame
from dslt_jax.weights import fetch, store
from dslt_jax.weights.store import WeightsError

PACKAGE = Path(dslt.__file__).parent
# Where another program is started: our own runner of an export, and nvidia-smi.
STARTERS = {"export/folder.py", "benchmarks/environments.py"}


def put(tree, folder):
    """Writes an input of `bombs` and returns the path of its first file."""
    for name, content in tree.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder / next(iter(tree))


# Nothing that is read is run.


def test_no_module_can_run_what_it_reads():
    loads = {"pickle", "dill", "joblib", "marshal", "shelve", "yaml", "runpy"}
    runners = {"eval", "exec", "compile", "__import__"}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in getattr(node, "names", ()) if hasattr(alias, "name")]
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert not {name.split(".")[0] for name in names} & loads, path
                if "subprocess" in names:
                    assert path.relative_to(PACKAGE).as_posix() in STARTERS
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in runners, path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr not in {"system", "popen", "extractall"}, path


@pytest.mark.parametrize("kind", ["npz", "pth"])
def test_pickles_in_weights_are_refused(tmp_path, kind):
    if kind == "pth":
        pytest.importorskip("torch")
        tree = bombs.BOMBS["weights-pth"]()[0]
    else:
        tree = {"w.npz": bombs.zipped({"a.npy": bombs.npy((1,), b"cos\nsystem\n.", "|O")})}
    with pytest.raises(WeightsError, match="never loaded: it can run code"):
        store.read_network(put(tree, tmp_path))


def test_postscript_is_no_image(tmp_path, monkeypatch):
    import PIL.EpsImagePlugin

    monkeypatch.setattr(PIL.EpsImagePlugin, "Ghostscript", lambda *a, **o: pytest.fail("it ran"))
    (tree,) = [tree for tree in bombs.BOMBS["image"]() if b"%!PS" in next(iter(tree.values()))]
    with pytest.raises(images.ImageError, match="is not an image"):
        images.read_image(put(tree, tmp_path))


@pytest.mark.parametrize("text", ["loss=os.system", "loss=__import__('os')", "backbone=/tmp/x"])
def test_a_setting_names_only_parts_that_are_there(text):
    with pytest.raises(ValueError, match=r"is not one of|is a part|no setting"):
        settings.override(dslt.presets.compact(), [text])


# Names stay inside the folder.


@pytest.mark.parametrize("layout", ["vot", "got10k", "lasot"])
def test_a_sequence_cannot_be_called_a_path(tmp_path, layout):
    outside = ("../in/one", "one/../one", "/etc/hostname", "..", "one/", bombs.FAR, "a\\b", "a\0b")
    for number, name in enumerate(outside):
        root = tmp_path / str(number)
        layouts.text(root / "one" / "groundtruth.txt", layouts.truth(3))
        layouts.text(root / "one" / "one-1" / "groundtruth.txt", layouts.truth(3))
        for file in ("list.txt", "testing_set.txt"):
            (root / file).write_text(f"{name}\n")
        with pytest.raises(datasets.DatasetError, match=r"as no file can be called|is not a text"):
            datasets.load(layout, root)


def test_nor_can_one_of_our_own():
    sequence = datasets.Sequence(bombs.FAR, np.ones((3, 4)), tuple)
    with pytest.raises(datasets.DatasetError, match="as no file can be called"):
        datasets.Dataset("own", (bombs.FAR,), lambda name: sequence)


@pytest.mark.parametrize(
    "change",
    [
        {"files": ["overlay/../../x.mp4"]},
        {"files": [bombs.FAR]},
        {"files": [3]},
        {"targets": [{"name": bombs.FAR, "box": [1, 2, 3, 4]}]},
        {"targets": [{"name": "a", "box": ["1", 2, 3, 4]}]},
        {"status": []},
    ],
)
def test_a_summary_that_no_run_wrote_is_none(tmp_path, change):
    summary = {"status": "running", "files": ["boxes.csv", "overlay_2.mp4"]}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    assert read_summary(tmp_path) == summary
    (tmp_path / "summary.json").write_text(json.dumps(summary | change))
    assert read_summary(tmp_path) is None


def test_a_run_removes_only_what_a_run_writes(tmp_path):
    mine, out = tmp_path / "x.mp4", tmp_path / "out"
    out.mkdir()
    mine.write_text("mine")
    summary = {"status": "done", "files": ["overlay/../../x.mp4", "../x.mp4"]}
    (out / "summary.json").write_text(json.dumps(summary))
    with Folder(out) as folder:
        folder.begin({"status": "running", "files": []})
    assert mine.read_text() == "mine"


# What is shown is text.


class Page(HTMLParser):
    """Counts the scripts and the handlers of a page."""

    def __init__(self, text):
        super().__init__()
        self.scripts, self.handlers = 0, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.scripts += tag == "script"
        self.handlers += [name for name, _ in attributes if name.startswith("on")]


def test_a_report_escapes_all_names(tmp_path):
    hostile = "<script>alert(1)<script>"
    pages = []
    for name in ("plain", f"{hostile}' onload=x"):
        root, kept = tmp_path / f"data {len(pages)}", tmp_path / f"kept {len(pages)}" / name
        layouts.images(root / name / "img", 1, 3)
        layouts.text(root / name / "groundtruth_rect.txt", layouts.truth(3))
        (root / name / "attrs.txt").write_text("OCC")
        layouts.text(kept / f"{name}.txt", layouts.truth(3))
        flags = ["--dataset=otb", f"--root={root}", "--nofigures", f"--title={name}</title>"]
        output = tmp_path / f"page {len(pages)}"
        assert cli.main(["dslt", "report", str(kept), *flags, f"--output={output}"]) == 0
        pages.append(Page((output / "index.html").read_text()))
    plain, marked = pages
    assert (marked.scripts, marked.handlers) == (plain.scripts, [])
    assert plain.scripts >= 2


def test_a_result_that_is_a_script_is_a_sentence(tmp_path):
    layouts.images(tmp_path / "data" / "Own" / "img", 1, 3)
    layouts.text(tmp_path / "data" / "Own" / "groundtruth_rect.txt", layouts.truth(3))
    put({"Own.txt": bombs.SCRIPT.encode() * 3}, tmp_path / "KCF")
    with pytest.raises(results.ResultsError, match=r"line 1: '<script>.*is not 4 numbers"):
        results.read(tmp_path / "KCF", datasets.load("otb", tmp_path / "data"))


def test_names_in_a_table_for_latex_are_no_commands():
    from dslt_jax.benchmarks.report import tables

    assert "\\input{" not in tables._escape(r"\input{/etc/passwd} 50 %")


def test_a_terminal_is_told_nothing():
    kept = io.StringIO()
    Output(kept).write("a\x1b[2J\x1b]0;x\x07\x9b2J\tb\r\x1b[A\n")
    assert kept.getvalue() == "a\ufffd[2J\ufffd]0;x\ufffd\ufffd2J\tb\r\x1b[A\n"


# Sizes are known before they are taken.


@pytest.mark.parametrize("number", range(6))
def test_images_that_unpack_to_gigabytes_are_refused(tmp_path, number):
    path = put(bombs.BOMBS["image"]()[number], tmp_path)
    with pytest.raises(images.ImageError, match=r"decoded|not an image"):
        images.read_image(path)


def test_frames_of_a_video_have_a_limit(tmp_path):
    pytest.importorskip("av")
    assert container.MOST_PIXELS == Image.MAX_IMAGE_PIXELS * 2
    for number, tree in enumerate(bombs.BOMBS["video"]()[:3]):
        path = put(tree, tmp_path / str(number))
        try:
            frames = list(open_frames(path))
        except FramesError:
            continue
        assert all(isinstance(frame.image, DamagedFrame) for frame in frames)


@pytest.mark.parametrize("kind", ["npz", "safetensors", "h5", "mat", "caffemodel"])
def test_weights_that_lie_about_their_size_are_refused(tmp_path, kind):
    if kind == "h5":
        pytest.importorskip("h5py")
    for number, tree in enumerate(bombs.BOMBS[f"weights-{kind}"]()):
        with pytest.raises(WeightsError) as caught:
            store.read_network(put(tree, tmp_path / str(number)), "vgg16", "oxford")
        assert len(str(caught.value)) < 600


@pytest.mark.parametrize("number", range(6))
def test_annotations_that_unfold_or_read_other_files_are_refused(tmp_path, number):
    path = put(bombs.BOMBS["labels"]()[number], tmp_path)
    with pytest.raises(TracksError):
        cvat.read(path)


# Addresses are opened when the user names them.


def test_a_video_file_cannot_open_an_address(tmp_path):
    pytest.importorskip("av")
    clips.write_clip(tmp_path / "clip.ts", codec="mpeg2video", noise=99)
    with clips.serve(tmp_path) as server:
        assert list(open_frames(f"http://{server.address}/clip.ts"))
        asked = len(server.requests)
        text = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://{server.address}/clip.ts\n"
        (tmp_path / "list.mp4").write_text(text)
        with pytest.raises(FramesError):
            list(open_frames(tmp_path / "list.mp4"))
        assert len(server.requests) == asked


def test_passwords_are_not_shown(tmp_path):
    for address in ("http://me:secret@127.0.0.1:1/x?token=secret", "ftp://me:secret@host/x"):
        with pytest.raises(WeightsError) as caught:
            fetch.download(
                address, tmp_path / "w", size=1, sha256="0" * 64, attempts=1, timeout=1.0
            )
        assert "secret" not in str(caught.value) and "/x" in str(caught.value)


def test_a_password_is_sent_as_a_header(tmp_path):
    with clips.serve(tmp_path) as server, pytest.raises(WeightsError):
        fetch.download(
            f"http://me:secret@{server.address}/x", tmp_path / "w", size=1, sha256="0" * 64
        )
    assert server.requests[0]["Authorization"].startswith("Basic ")
