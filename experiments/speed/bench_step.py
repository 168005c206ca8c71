"""Times one step of the tracker, stage by stage, and its twin in PyTorch.

    python experiments/speed/bench_step.py
    python experiments/speed/bench_step.py --preset compact --targets 64 --repeat 5 --notwin
    python experiments/speed/bench_step.py --preset kcf,mosse --json bench.json

Prints for each preset: milliseconds (median, minimum) of each stage and of the whole step, compile
time apart, GFLOP, the fraction of this machine's own float32 matrix-product rate (the fastest run
of both), the share of the time outside the backbone, and peak memory. The whole step is one that
teaches; where not every frame does, the mean over frames is there too. Stages, steps and matrix
product are called in turn, round after round, so that all see the same machine. Each preset has a
process of its own. The twin, the compact network and update in PyTorch, gives the same numbers or
the run fails; ours and the twin run A B A B in one process. Random weights serve where there are
none. Last comes what it costs that settings are arguments of the programs, which a tiny tracker
shows best. Takes about three minutes on 2 cores.

GFLOP count a convolution as the direct sum has it, so that Winograd's, which multiplies less, may
pass the matrix product's rate. Expected there: compact 50 or more steps a second, googlenet 10.
"""

import functools
import os
import pathlib
import resource
import sys
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import stages
import step_table
import timing
from absl import app, flags, logging

import dslt_jax as dslt
from dslt_jax import tracking
from dslt_jax.app import loop, sinks
from dslt_jax.backbones import Function, Layer
from dslt_jax.ops.sizing import Sizing

FLAGS = flags.FLAGS
flags.DEFINE_list("preset", ["compact", "googlenet", "paper"], "which trackers")
flags.DEFINE_multi_string("set", [], "a setting to change in all of them")
flags.DEFINE_integer("targets", 1, "targets in one program", lower_bound=1)
flags.DEFINE_integer("repeat", 20, "rounds of measurement", lower_bound=1)
flags.DEFINE_bool("twin", True, "compare compact with its twin in PyTorch")
flags.DEFINE_string("json", None, "also write the numbers to this file")

MATRICES = (512, 1024, 2048)  # sides of the products; the fastest gives the machine's rate


def measure(preset: str, assignments: list[str], targets: int, repeat: int) -> dict[str, Any]:
    """Returns the times and counts of one preset."""
    tracker = timing.busy_tracker(preset, assignments)
    source, params = timing.load(tracker)
    frames, boxes = timing.scene(targets, 2)
    driven = tracker if targets == 1 else dslt.many(tracker)
    start, compiled = time.perf_counter(), loop.compile_clock()
    state = jax.block_until_ready(dslt.init(driven, params, frames[0], boxes))
    compile_init = loop.compile_clock() - compiled
    first_frame = time.perf_counter() - start - compile_init
    states, taught = [state], []  # the frames of a cycle go on from these; one of them teaches
    for _ in range(timing.cycle(tracker)):
        state, out = dslt.step(driven, params, states[-1], frames[1])
        states.append(state)
        taught.append(bool(np.all(out.extra.get("updated", True))))
    compile_step = loop.compile_clock() - compiled - compile_init

    # The tracker's own peak, before the stages are compiled a second time for timing.
    unit = 1 if sys.platform == "darwin" else 1024
    memory = unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    table = stages.of_step(tracker, params, states[0], frames[1], targets)
    product = jax.jit(lambda a: jnp.matmul(a, a, precision="highest"))
    matrices = [jnp.asarray(np.random.default_rng(0).random((n, n), np.float32)) for n in MATRICES]
    steps = {
        f"step {i}": functools.partial(dslt.step, driven, params, state, frames[1])
        for i, state in enumerate(states[:-1])
    }
    products = {f"product {len(one)}": functools.partial(product, one) for one in matrices}
    times = timing.interleave(table | steps | products, repeat)

    rate = max(2e-6 * n**3 / times.pop(f"product {n}").min() for n in MATRICES)  # GFLOP a second
    of_steps = [times.pop(name) for name in steps]
    times["whole step"] = of_steps[taught.index(True)]
    flop = {name: stage.flop() for name, stage in table.items()}
    flop["whole step"] = sum(flop.values())
    rows = {
        name: _summary(values)
        | {
            "gflop": flop[name] / 1e9,
            "of_matrix_rate": flop[name] / 1e6 / float(values.min()) / rate,
        }
        for name, values in times.items()
    }
    total = sum(rows[name]["median_ms"] for name in table)
    outside = sum(rows[name]["median_ms"] for name in table if name not in stages.BACKBONE)
    return {
        "preset": preset,
        "targets": targets,
        "weights": source,
        "compile_seconds": {"init": compile_init, "step": compile_step},
        "first_frame_seconds": first_frame,
        "stages": rows,
        "cycle": len(steps),
        "mean_step": _summary(np.mean(of_steps, axis=0)),
        "matrix_gflop_per_second": rate,
        "steps_per_second": 1e3 / rows["whole step"]["median_ms"],
        "share_outside_backbone": outside / total,
        "peak_memory_bytes": memory,
    }


