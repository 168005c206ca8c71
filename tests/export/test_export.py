"""What an export's folder does on its own, against the library."""

import importlib.util
import json
import subprocess
import sys
import types

import jax
import numpy as np
import pytest
import small

from dslt_jax import presets
from dslt_jax.cli.main import main
from dslt_jax.export import folder, onnx, programs

ABOUT = {"name": "small"}


def load(path):
    """Its runner as a module."""
    spec = importlib.util.spec_from_file_location(f"runner_{path.name}", path / "tracker.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def follow(tracker, frames, box):
    tracker.init(frames[0], box)
    return np.stack([tracker.step(frame)["box"] for frame in frames[1:]])


@pytest.fixture(scope="module")
def mosse(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "mosse"
    assert folder.write(path, presets.mosse(), {}, ABOUT)[-1] == "export.json"
    return path


@pytest.fixture(scope="module")
def runner(mosse):
    return load(mosse)


def test_another_frame_size_needs_no_other_export(runner):
    for height, width in ((120, 160), (90, 210)):
        frames, truth = small.clip(3, height, width)
        expected = small.loop(presets.mosse(), {}, frames, truth[0]).box
        found = follow(runner.Tracker(), frames, truth[0])
        np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("box", "says"),
    [
        ([1, 2, 3], "a box must be x,y,w,h"),
        ([1, 2, 0, 9], "of more than 1 a side"),
        ([1, 2, float("nan"), 9], "a box must be x,y,w,h"),
        ([900, 2, 9, 9], "must be inside of the 160 x 120 frame"),
    ],
)
def test_its_wrong_boxes_are_told(runner, box, says):
    frames, truth = small.clip(1)
    with pytest.raises(ValueError, match=says):
        runner.Tracker().init(frames[0], box)
    with pytest.raises(ValueError, match=r"a frame must be \(H, W, 3\) uint8"):
        runner.Tracker().init(frames[0] / 255, truth[0])


def test_settings_are_inputs(mosse, runner):
    frames, truth = small.clip(2)
    lost = {}
    for threshold in (0.0, 1e6):
        tracker = runner.Tracker(lost=threshold)
        tracker.init(frames[0], truth[0])
        lost[threshold] = bool(tracker.step(frames[1])["lost"])
    assert lost == {0.0: False, 1e6: True}
    assert json.loads((mosse / "settings.json").read_text()) == programs.settings(presets.mosse())
    with pytest.raises(ValueError, match=r"no setting .*'loss.a'.* choose of .*rate"):
        runner.Tracker(**{"loss.a": 8})


@pytest.mark.slow
def test_a_network_and_a_second_look_go_along(tmp_path):
    tracker, params = small.tracker("augment=false", "first.steps=3"), small.params()
    folder.write(tmp_path / "small", tracker, params, ABOUT)
    frames, truth = small.clip(4)
    found = follow(load(tmp_path / "small").Tracker(), frames, truth[0])
    expected = small.loop(tracker, params, frames, truth[0]).box
    np.testing.assert_allclose(found, expected, atol=1e-2)


def test_what_it_says_of_itself(mosse):
    about = json.loads((mosse / "export.json").read_text())
    assert about["name"] == "small" and about["versions"]["jax"] == jax.__version__
    assert "6 months" in about["compatibility"] and "cuda" in about["platforms"]
    assert sorted([*about["files"], "export.json"]) == sorted(p.name for p in mosse.iterdir())


def test_it_replaces_an_export_and_nothing_else(mosse, tmp_path, monkeypatch):
    (tmp_path / "thesis.tex").write_text("years")
    with pytest.raises(folder.ExportError, match="holds other files: choose another"):
        folder.write(tmp_path, presets.mosse(), {}, ABOUT)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    monkeypatch.setattr(folder, "_files", lambda tracker, params: {"params.npz": b"new"})
    copy = tmp_path / "mosse"
    folder.write(copy, presets.mosse(), {}, ABOUT)
    folder.write(copy, presets.mosse(), {}, ABOUT)
    assert json.loads((copy / "export.json").read_text())["status"] == "done"
    monkeypatch.setattr(folder, "_files", lambda *_: {"no/params.npz": b"new"})
    with pytest.raises(folder.ExportError, match="cannot write"):
        folder.write(copy, presets.mosse(), {}, ABOUT)
    assert json.loads((copy / "export.json").read_text()) == {"status": "unfinished"}
    with pytest.raises(folder.ExportError, match="cannot write"):
        folder.write(tmp_path / "thesis.tex" / "below", presets.mosse(), {}, ABOUT)
    with pytest.raises(folder.ExportError, match="dictionary of arrays"):
        folder.write(copy, presets.mosse(), {"layer": {"w": np.zeros(3)}}, ABOUT)


def test_it_ends_quietly_where_its_reader_goes_away(mosse, tmp_path):
    frames, truth = small.clip(3)
    np.save(tmp_path / "clip.npy", frames)
    words = [mosse / "tracker.py", tmp_path / "clip.npy", ",".join(map(str, truth[0]))]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, *words], **streams) as process:
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 0 and "Error" not in said


