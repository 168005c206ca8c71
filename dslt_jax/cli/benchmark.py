"""Runs a tracker over a benchmark; the same command again goes on where it stopped.

    dslt benchmark --dataset otb --root DIR --preset compact --output runs/compact
    dslt benchmark --dataset otb100 --root DIR --protocol tre --output runs/tre --workers 8
    dslt benchmark --dataset vot2016 --root DIR --protocol vot --output runs/vot
    dslt benchmark --dataset otb --root DIR --output runs/x --sequences Deer,Skiing
    dslt benchmark --dataset otb --root DIR --output runs/x --engine ray --ray_address auto

The output folder holds run.json (settings, versions, hash), a result a sequence, which toolkits
and `dslt score` read, times/, and failed/ with the tracebacks of sequences that failed; these are
tried again by the next call. Stop it at any moment: what is done is kept. Other settings or
versions in the same folder are refused.

Results are the same bytes however often a run was stopped and for any number of workers; times and
the realtime protocol, which depends on them, are not. The number of threads changes sums in the
last digits, so it belongs to the settings.

Exit status: 0 all done; 1 something was not, or a sequence failed; 2 wrong flags; 130 Ctrl-C.
"""

import contextlib
import os
import sys
from collections.abc import Generator, Sequence
from pathlib import Path

from absl import flags

from dslt_jax.app import compiled
from dslt_jax.app.spec import Spec
from dslt_jax.benchmarks import datasets, engines, environments, metrics, protocols, runs, tables
from dslt_jax.benchmarks.datasets import Dataset, DatasetError
from dslt_jax.benchmarks.engines import EngineError
from dslt_jax.benchmarks.execute import Failure, Protocol, Task
from dslt_jax.benchmarks.metrics import vot
from dslt_jax.benchmarks.results import Results, ResultsError
from dslt_jax.benchmarks.settings import RunError
from dslt_jax.benchmarks.tables import plural
from dslt_jax.cli import common, paths, scoring
from dslt_jax.cli.main import UserError
from dslt_jax.cli.progress import Progress
from dslt_jax.weights.store import WeightsError