def carrying(repeat: int) -> dict[str, float]:
    """Returns the least milliseconds of a tiny tracker's step, by how its settings come to it."""
    tracker = tiny_tracker()
    frames, box = timing.scene(1, 2)
    state = dslt.init(tracker, {}, frames[0], box)
    calls = {
        "constants": jax.jit(functools.partial(dslt.step, tracker)),
        "arguments": functools.partial(jax.jit(dslt.step), tracking.placed(tracker)),
        "drivers": functools.partial(dslt.step, tracker),
    }
    calls = {name: functools.partial(call, {}, state, frames[1]) for name, call in calls.items()}
    times = timing.interleave(calls, repeat, run=50)
    return {name: float(values.min()) for name, values in times.items()}


def tiny_tracker() -> dslt.Tracker:
    """Returns DSLT on next to nothing, so that its step is little more than being called."""
    layers = Layer("fine", 8, 4.0, 3), Layer("coarse", 16, 8.0, 3)
    tracker = timing.busy_tracker("compact", ["channels=1", "kernel_size=2", "augment=false"])
    return tracker.replace(
        backbone=Function(lambda _, image: (image[:, ::8, ::8], image[:, ::16, ::16]), layers),
        region=tracker.region.replace(target=16, search=32),
        size=Sizing(),
        first=tracker.first.replace(steps=1),
        online=tracker.online.replace(steps=1, every=1),
    )


def compare(assignments: list[str], repeat: int) -> dict[str, Any] | str:
    """Returns what `compare_twin.measure` does, or why there is no twin."""
    # Its threads otherwise spin for work, on a busy machine against JAX's, and PyTorch crawls.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        import compare_twin
    except ImportError:
        return "PyTorch is missing (pip install torch)"
    try:
        tracker = compare_twin.twinned(timing.busy_tracker("compact", assignments))
    except ValueError as error:
        return str(error)
    return compare_twin.measure(tracker, repeat)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    logging.set_verbosity(logging.WARNING)  # JAX tells of every backend that it does not find
    assignments = list(FLAGS["set"].value)
    try:
        for preset in FLAGS.preset:
            timing.busy_tracker(preset, assignments)
    except ValueError as error:
        raise app.UsageError(str(error)) from None
    machine = timing.machine()
    print(f"{machine['device']}; jax {machine['jax']}; {machine['system']}")
    results: dict[str, Any] = {"machine": machine, "presets": []}
    for preset in FLAGS.preset:
        result = timing.apart(measure, preset, assignments, FLAGS.targets, FLAGS.repeat)
        results["presets"].append(result)
        step_table.show(result)
    if FLAGS.twin and "compact" in FLAGS.preset:
        results["twin"] = timing.apart(compare, assignments, FLAGS.repeat)
        step_table.show_twin(results["twin"])
    results["carrying_ms"] = timing.apart(carrying, FLAGS.repeat)
    step_table.show_carrying(results["carrying_ms"])
    if FLAGS.json:
        sinks.write_json(pathlib.Path(FLAGS.json), results)


def _summary(milliseconds: np.ndarray) -> dict[str, float]:
    return {"median_ms": float(np.median(milliseconds)), "min_ms": float(milliseconds.min())}


if __name__ == "__main__":
    app.run(main)
