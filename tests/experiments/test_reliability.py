"""The trials of reliability, small: they find what is wrong, and nothing where nothing is."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from absl import app, flags

pytest.importorskip("hypothesis", reason="hostile inputs are made by hypothesis")
pytest.importorskip("pebble", reason="hostile inputs are read in pebble's processes")
import bombs
import commands
import hypothesis
import mutate
import sandbox

from dslt_jax.app.sinks import HEADER
from dslt_jax.app.spec import Spec
from dslt_jax.benchmarks import settings

HERE = Path(__file__).parents[2]
ROOM = HERE / "experiments" / "reliability"


def trial(name, *words):
    """Runs a trial as a user does; returns its status and what it printed."""
    words = [sys.executable, str(ROOM / f"{name}.py"), *words]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=500, check=False)
    return ended.returncode, ended.stdout + ended.stderr


# Hostile inputs.


@hypothesis.settings(max_examples=40, database=None, deadline=None)
@hypothesis.seed(1)
@hypothesis.given(mutate.changed([{"a.txt": b"1,2,3,4\n", "a/b.png": bombs.png(8, 8)}]))
def test_changes_leave_a_folder_of_files(tree):
    assert len(tree) == 2
    assert all(len(content) <= mutate.LARGEST for content in tree.values())
    assert all(".." not in Path(name).parts for name in tree)


def test_the_same_seed_makes_the_same_inputs():
    def drawn(seed):
        found = []

        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=20,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
        )
        @hypothesis.given(mutate.changed([{"a.txt": b"1,2,3,4\n" * 9}]))
        def keep(tree):
            found.append(tree)

        keep()
        return found

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_a_changed_run_has_its_hash():
    content = {"settings": {"protocol": {"name": "ope"}}, "about": {}}
    content["hash"] = settings.digest(content["settings"])
    hashed = 0

    @hypothesis.settings(max_examples=30, database=None, deadline=None)
    @hypothesis.seed(0)
    @hypothesis.given(mutate._value(json.dumps(content).encode(), hashed=True))
    def check(data):
        nonlocal hashed
        found = json.loads(data)
        hashed += found["hash"] == settings.digest(found["settings"])

    check()
    assert hashed >= 15  # the hash itself may be what was changed last, and a float NaN


def test_a_zip_may_say_too_little():
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(bombs.zipped({"a": bytes(10_000)}, understated=True))) as file:
        assert file.infolist()[0].file_size == 200


class Quiet:
    """Instead of a sandbox.Watch, which would stay for good."""

    noted = ()

    def only(self, folder):
        import contextlib

        return contextlib.nullcontext()


class Told(ValueError):
    pass


def _say(text):
    raise Told(text)


@pytest.mark.parametrize(
    ("read", "outcome", "place"),
    [
        (lambda case: None, "read", ""),
        (lambda case: _say("one sentence"), "refused", ""),
        (lambda case: _say(""), "fault", "no sentence"),
        (lambda case: _say("a" * 5000), "fault", "no sentence"),
        (lambda case: {}["x"], "fault", "KeyError"),
        (lambda case: sum(range(10**7)), "fault", "slow"),
    ],
)
def test_what_a_reader_does_is_judged(tmp_path, monkeypatch, read, outcome, place):
    import types

    made = types.SimpleNamespace(read=read, errors=(Told,))
    fake = types.SimpleNamespace(READERS={"it": made})
    monkeypatch.setitem(sys.modules, "readers", fake)
    for name, value in (("_watch", Quiet()), ("_seconds", 0.05), ("_memory", 1 << 40)):
        monkeypatch.setattr(sandbox, name, value, raising=False)
    answer = sandbox.read("it", tmp_path)
    assert answer.outcome == outcome and answer.place.startswith(place)


def test_what_a_reader_must_not_do_is_noted(tmp_path):
    code = """
import os, pathlib, pickle, socket, subprocess, sys
sys.path.insert(0, sys.argv[1])
import sandbox
out = pathlib.Path(sys.argv[2], "out")
out.mkdir()
(out.parent / "mine").write_text("x")
watch = sandbox.Watch(str(out / "temporary"))

def forbidden(act):
    with watch.only(out):
        try:
            act()
        except PermissionError:
            pass
        return len(watch.noted)

class Bad:
    def __reduce__(self):
        return os.getcwd, ()

