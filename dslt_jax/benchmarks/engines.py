"""Where the tasks of a run are executed: here, in processes of this machine, or on a Ray cluster.

Each engine is a generator of `Event`s and the only writer is who reads them, so that workers may
die at any moment. Results do not depend on the engine nor on how many workers there are, because
every worker has the same number of threads: sums are split among them, and in another way for
another number.
"""

import collections
import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Generator, Iterator
from collections.abc import Sequence as SequenceABC
from multiprocessing import connection as channels
from multiprocessing.context import SpawnProcess
from typing import NamedTuple

from dslt_jax.app import compiled
from dslt_jax.app.spec import Spec
from dslt_jax.benchmarks.environments import environment
from dslt_jax.benchmarks.execute import Failure, Task, perform
from dslt_jax.benchmarks.trajectory import Trajectory

PROGRESS_SECONDS = 0.2
RAY_RETRIES = 5  # of a task whose node or process died


class EngineError(RuntimeError):
    """No task can be executed; the text says why and what to do."""


class Event(NamedTuple):
    """News of a task: frames read since the last event and, at its end, the outcome."""

    task: Task
    frames: int
    outcome: list[Trajectory] | Failure | None


def serial(spec: Spec, tasks: SequenceABC[Task]) -> Generator[Event]:
    """Executes tasks one after the other in this process; raises EngineError."""
    for task in tasks:
        yield Event(task, 0, _not_fatal(perform(spec, task)))


def processes(
    spec: Spec, tasks: SequenceABC[Task], environments: SequenceABC[dict[str, str]]
) -> Generator[Event]:
    """Executes tasks in processes of this machine.

    A process that dies fails its task and is replaced. When this process ends, even by kill -9,
    its workers do too.

    Args:
        spec: built once in each process.
        tasks: handed out in their order.
        environments: the environment variables of each worker, see `environments.local`.

    Raises:
        EngineError: the tracker cannot start.
    """
    waiting = collections.deque(tasks)
    workers: dict[channels.Connection, _Worker] = {}

    def start(environment: dict[str, str]) -> None:
        if waiting:
            worker = _start(spec, environment)
            worker.give(waiting.popleft())
            workers[worker.channel] = worker

    try:
        for environment in environments:
            start(environment)
        while workers:
            for channel in channels.wait(list(workers)):
                assert isinstance(channel, channels.Connection)
                worker = workers[channel]
                try:
                    message = channel.recv()
                except (EOFError, OSError):
                    yield Event(worker.task, 0, worker.died())
                    del workers[channel]
                    start(worker.environment)
                    continue
                if isinstance(message, int):
                    yield Event(worker.task, message, None)
                    continue
                yield Event(worker.task, 0, _not_fatal(message))
                if waiting:
                    worker.give(waiting.popleft())
                else:
                    workers.pop(channel).stop()
    finally:
        for worker in workers.values():
            worker.kill()


def ray_cluster(
    spec: Spec,
    tasks: SequenceABC[Task],
    address: str | None = None,
    threads: int = 1,
    device: str = "cpu",
    *,
    keep_compiled: bool = True,
) -> Generator[Event]:
    """Executes tasks on a Ray cluster, as many at once as it has CPUs or GPUs for.

    A task whose node dies is executed again on another one. Every node must see the dataset and
    the weights under the same paths and have the same versions installed.

    Args:
        spec: built once in each of Ray's processes.
        tasks: all are handed to Ray at once.
        address: of the cluster, such as "auto" or host:6379; None starts one on this machine.
        threads: CPUs of a task.
        device: cpu or gpu; a task on a gpu takes one of them.
        keep_compiled: programs are kept on each node, see `app.compiled`.

    Raises:
        EngineError: Ray is not installed, the cluster cannot be reached, or the tracker cannot
            start.
    """
    try:
        import ray
    except ImportError:
        raise EngineError("the ray engine needs Ray: pip install 'dslt-jax[ray]'") from None
    variables = environment(threads, device, keep_compiled=keep_compiled)
    try:
        ray.init(
            address=address,
            runtime_env={"env_vars": variables},
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except Exception as error:
        where = f"the Ray cluster at {address} cannot be reached" if address else "Ray cannot start"
        raise EngineError(f"{where}: {error}") from None
    try:
        remote = ray.remote(_perform_on_a_node).options(
            num_cpus=threads, num_gpus=int(device == "gpu"), max_retries=RAY_RETRIES
        )
        pending = {remote.remote(spec, task): task for task in tasks}
        while pending:
            finished, _ = ray.wait(list(pending))
            for reference in finished:
                task = pending.pop(reference)
                try:
                    outcome = _not_fatal(ray.get(reference))
                except ray.exceptions.RayError as error:
                    *_, last = str(error).strip().splitlines() or [type(error).__name__]
                    outcome = Failure(f"Ray gave it up: {last}", str(error))
                yield Event(task, 0, outcome)
    finally:
        ray.shutdown()


class _Worker:
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


def _start(spec: Spec, environment: dict[str, str]) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(spec, theirs), daemon=True)
    with _environment(environment):
        process.start()
    theirs.close()
    return _Worker(process, ours, environment)


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


def _perform_on_a_node(spec: Spec, task: Task) -> list[Trajectory] | Failure:
    """What a process of Ray does."""
    compiled.keep()
    return perform(spec, task)


def _not_fatal(outcome: list[Trajectory] | Failure) -> list[Trajectory] | Failure:
    if isinstance(outcome, Failure) and outcome.fatal:
        raise EngineError(outcome.reason)
    return outcome