# What a user calls VOT's experiments.
ALIASES = {"vot": "supervised", "vot_unsupervised": "unsupervised"}

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    "dataset", "otb", f"which benchmark: {', '.join(datasets.LAYOUTS)}", flag_values=FLAGS
)
paths.define("root", None, "the benchmark's folder", FLAGS)
paths.define("annotations", None, "annotations kept elsewhere", FLAGS)
flags.DEFINE_list(
    "sequences", None, "only these, e.g. Deer,Skiing; otherwise all", flag_values=FLAGS
)
flags.DEFINE_enum(
    "protocol",
    "ope",
    [*protocols.PROTOCOLS, *ALIASES],
    "; ".join(f"{name}: {text}" for name, text in protocols.PROTOCOLS.items())
    + "; vot and vot_unsupervised are VOT's two",
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "repetitions",
    15,
    "vot: at most so many; three equal ones suffice",
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_float(
    "fps", 20.0, "realtime: frames a second that come", lower_bound=1e-3, flag_values=FLAGS
)
paths.define("output", None, "the run's folder, e.g. runs/compact", FLAGS)
flags.DEFINE_integer(
    "workers",
    None,
    "processes at once; otherwise one a GPU, or one",
    lower_bound=1,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "threads", 1, "threads of the math library in each worker", lower_bound=1, flag_values=FLAGS
)
flags.DEFINE_enum(
    "device", "auto", ["auto", "cpu", "gpu"], "auto: gpu where JAX can use one", flag_values=FLAGS
)
flags.DEFINE_enum(
    "engine", "local", ["local", "ray"], "this machine, or a Ray cluster", flag_values=FLAGS
)
flags.DEFINE_string(
    "ray_address",
    None,
    "the cluster, e.g. auto or host:6379; otherwise one is started here",
    flag_values=FLAGS,
)
common.define_tracker_flags(FLAGS)


def main(values: flags.FlagValues, arguments: list[str]) -> int:
    """Runs what is not done yet, prints the scores and returns the exit status."""
    _check_flags(values, arguments)
    spec, _ = common.tracker_from_flags(values)
    protocol = Protocol(
        ALIASES.get(values.protocol, values.protocol), values.repetitions, values.fps
    )
    device = environments.default_device() if values.device == "auto" else values.device
    try:
        dataset = datasets.load(values.dataset, values.root, values.annotations)
        wanted = scoring.chosen(dataset, values.sequences)
        settings = {
            "dataset": dataset.name,
            "tracker": spec.describe(),
            "device": device,
            "threads": values.threads,
        }
        about = {"preset": values.preset, "weights": values.weights}
        for name in ("root", "annotations"):  # wherever it is asked for later
            path = values[name].value
            about[name] = os.path.abspath(path) if path else None
        with runs.Run(values.output, protocol, settings, about) as run:
            for note in dataset.notes:
                _say(note)
            _check_starts(run, wanted)
            failed = _run(values, run, wanted, spec, device)
            if failed:  # said first: what cannot be scored ends here
                _say(
                    f"{len(failed)} failed: {', '.join(failed)} (tracebacks in {values.output}"
                    "/failed; the same command tries them again)"
                )
            done = wanted.subset([name for name in wanted.names if run.done(name)])
            damaged = False
            if len(done) and metrics.is_test_split(done[name] for name in done.names):
                print(f"{run.path}: only first boxes are known, the benchmark's server scores it")
            elif len(done):
                damaged = _print_scores(run.path, done, protocol)
    except (DatasetError, EngineError, ResultsError, RunError, WeightsError) as error:
        raise UserError(str(error)) from None
    return 1 if failed or damaged else 0


def _check_flags(values: flags.FlagValues, arguments: list[str]) -> None:
    if arguments:
        raise UserError(f"'{arguments[0]}' belongs to no flag: --root DIR is the benchmark")
    if values.root is None:
        raise UserError("where is the benchmark? --root DIR")
    if values.output is None:
        raise UserError("where do the results go? --output runs/NAME")
    if values.engine == "local" and values.ray_address:
        raise UserError("--ray_address belongs to --engine ray")
    if values.engine == "ray" and values.workers:
        raise UserError("--workers belongs to --engine local: Ray uses all that the cluster has")


def _check_starts(run: runs.Run, dataset: Dataset) -> None:
    done = dataset.subset([name for name in dataset.names if run.done(name)])
    if run.protocol.name in runs.FOLDERS or not len(done):
        return
    with contextlib.suppress(ResultsError, DatasetError):  # it is told when they are scored
        runs.check_starts(run.path, done)


def _run(
    values: flags.FlagValues, run: runs.Run, dataset: Dataset, spec: Spec, device: str
) -> list[str]:
    """Executes what is not done and returns the names of those that failed."""
    left = [name for name in dataset.names if not run.done(name)]
    begun = len(dataset) - len(left)
    if not left:
        print(f"{run.path}: nothing left to do, {begun} sequences are done")
        return []
    if begun:
        _say(f"{run.path}: going on, {begun} of {len(dataset)} sequences are done")
    annotations = values.annotations and os.path.abspath(values.annotations)
    root = os.path.abspath(values.root)
    tasks = [Task(dataset.name, root, annotations, name, run.protocol) for name in left]
    failed = []
    with (
        Progress(dataset, left, run.protocol, _say) as progress,
        contextlib.closing(_events(values, spec, tasks, device)) as events,
    ):
        for task, frames, outcome in events:
            progress.advance(task.sequence, frames)
            if isinstance(outcome, Failure):
                run.fail(task.sequence, outcome)
                failed.append(task.sequence)
            elif outcome is not None:
                run.save(dataset[task.sequence], outcome)
            if outcome is not None:
                progress.finish(task.sequence, outcome)
    print(f"{run.path}: {begun + len(left) - len(failed)} of {len(dataset)} sequences are done")
    return failed


def _events(
    values: flags.FlagValues, spec: Spec, tasks: list[Task], device: str
) -> Generator[engines.Event]:
    if values.engine == "ray":
        return engines.ray_cluster(
            spec,
            tasks,
            values.ray_address,
            values.threads,
            device,
            keep_compiled=values.keep_compiled,
        )
    if device == "gpu" and not environments.has_gpu():
        raise UserError("there is no GPU here that JAX can use: pip install 'jax[cuda12]'")
    gpus = environments.visible_gpus() if device == "gpu" else []
    workers = min(values.workers or len(gpus) or 1, len(tasks))
    cores = compiled.cores()
    if device == "cpu" and workers * values.threads > (cores or workers):
        _say(f"{workers} workers of {values.threads} threads are more than the {cores} cores here")
    local = environments.local(workers, values.threads, device, keep_compiled=values.keep_compiled)
    return engines.processes(spec, tasks, local)


def _print_scores(path: Path, dataset: Dataset, protocol: Protocol) -> bool:
    """Prints the scores of a run; returns whether a result of it is damaged, which is said."""
    try:
        if protocol.name in ("tre", "sre"):
            found, count = None, len(dataset)
        else:
            found = runs.read(path, dataset)
            count = len(found.runs)
        head = f"{dataset.name}, {protocol.name}, {plural(count, 'sequence')}"
        text, problems = _scores(path, dataset, protocol, found)
    except ValueError as error:
        raise UserError(f"the run cannot be scored: {error}") from None
    print(f"{head}\n{text}")
    problems = [*(found.problems if found else ()), *problems]
    for problem in problems:
        _say(problem)
    return bool(problems)


def _scores(
    path: Path, dataset: Dataset, protocol: Protocol, found: Results | None
) -> tuple[str, Sequence[str]]:
    """Returns a run's scores as its protocol has them, the policy named, and what is wrong."""
    name, tracker = protocol.name, path.resolve().name
    policy = metrics.by_name(dataset.policy)
    if found is None:
        one = metrics.evaluate_segments(dataset, runs.segments(path, dataset), policy, tracker)
    elif name == "supervised":
        scores = vot.evaluate(dataset, found.runs, tracker=tracker)
        low, high = scores.interval
        note = f"{scores.variant.describe()}, EAO over lengths {low} .. {high}"
        return f"{note}\n{tables.vot_leaderboard([scores])}", ()
    elif name == "unsupervised":
        variant = vot.Variant(name="toolkit")
        overlap, _, _ = vot.average_overlap(dataset, found.runs, variant)
        return f"{variant.describe()}\n{tracker}: average overlap {overlap:.4f}", ()
    else:
        one = metrics.evaluate(dataset, found.boxes, policy, tracker)
    text = f"{policy.describe()}\n{tables.leaderboard([one])}"
    if policy.name == "got10k":
        text += f"\n{tables.pooled([one])}"
    return text, one.problems


def _say(text: str) -> None:
    print(f"dslt benchmark: {text}", file=sys.stderr)