data = pickle.dumps(Bad())
print([forbidden(act) for act in (
    lambda: (out / "a").write_text("x"),
    lambda: (out / "a").rename(out / "b"),
    lambda: (out.parent / "mine").read_text(),
    lambda: (out / ".." / "far").write_text("x"),
    lambda: (out / "b").rename(out.parent / "far"),
    lambda: (out.parent / "mine").unlink(),
    lambda: subprocess.run(["true"]),
    lambda: socket.create_connection(("127.0.0.1", 9)),
    lambda: pickle.loads(data),
)])
"""
    words = [sys.executable, "-c", code, str(ROOM), str(tmp_path)]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=100, check=True)
    assert json.loads(ended.stdout) == [0, 0, 0, 1, 1, 1, 1, 1, 1]
    assert (tmp_path / "mine").exists() and not (tmp_path / "far").exists()


@pytest.mark.slow
def test_fuzz_prints_a_row_for_each_reader(tmp_path):
    status, said = trial("fuzz", "--inputs=30", "--reader=boxes", f"--output={tmp_path / 'f'}")
    assert status == 0, said
    name, count, read, refused, faults = said.splitlines()[1].split()
    assert (name, count, faults) == ("boxes", "30", "0")
    assert int(read) + int(refused) == 30 and int(read) and int(refused)


@pytest.mark.slow
def test_fuzz_keeps_what_shows_a_fault_and_plays_it_again(tmp_path):
    words = (f"--output={tmp_path}", "--memory=256", "--inputs=40", "--reader=weights-npz")
    status, said = trial("fuzz", *words, "--seconds=0.01")
    assert status == 1 and " x " in said, said
    fault = min(tmp_path.iterdir())
    assert {path.name for path in fault.iterdir()} == {"in", "reader", "fault.txt"}
    assert trial("fuzz", f"--replay={fault}")[0] == 0  # there is time enough now


def test_an_unknown_reader_is_a_sentence():
    status, said = trial("fuzz", "--reader=mp3")
    assert status == 1
    assert "there is no reader mp3: choose from image, folder" in said
    assert "Traceback" not in said


# Kills.


@pytest.fixture
def kill():
    """The module, whose flags are gone afterwards."""
    assert app  # it brings flags of its own, which stay
    before = set(flags.FLAGS)
    flags.FLAGS(["test"])
    yield importlib.import_module("kill")
    for name in set(flags.FLAGS) - before:
        delattr(flags.FLAGS, name)
    sys.modules.pop("kill")


ROW = "{},1.000,2.000,3.000,4.000,0.5000,0,1.25,0.040"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("boxes.csv", f"{HEADER}\n{ROW.format(0)}\n{ROW.format(1)}\n", None),
        ("boxes.csv.part", f"{HEADER}\n{ROW.format(0)}\n1,1.0", None),
        ("boxes.csv", f"{HEADER}\n{ROW.format(0)}\n1,1.0", "a line is '1,1.0'"),
        ("boxes.csv", f"{HEADER}\n{ROW.format(1)}\n", "not numbered from 0"),
        ("boxes.txt", "1.000,2.000,3.000\n", "a line is '1.000,2.000,3.000'"),
        ("summary.json", '{"status": "ru', "Unterminated string"),
    ],
)
def test_half_a_file_is_noticed(tmp_path, kill, name, text, says):
    (tmp_path / name).write_text(text)
    if says is None:
        return kill._check(tmp_path / name)
    with pytest.raises(ValueError, match=says):
        kill._check(tmp_path / name)


def test_a_file_that_differs_from_an_undisturbed_runs_is_noticed(tmp_path, kill):
    found = object.__new__(kill.Benchmark)
    found._run = tmp_path
    (tmp_path / "a.txt").write_text("1")
    (tmp_path / "b.txt").write_text("1")
    found.keep_truth()
    assert found.look(whole=True) == []
    (tmp_path / "a_time.txt").write_text("times may differ")
    (tmp_path / "b.txt").unlink()
    assert found.look(whole=False) == []
    assert found.look(whole=True) == ["b.txt is not that of an undisturbed run"]
    (tmp_path / "a.txt").write_text("")
    assert found.look(whole=False) == ["a.txt is not that of an undisturbed run"]


@pytest.mark.slow
def test_kills_leave_whole_files():
    status, said = trial("kill", "--kills=4", "--frames=40", "--sequences=3")
    assert status == 0, said
    for command in ("track", "benchmark"):
        (line,) = [line for line in said.splitlines() if line.startswith(f"{command}: ")]
        assert line.endswith(", 0 faults")


# Long runs.


@pytest.fixture
def soak(monkeypatch):
    """Runs the trial without a tracker, with these bytes of memory at its marks."""
    assert app
    before = set(flags.FLAGS)
    module = importlib.import_module("soak")
    sys.path.append(str(HERE / "tests" / "cli"))
    import track_fakes

    monkeypatch.setattr(Spec, "build", lambda spec: track_fakes.Drifting())

    def run(*bytes_):
        held = iter([1, *bytes_])
        monkeypatch.setattr(sandbox, "used", lambda field: next(held))
        flags.FLAGS(["soak", "--frames=20", "--novideo"])
        with pytest.raises(SystemExit) as ended:
            module.main(["soak"])
        return int(ended.value.code)

    yield run
    for name in set(flags.FLAGS) - before:
        delattr(flags.FLAGS, name)
    sys.modules.pop("soak")


def test_memory_that_grows_is_a_fault(soak, capsys):
    flat = [100 << 20] * 10
    assert soak(*flat) == 0
    assert "grown by 0.0 MiB, 10.0 MiB are allowed" in capsys.readouterr().out
    assert soak(*flat[:9], 111 << 20) == 1


def test_the_clip_goes_to_and_fro():
    frames, boxes = commands.clip(200)
    assert (np.abs(np.diff(boxes[:, 0])) == 2).all() and len(frames) == 200
    assert boxes[:, 0].min() == 20 and boxes[:, 0].max() == 110


@pytest.mark.slow
def test_killed_workers_lose_nothing():
    pytest.importorskip("psutil", reason="workers are found by psutil")
    words = ("--workers=2", "--minutes=0.2", "--period=4", "--sequences=4", "--frames=400")
    status, said = trial("workers", *words)
    assert status == 0, said
    assert ", 0 faults" in said and " kills, " in said
