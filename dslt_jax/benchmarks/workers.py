"""A process of this machine that executes tasks, and the channel to it."""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing import connection as channels
from multiprocessing.context import SpawnProcess

from dslt_jax.app import compiled
from dslt_jax.app.spec import Spec
from dslt_jax.benchmarks.execute import Failure, Task, perform

PROGRESS_SECONDS = 0.2


class Worker:
    """A process, its end of the channel, and the task that it has."""

    task: Task

    def __init__(
        self,
        process: SpawnProcess,
        channel: channels.Connection,
        environment: dict[str, str],
    ):
        self.process, self.channel, self.environment = process, channel, environment

    def give(self, task: Task) -> None:
        self.task = task
        with contextlib.suppress(OSError):  # a process that died is found by its closed channel
            self.channel.send(task)

    def died(self) -> Failure:
        self.channel.close()
        self.process.join()
        code = self.process.exitcode or 0
        killer = signal.Signals(-code).name if code < 0 else ""
        how = f"was killed by {killer}" if killer else f"ended with {code}"
        hint = ": perhaps memory was short, try fewer workers" if killer == "SIGKILL" else ""
        return Failure(f"its process {how}{hint}", "")

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self.channel.send(None)
        self.channel.close()
        self.process.join()

    def kill(self) -> None:
        self.channel.close()
        self.process.kill()
        self.process.join()


def start_worker(spec: Spec, environment: dict[str, str]) -> Worker:
    """Starts a process with some environment variables of its own; it ends when this one does."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(spec, theirs), daemon=True)
    with _environment(environment):
        process.start()
    theirs.close()
    return Worker(process, ours, environment)


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Sets variables for the processes that are started meanwhile."""
    saved = os.environ.copy()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)


def _work(spec: Spec, channel: channels.Connection) -> None:
    """The life of a worker process: a task in, counts of frames and the outcome out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_end_with_parent, daemon=True).start()
    compiled.keep()
    while (task := channel.recv()) is not None:
        unsent, last = 0, time.monotonic()

        def progress(frames: int) -> None:
            nonlocal unsent, last
            unsent += frames
            if time.monotonic() - last > PROGRESS_SECONDS:
                channel.send(unsent)
                unsent, last = 0, time.monotonic()

        channel.send(perform(spec, task, progress))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        channels.wait([parent.sentinel])
        os._exit(1)
