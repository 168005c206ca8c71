"""Engines: the same results everywhere, and workers that die."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import fake_trackers
import layouts

from dslt_jax.benchmarks import engines, environments
from dslt_jax.benchmarks.execute import Failure, Protocol, Task

NAMES = tuple(f"s{number}" for number in range(6))
ENVIRONMENTS = environments.local(2, 1, "cpu", keep_compiled=False)


@pytest.fixture
def tasks(tmp_path):
    """Six sequences; only the last one has frames 7 to 9."""
    layouts.generic(tmp_path / "data", NAMES[:-1], count=6)
    layouts.generic(tmp_path / "data", NAMES[-1:], count=9)
    root = str(tmp_path / "data")
    return [Task("generic", root, None, name, Protocol()) for name in NAMES]


def outcomes(events):
    """Returns sequence -> outcome, and checks that each has one."""
    found = {}
    for event in events:
        if event.outcome is not None:
            assert event.task.sequence not in found
            found[event.task.sequence] = event.outcome
    return found


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, group in expected.items():
        assert len(group) == len(found[name])
        for one, other in zip(found[name], group, strict=True):
            assert one.same_regions(other)
            np.testing.assert_array_equal(one.confidence, other.confidence)


def test_processes_give_the_serial_results_and_survive_a_killed_one(tasks):
    expected = outcomes(engines.serial(fake_trackers.Fake(), tasks))
    spec = fake_trackers.Fake(dies_at=9, cost=0.05)
    events = list(engines.processes(spec, tasks, ENVIRONMENTS))
    found = outcomes(events)
    assert set(found) == set(NAMES)
    died = found.pop(NAMES[-1])
    assert died.reason.startswith("its process was killed by SIGKILL: perhaps memory was short")
    expected.pop(NAMES[-1])
    assert_same(found, expected)
    assert 0 < sum(event.frames for event in events) <= 6 + 39  # one more for each to warm up


def test_a_failure_is_an_outcome_and_a_tracker_that_cannot_start_ends_all(tasks):
    found = outcomes(engines.serial(fake_trackers.Fake(fails_at=9), tasks))
    assert isinstance(found[NAMES[-1]], Failure)
    assert sum(isinstance(outcome, Failure) for outcome in found.values()) == 1
    with pytest.raises(engines.EngineError, match="cannot start: its weights are not here"):
        list(engines.serial(fake_trackers.Fake(absent=True), tasks))


ORPHANS = """
import sys
sys.path.insert(0, {folder!r})
import fake_trackers
from dslt_jax.benchmarks import engines, environments
from dslt_jax.benchmarks.execute import Protocol, Task
if __name__ == "__main__":
    import multiprocessing
    task = Task("generic", {root!r}, None, "s0", Protocol())
    spec = fake_trackers.Fake(cost=0.5)
    worker = environments.local(1, 1, "cpu", keep_compiled=False)
    for event in engines.processes(spec, [task], worker):
        print(*(child.pid for child in multiprocessing.active_children()), flush=True)
"""


def test_workers_end_when_their_parent_is_killed(tmp_path, tasks):
    script = tmp_path / "orphans.py"
    script.write_text(ORPHANS.format(folder=str(Path(__file__).parent), root=tasks[0].root))
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        worker = int(parent.stdout.readline())
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + 2.0  # it would work for 4 seconds
    while _alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(worker)


def _alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_workers_have_their_threads_and_their_gpu(monkeypatch):
    assert {v["NPROC"] for v in environments.local(3, 2, "cpu")} == {"2"}
    assert "CUDA_VISIBLE_DEVICES" not in environments.local(1, 1, "cpu")[0]
    assert "JAX_ENABLE_COMPILATION_CACHE" not in environments.local(1, 1, "cpu")[0]
    (worker,) = environments.local(1, 1, "cpu", keep_compiled=False)
    assert worker["JAX_ENABLE_COMPILATION_CACHE"] == "false"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,GPU-7e")
    workers = environments.local(3, 1, "gpu")
    assert [worker["CUDA_VISIBLE_DEVICES"] for worker in workers] == ["4", "GPU-7e", "4"]
    assert {worker["XLA_PYTHON_CLIENT_MEM_FRACTION"] for worker in workers} == {"0.45"}
    assert workers[0]["JAX_PLATFORMS"] == "cuda"
    # Without XLA's search for the fastest convolutions VGG-16 takes fifty times as long on an H200.
    assert "XLA_FLAGS" not in workers[0]


@pytest.mark.parametrize(
    ("visible", "gpus"), [("", []), ("-1", []), ("0,2", ["0", "2"]), ("1,-1,0", ["1"])]
)
def test_gpus_are_those_that_may_be_used(monkeypatch, visible, gpus):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert environments.visible_gpus() == gpus
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    assert environments.default_device() == "cpu"


def test_the_ray_engine_without_ray_says_how_to_get_it(tasks, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(engines.EngineError, match=r"pip install 'dslt-jax\[ray\]'"):
        list(engines.ray_cluster(fake_trackers.Fake(), tasks))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_a_ray_cluster_gives_the_serial_results_though_a_node_is_killed(tasks, monkeypatch):
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))  # fake_trackers, on all nodes
    expected = outcomes(engines.serial(fake_trackers.Fake(), tasks))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        nodes = [cluster.add_node(num_cpus=1) for _ in range(3)]
        spec = fake_trackers.Fake(cost=1.0)
        found, killed = {}, False
        for event in engines.ray_cluster(spec, tasks, cluster.address):
            found[event.task.sequence] = event.outcome
            if not killed:  # the others are at work
                cluster.remove_node(nodes[0], allow_graceful=False)
                killed = True
        assert_same(found, expected)
    finally:
        cluster.shutdown()
