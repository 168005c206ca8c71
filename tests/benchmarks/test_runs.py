"""The run's directory: whole files, going on, refusing others, kill -9 at random moments."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import fake_trackers
import kill_run
import layouts

from dslt_jax.benchmarks import datasets, metrics, runs, settings
from dslt_jax.benchmarks.execute import Failure, Protocol, execute, starts
from dslt_jax.benchmarks.settings import RunError

SETTINGS = {"dataset": "generic", "tracker": {"config": {"speed": 1.0}, "weights": "ab" * 32}}


@pytest.fixture
def dataset(tmp_path):
    layouts.generic(tmp_path / "data", ("one", "two"), count=25)
    return datasets.load("generic", tmp_path / "data")


def _trajectories(dataset, name, protocol):
    return execute(fake_trackers.Fake().build(), dataset[name], protocol)


@pytest.mark.parametrize("name", ["ope", "tre", "sre", "supervised", "unsupervised", "realtime"])
def test_what_is_saved_is_read_again(tmp_path, dataset, name):
    protocol = Protocol(name)
    group = _trajectories(dataset, "one", protocol)
    with runs.Run(tmp_path / "run", protocol, SETTINGS) as run:
        assert not run.done("one")
        run.save(dataset["one"], group)
        assert run.done("one")
        assert not run.done("two")
    found = runs.read(tmp_path / "run", dataset.subset(["one"]))
    assert not found.problems
    for one, other in zip(found.runs["one"], group, strict=True):
        np.testing.assert_allclose(one.seconds, other.seconds, atol=1e-8)
        np.testing.assert_allclose(one.confidence, other.confidence, atol=1e-8)
        shown = np.isfinite(one.regions).all(axis=1)
        np.testing.assert_allclose(one.regions[shown], other.regions[shown], atol=1e-4)
        if "supervised" in name:
            np.testing.assert_array_equal(one.codes, other.codes)
        else:
            assert shown.all()
    assert not (tmp_path / "run" / ".unfinished").exists()


def test_segments_have_their_starts_and_are_scored(tmp_path, dataset):
    protocol = Protocol("tre")
    with runs.Run(tmp_path / "run", protocol, SETTINGS) as run:
        for name in dataset.names:
            run.save(dataset[name], _trajectories(dataset, name, protocol))
    found = runs.segments(tmp_path / "run", dataset)
    assert [start for start, _ in found["one"]] == [
        one.start for one in starts(dataset["one"], protocol)
    ]
    assert all(start + len(boxes) == 25 for start, boxes in found["two"])
    assert 0 < metrics.evaluate_segments(dataset, found).summary()["auc"] <= 1


def test_settings_are_hashed_and_kept(tmp_path):
    with runs.Run(tmp_path / "run", Protocol(), SETTINGS, {"root": "data"}):
        pass
    content = settings.read(tmp_path / "run")
    assert content["settings"]["protocol"] == {"name": "ope"}
    packages = {"dslt_jax", "code", "jax", "jaxlib", "numpy", "pillow"}
    assert set(content["settings"]["versions"]) == packages
    assert content["about"] == {"root": "data"}
    assert content["hash"] == settings.digest(content["settings"])


def _run_with_a_result(path, dataset):
    with runs.Run(path, Protocol(), SETTINGS, {"root": "data"}) as run:
        run.save(dataset["one"], _trajectories(dataset, "one", Protocol()))


def test_a_run_without_results_takes_other_settings(tmp_path):
    path = tmp_path / "run"
    with runs.Run(path, Protocol(), SETTINGS) as run:
        run.fail("one", Failure("it fell", ""))
    with runs.Run(path, Protocol("tre"), SETTINGS):
        assert settings.read(path)["settings"]["protocol"] == {"name": "tre"}


def test_other_settings_are_refused_and_named(tmp_path, dataset, monkeypatch):
    path = tmp_path / "run"
    _run_with_a_result(path, dataset)
    with runs.Run(path, Protocol(), SETTINGS, {"root": "elsewhere"}):
        pass  # where the data lie may change
    other = {"dataset": "generic", "tracker": {"config": {"speed": 2.0}, "weights": "cd" * 32}}
    with pytest.raises(RunError) as error:
        runs.Run(path, Protocol("tre"), other)
    text = str(error.value)
    assert text.startswith(f"{path} holds a run with other settings (protocol.name: ope there, tre")
    assert "tracker.config.speed: 1.0 there, 2.0 now" in text
    assert "tracker.weights: abababababab… there, cdcdcdcdcdcd… now" in text
    monkeypatch.setattr(settings, "code_digest", lambda package: "ef" * 32)
    monkeypatch.setattr(settings.dslt_jax, "__version__", "99")
    settings.versions.cache_clear()
    with pytest.raises(RunError) as error:
        runs.Run(path, Protocol(), SETTINGS)
    settings.versions.cache_clear()
    assert "versions.code: " in str(error.value)
    assert re.search(r"versions\.dslt_jax: \S+ there, 99 now", str(error.value))


def test_the_digest_of_the_code_covers_all_that_decides_results(tmp_path):
    package = tmp_path / "dslt_jax"
    modules = shutil.ignore_patterns("__pycache__", "*.safetensors", "static", "data")
    shutil.copytree(Path(settings.dslt_jax.__file__).parent, package, ignore=modules)
    digest = settings.code_digest(package)
    rooms = ("ops", "learners", "trackers", "backbones", "weights")
    files = [file for room in rooms for file in (package / room).rglob("*.py")]
    (package / "ops" / "deeper").mkdir()
    (package / "ops" / "deeper" / "new.py").touch()
    assert len(files) > 30
    names = ("tracking.py", "stages.py", "app/session.py", *settings.DECIDING)
    files += [package / name for name in names]
    for file in files:
        content = file.read_bytes()
        changed = settings.code_digest(package)
        file.write_bytes(content + b"#")
        assert settings.code_digest(package) not in (digest, changed), file
        file.write_bytes(content)
    assert settings.code_digest(package) != digest  # for the new one
    shutil.rmtree(package / "ops" / "deeper")
    for name in ("cli/track.py", "ui/server.py", "export/onnx.py"):
        (package / name).write_text("")
    (package / "benchmarks" / "report" / "page.py").unlink()
    assert settings.code_digest(package) == digest


def test_a_damaged_or_edited_run_is_refused(tmp_path, dataset):
    path = tmp_path / "run"
    _run_with_a_result(path, dataset)
    content = json.loads((path / "run.json").read_text())
    content["settings"]["dataset"] = "otb"
    (path / "run.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match="changed by hand"):
        runs.Run(path, Protocol(), SETTINGS)
    for text in ("{", "[" * 100_000, "[]"):
        (path / "run.json").write_text(text)
        with pytest.raises(RunError, match=r"run\.json is damaged"):
            runs.Run(path, Protocol(), SETTINGS)


@pytest.mark.parametrize(
    "change",
    [
        {"settings": []},
        {"settings": {}},
        {"settings": {"protocol": []}},
        {"settings": {"protocol": {"name": "../x"}}},
        {"settings": {"protocol": {"name": "ope"}, "dataset": ["otb"]}},
        {"about": None},
        {"about": {"root": 3}},
    ],
)
def test_a_run_of_another_shape_is_refused(tmp_path, dataset, change):
    path = tmp_path / "run"
    _run_with_a_result(path, dataset)
    content = json.loads((path / "run.json").read_text()) | change
    content["hash"] = settings.digest(content["settings"])
    (path / "run.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match=r"run\.json is damaged"):
        runs.read(path, dataset)


def test_a_directory_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(RunError, match=r"holds thesis\.tex but no run: choose another"):
        runs.Run(tmp_path, Protocol(), SETTINGS)
    with pytest.raises(RunError, match=r"cannot write to .*: Not a directory"):
        runs.Run(tmp_path / "thesis.tex" / "run", Protocol(), SETTINGS)


def test_two_processes_never_write_one_run(tmp_path):
    path = tmp_path / "run"
    with (
        runs.Run(path, Protocol(), SETTINGS),
        pytest.raises(RunError, match="another process is writing to"),
    ):
        runs.Run(path, Protocol(), SETTINGS)
    with runs.Run(path, Protocol(), SETTINGS):
        pass


def test_a_failure_is_kept_until_there_is_a_result(tmp_path, dataset):
    path = tmp_path / "run"
    with runs.Run(path, Protocol(), SETTINGS) as run:
        run.fail("one", Failure("it fell", "Traceback: here"))
        assert (path / "failed" / "one.txt").read_text() == "it fell\n\nTraceback: here"
        assert not run.done("one")
        run.save(dataset["one"], _trajectories(dataset, "one", Protocol()))
        assert not (path / "failed").exists()
        run.fail("one", Failure("late", ""))  # as if killed before it was taken away
    with runs.Run(path, Protocol(), SETTINGS):
        assert not (path / "failed").exists()


def test_a_full_disk_keeps_what_is_done(tmp_path, dataset, monkeypatch):
    path = tmp_path / "run"
    with runs.Run(path, Protocol(), SETTINGS) as run:
        run.save(dataset["one"], _trajectories(dataset, "one", Protocol()))
        before = kill_run.contents(path)

        def full(descriptor):
            raise OSError(28, os.strerror(28))

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match=r"cannot write .*two\.txt: No space left.*goes on from"):
            run.save(dataset["two"], _trajectories(dataset, "two", Protocol()))
    assert kill_run.contents(path) == before
    assert not (path / ".unfinished").exists()


@pytest.mark.parametrize("protocol", ["ope", "supervised"])
def test_kill_at_twenty_moments_ends_with_the_same_bytes(tmp_path, protocol):
    names = [f"s{number:02d}" for number in range(10)]
    layouts.generic(tmp_path / "data", names, count=3)
    script = Path(kill_run.__file__)
    arguments = [str(tmp_path / "data"), str(tmp_path), protocol, "20"]
    ended = subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report["killed"] == 20
    assert report["resumed"] >= 5  # kills that left some of the sequences, not none and not all
    undisturbed = kill_run.contents(tmp_path / "undisturbed")
    assert len(undisturbed) == 1 + 10 * {"ope": 2, "supervised": 6}[protocol]
    assert kill_run.contents(tmp_path / "killed") == undisturbed


def test_where_the_dataset_lay_may_change(tmp_path, dataset):
    path = tmp_path / "run"
    _run_with_a_result(path, dataset)
    with runs.Run(path, Protocol(), SETTINGS, {"root": "/new"}):
        pass
    assert json.loads((path / "run.json").read_text())["about"] == {"root": "/new"}
    assert runs.read(path, dataset).runs
