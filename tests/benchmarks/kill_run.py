"""Kills a benchmark run at random moments; checks after each that every file is whole.

    python kill_run.py DATA OUTPUT PROTOCOL KILLS

Forks, so that a kill costs milliseconds. Prints how many runs were killed while they worked, and
how many of these left some of the sequences to do.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import fake_trackers

from dslt_jax.benchmarks import datasets, engines, runs, settings
from dslt_jax.benchmarks.execute import Protocol, Task


def benchmark(root, output, protocol):
    """Does what is left of a run."""
    dataset, spec = datasets.load("generic", root), fake_trackers.Fake()
    with runs.Run(output, protocol, {"tracker": spec.describe()}) as run:
        left = [name for name in dataset.names if not run.done(name)]
        tasks = [Task("generic", root, None, name, protocol) for name in left]
        for event in engines.serial(spec, tasks):
            run.save(dataset[event.task.sequence], event.outcome)


def contents(folder):
    """Returns the bytes of every file but times and hidden ones."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and "_time" not in path.name
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def started(folder):
    """Whether a run has written two files; folders that vanish meanwhile are work in progress."""
    try:
        return len(contents(folder)) >= 2
    except FileNotFoundError:
        return False


def child(root, output, protocol):
    """Starts a process that works on a run; returns its id."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            benchmark(root, output, protocol)
            status = 0
        finally:
            os._exit(status)
    return pid


def main(root, output, name, kills):
    output, protocol, chance = Path(output), Protocol(name), random.Random(0)
    settings.versions()  # once for all, and not again after each fork
    begin = time.monotonic()
    pid = child(root, output / "undisturbed", protocol)
    while not started(output / "undisturbed"):
        time.sleep(0.001)
    first = time.monotonic() - begin
    _, status = os.waitpid(pid, 0)
    rest = time.monotonic() - begin - first
    truth = contents(output / "undisturbed")
    assert status == 0, "the undisturbed run failed"
    killed = resumed = 0
    while killed < kills:
        pid = child(root, output / "killed", protocol)
        time.sleep(chance.uniform(0, first + rest / 3))
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        found = contents(output / "killed")
        for path, data in found.items():
            assert data == truth[path], f"{path} is not whole after {killed} kills"
        if os.WIFSIGNALED(status):
            killed += 1
            resumed += 1 < len(found) < len(truth)
        else:  # it was done: from the start again
            assert found == truth, "the resumed run differs"
            shutil.rmtree(output / "killed")
    _, status = os.waitpid(child(root, output / "killed", protocol), 0)
    assert status == 0, "the run did not go on"
    print(json.dumps({"killed": killed, "resumed": resumed}))


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