def test_the_command_writes_and_checks(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # in its process too
    monkeypatch.setattr(folder, "CHECK_FRAMES", 4)
    command = ["dslt", "export", "--preset=mosse", "--nokeep_compiled"]
    assert main([*command, f"--output={tmp_path / 'out'}"]) == 0
    said = capsys.readouterr().out
    assert "locate.jaxexport" in said and "checked in a process without dslt_jax" in said
    assert json.loads((tmp_path / "out" / "export.json").read_text())["name"] == "mosse"
    assert main([*command, f"--output={tmp_path}"]) == 1
    assert "holds other files" in capsys.readouterr().err


def test_an_export_that_fails_its_check_is_told(tmp_path, capsys, monkeypatch):
    command = ["dslt", "export", "--preset=mosse", "--nokeep_compiled", f"--output={tmp_path}"]
    monkeypatch.setattr(folder, "_files", lambda *_: {"tracker.py": b"raise SystemExit('no')"})
    assert main(command) == 1
    assert "does not run: no" in capsys.readouterr().err
    monkeypatch.setattr(folder, "check", lambda *_: 7.0)
    assert main(command) == 1
    assert "differ from the library's by 7 pixels" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["compact", "siamfc", "eco", "fcnt"])
def test_any_tracker_says_how_large_its_crop_is(name, tmp_path, monkeypatch):
    """Up to the converter, whose place a stub takes."""
    asked = []

    def to_onnx(network, shapes, **names):
        asked.extend(shapes)
        raise RuntimeError("a stub")

    converter = types.SimpleNamespace(to_onnx=to_onnx)
    monkeypatch.setitem(sys.modules, "jax2onnx", converter)
    monkeypatch.setitem(sys.modules, "onnxruntime", types.SimpleNamespace(InferenceSession=None))
    tracker = presets.by_name(name)
    with pytest.raises(folder.ExportError, match="a stub"):
        onnx.write(tmp_path, tracker, {})
    size = tracker.first_look(np.float32([30, 30, 40, 50])).size
    assert asked == [(1, size, size, 3)] and size >= 200


def test_the_seed_is_the_exports(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "_files", lambda *_: {"tracker.py": folder.RUNNER.read_bytes()})
    folder.write(tmp_path, presets.mosse(), {}, {"seed": 2**32 - 1})
    (tmp_path / "settings.json").write_text("{}")
    np.savez(tmp_path / "params.npz")
    module, seeds = load(tmp_path), []
    module.program = lambda name: lambda *given: seeds.append(given[-1])
    tracker = module.Tracker()
    frame = np.zeros((12, 16, 3), np.uint8)
    tracker.init(frame, [0, 0, 9, 9])
    tracker.init(frame, [0, 0, 9, 9], seed=7)
    assert seeds == [2**32 - 1, 7] and {seed.dtype for seed in seeds} == {np.dtype(np.uint32)}


def test_what_is_not_installed_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jax2onnx", None)
    with pytest.raises(folder.ExportError, match=r"pip install 'dslt-jax\[onnx\]'"):
        onnx.write(tmp_path, small.tracker(), small.params())
    with pytest.raises(folder.ExportError, match="no network"):
        onnx.write(tmp_path, presets.mosse(), {})

    def serialize(exported):
        raise ImportError("flatbuffers")

    monkeypatch.setattr(jax.export.Exported, "serialize", serialize)
    with pytest.raises(folder.ExportError, match=r"pip install 'dslt-jax\[export\]'"):
        folder.write(tmp_path / "out", presets.mosse(), {}, ABOUT)


def test_what_jax_cannot_export_is_told(tmp_path):
    def ours(p, y):  # a call of Python's, which runs nowhere else
        shape = jax.ShapeDtypeStruct(p.shape, p.dtype)
        return jax.pure_callback(lambda p, y: (p - y) ** 2, shape, p, y)

    tracker = small.tracker("augment=false").replace(loss=ours)
    with pytest.raises(folder.ExportError, match="JAX cannot export this tracker"):
        folder.write(tmp_path / "out", tracker, small.params(), ABOUT)


@pytest.mark.slow
@pytest.mark.parametrize("name", presets.PRESETS)
def test_every_preset_goes(name):
    tracker, params = presets.by_name(name), {}
    for network in getattr(tracker, "networks", (tracker.backbone,)):
        if network is not None:
            params |= jax.eval_shape(network.init, jax.random.key(0))
    found = programs.programs(tracker, params)
    assert [set(one.platforms) for one in found.values()] == [set(programs.PLATFORMS)] * 3


def test_the_network_as_onnx_has_the_same_maps(tmp_path):
    pytest.importorskip("jax2onnx")
    runtime = pytest.importorskip("onnxruntime")
    tracker, params = small.tracker(), small.params()
    name = onnx.write(tmp_path, tracker, params)
    model = runtime.InferenceSession(tmp_path / name, providers=["CPUExecutionProvider"])
    crop = np.random.default_rng(0).uniform(0, 255, (1, 128, 128, 3)).astype(np.float32)
    found = model.run([layer.name for layer in tracker.backbone.layers], {onnx.INPUT: crop})
    for ours, theirs in zip(tracker.backbone.apply(params, crop), found, strict=True):
        np.testing.assert_allclose(theirs, ours, atol=1e-4)
