"""Where the tasks of a run are executed: here, in processes of this machine, or on a Ray cluster.

Each engine is a generator of `Event`s and the only writer is who reads them, so that workers may
die at any moment. Results do not depend on the engine nor on how many workers there are, because
every worker has the same number of threads: sums are split among them, and in another way for
another number.
"""

import collections
import logging
from collections.abc import Generator
from collections.abc import Sequence as SequenceABC
from multiprocessing import connection as channels
from typing import NamedTuple

from dslt_jax.app import compiled
from dslt_jax.app.spec import Spec
from dslt_jax.benchmarks.environments import environment
from dslt_jax.benchmarks.execute import Failure, Task, perform
from dslt_jax.benchmarks.trajectory import Trajectory
from dslt_jax.benchmarks.workers import Worker, start_worker

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
    workers: dict[channels.Connection, Worker] = {}

    def start(environment: dict[str, str]) -> None:
        if waiting:
            worker = start_worker(spec, environment)
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


def _perform_on_a_node(spec: Spec, task: Task) -> list[Trajectory] | Failure:
    """What a process of Ray does."""
    compiled.keep()
    return perform(spec, task)


def _not_fatal(outcome: list[Trajectory] | Failure) -> list[Trajectory] | Failure:
    if isinstance(outcome, Failure) and outcome.fatal:
        raise EngineError(outcome.reason)
    return outcome
