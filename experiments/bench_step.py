"""Times one step of the tracker, stage by stage, and its twin in PyTorch.

    python experiments/bench_step.py
    python experiments/bench_step.py --preset compact --targets 64 --repeat 5 --notwin
    python experiments/bench_step.py --json bench.json

Prints for each preset: milliseconds (median, minimum) of each stage and of the whole step, compile
time apart, GFLOP, the fraction of this machine's own float32 matrix-product rate (the fastest run
of both), the share of the time outside the backbone, and peak memory. Stages, step and matrix
product are called in turn, round after round, so that all see the same machine. Each preset has a
process of its own. The twin, the compact network and update in PyTorch, gives the same numbers or
the run fails; ours and the twin run A B A B in one process. Random weights serve where there are
none; every step teaches the head. Takes about three minutes on 2 cores.

Expected there: compact 20 or more steps a second, googlenet 4 or more, at most a third of the time
outside the backbone.
"""

import dataclasses
import math
import os
import pathlib
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import timing
from absl import app, flags, logging

from dslt_jax import app as run_loop
from dslt_jax import backbones, labels, learner, localize, outputs, tracker
from dslt_jax import regression as head

FLAGS = flags.FLAGS
flags.DEFINE_list("preset", ["compact", "googlenet", "paper"], "which trackers")
flags.DEFINE_multi_string("set", [], "a setting to change in all of them")
flags.DEFINE_integer("targets", 1, "targets in one program", lower_bound=1)
flags.DEFINE_integer("repeat", 20, "rounds of measurement", lower_bound=1)
flags.DEFINE_bool("twin", True, "compare compact with its twin in PyTorch")
flags.DEFINE_string("json", None, "also write the numbers to this file")

MATRICES = (512, 1024, 2048)  # sides of the products; the fastest gives the machine's rate
BACKBONE = ("backbone, search", "backbone, scales")
TWIN = {"loss": "shrinkage", "optimizer": "adam", "size_search": "scales", "update_interval": 1}


def stages(cfg, params, state, frame, targets: int) -> dict[str, tuple[Callable, tuple]]:
    """Returns each stage of a step as a jitted function and its arguments, in order."""
    many = targets > 1
    grid = cfg.search_size // backbones.strides(cfg)[0]

    def network(params, patches):
        return backbones.apply(params, patches, cfg)

    def spectrum(reductions, shallow, deep):
        features = head.fuse(shallow, deep, reductions, cfg)
        return head.spectrum(features, head.fft_size(cfg, features.shape[-1]))

    def respond(kernel, spectra, cells):
        size = head.fft_size(cfg, cells)
        return head.respond(kernel, spectra, size, cells)

    def peak(state, spectra):
        response = respond(state.head.kernel, spectra, grid)[0]
        spread = cfg.motion_sigma * jnp.sqrt(jnp.prod(state.cells))
        prior = labels.gaussian(grid, jnp.full(2, grid / 2), spread)
        return localize.find_peak(response, prior)

    def scale(state, shallow, deep):
        responses = respond(
            state.head.kernel, spectrum(state.reductions, shallow, deep), shallow.shape[1]
        )
        return localize.choose_scale(responses, cfg.scale_penalty)

    def update(state, spectra):
        label = labels.gaussian(grid, jnp.full(2, grid / 2), cfg.label_sigma * state.cells)
        memory = learner.remember(cfg, state.memory, spectra[0], label)
        return learner.fit_update(cfg, state.head, memory)

    def stage(body, *shared):
        axes = tuple(shared)
        return jax.jit(jax.vmap(body, in_axes=axes) if many else body)

    def correct(params, state, shallow, deep):
        middle, maps = jnp.full(2, grid / 2), (shallow[0], deep[0])
        return tracker._correct_box(cfg, params, state, maps, middle, True)

    look, zoom = (
        (tracker._look_many, tracker._zoom_many) if many else (tracker._look, tracker._zoom)
    )
    look, zoom = (jax.jit(lambda *a, f=f: f(cfg, *a)) for f in (look, zoom))
    search, scales = (stage(network, None, 0) for _ in BACKBONE)
    patch = look(frame, state.center, state.size)
    patch = patch[:, None] if many else patch[None]
    maps = search(params, patch)
    transform = stage(spectrum, 0, 0, 0)
    spectra = transform(state.reductions, *maps)
    table = {
        "crop": (look, (frame, state.center, state.size)),
        BACKBONE[0]: (search, (params, patch)),
        "reduce, fuse, FFT": (transform, (state.reductions, *maps)),
        "response, peak": (stage(peak, 0, 0), (state, spectra)),
    }
    if cfg.size_search != "scales":
        table["box head"] = (stage(correct, None, 0, 0, 0), (params, state, *maps))
    if cfg.size_search != "box_head":
        patches = zoom(frame, state.center, state.size)
        table["scale crops"] = (zoom, (frame, state.center, state.size))
        table[BACKBONE[1]] = (scales, (params, patches))
        table["scale response"] = (stage(scale, 0, 0, 0), (state, *scales(params, patches)))
    return table | {"learner update": (stage(update, 0, 0), (state, spectra))}


def count_flop(cfg, table, state) -> dict[str, float]:
    """Returns the floating point operations of each stage, as XLA counts them unoptimised.

    XLA counts the body of a loop once, so the stages that are one loop are multiplied: a crop runs
    over the taps of its filter, the update over its steps.
    """
    shrink = float(jnp.sqrt(jnp.prod(state.size, axis=-1)).max()) / cfg.target_size
    taps = math.ceil(2 * max(1.0, shrink))
    turns = {"crop": taps, "scale crops": taps, "learner update": cfg.update_steps}
    return {
        name: turns.get(name, 1) * function.lower(*arguments).cost_analysis()["flops"]
        for name, (function, arguments) in table.items()
    }


def measure(preset: str, assignments: list[str], targets: int, repeat: int) -> dict[str, Any]:
    """Returns the times and counts of one preset."""
    cfg = timing.settings(preset, assignments)
    source, params = timing.load(cfg)
    frames, boxes = timing.scene(targets, 2)
    init, step = (
        (tracker.init, tracker.step) if targets == 1 else (tracker.init_many, tracker.step_many)
    )
    clock = run_loop._compile_clock()
    start = time.perf_counter()
    state = jax.block_until_ready(init(cfg, params, frames[0], boxes))
    compile_init = clock[0]
    first_frame = time.perf_counter() - start - compile_init
    jax.block_until_ready(step(cfg, params, state, frames[1]))
    compile_step = clock[0] - compile_init

    # The tracker's own peak, before the stages are compiled a second time for timing.
    unit = 1 if sys.platform == "darwin" else 1024
    memory = unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    table = stages(cfg, params, state, frames[1], targets)
    product = jax.jit(lambda a: jnp.matmul(a, a, precision="highest"))
    matrices = [jnp.asarray(np.random.default_rng(0).random((n, n), np.float32)) for n in MATRICES]
    calls = {name: lambda f=f, a=a: f(*a) for name, (f, a) in table.items()}
    calls["whole step"] = lambda: step(cfg, params, state, frames[1])
    calls |= {f"product {len(matrix)}": lambda m=matrix: product(m) for matrix in matrices}
    times = timing.interleave(calls, repeat)

    rate = max(2e-6 * n**3 / times.pop(f"product {n}").min() for n in MATRICES)  # GFLOP a second
    flop = count_flop(cfg, table, state)
    flop["whole step"] = sum(flop.values())
    rows = {
        name: {
            "median_ms": float(np.median(values)),
            "min_ms": float(values.min()),
            "gflop": flop[name] / 1e9,
            "of_matrix_rate": flop[name] / 1e6 / float(values.min()) / rate,
        }
        for name, values in times.items()
    }
    total = sum(rows[name]["median_ms"] for name in table)
    outside = sum(rows[name]["median_ms"] for name in table if name not in BACKBONE)
    return {
        "preset": preset,
        "targets": targets,
        "weights": source,
        "compile_seconds": {"init": compile_init, "step": compile_step},
        "first_frame_seconds": first_frame,
        "stages": rows,
        "matrix_gflop_per_second": rate,
        "steps_per_second": 1e3 / rows["whole step"]["median_ms"],
        "share_outside_backbone": outside / total,
        "peak_memory_bytes": memory,
    }


def compare_twin(assignments: list[str], repeat: int) -> dict[str, Any] | None:
    """Returns the times of ours and of the twin, A B A B; None where torch is missing."""
    # Its threads otherwise spin for work, on a busy machine against JAX's, and PyTorch crawls.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        import torch_twin
    except ImportError:
        return None
    # The twin is of the step as the paper has it: three scales, Adam in every frame.
    cfg = dataclasses.replace(timing.settings("compact", assignments), **TWIN)
    _, params = timing.load(cfg)
    frames, box = timing.scene(1, 5)
    difference = torch_twin.largest_difference(cfg, params, frames, box)
    calls = torch_twin.calls(cfg, params, frames, box)
    times = timing.interleave(calls, max(2, repeat // 5), run=5)
    medians = {name: float(np.median(values)) for name, values in times.items()}
    best = {name: float(values.min()) for name, values in times.items()}

    def ratio(milliseconds: dict[str, float]) -> float:
        return min(ms for name, ms in milliseconds.items() if name != "jax") / milliseconds["jax"]

    return {
        "median_ms": medians,
        "min_ms": best,
        "ratio": ratio(medians),
        "ratio_of_min": ratio(best),
        "largest_difference": difference,
        "torch": torch_twin.torch.__version__,
    }


def show(result: dict[str, Any]) -> None:
    """Prints a preset's table."""
    seconds, count = result["compile_seconds"], result["targets"]
    print(f"\n{result['preset']}, {count} target{'s' * (count > 1)}, {result['weights']}")
    print(f"{'':<20}{'median ms':>10}{'min ms':>10}{'GFLOP':>9}{'of matrix rate':>16}")
    for name, row in result["stages"].items():
        print(
            f"{name:<20}{row['median_ms']:>10.2f}{row['min_ms']:>10.2f}{row['gflop']:>9.3f}"
            f"{row['of_matrix_rate']:>16.2f}"
        )
    print(
        f"{result['steps_per_second']:.1f} steps a second, "
        f"{count * result['steps_per_second']:.1f} targets a second; "
        f"{result['share_outside_backbone']:.0%} of the stages' time is outside the backbone"
    )
    print(
        f"compiling {seconds['init']:.1f} s (init) and {seconds['step']:.1f} s (step), first frame "
        f"{result['first_frame_seconds']:.2f} s, peak memory "
        f"{result['peak_memory_bytes'] / 2**20:.0f} MiB; this machine's matrix product: "
        f"{result['matrix_gflop_per_second']:.0f} GFLOP/s"
    )


def show_twin(twin: dict[str, Any] | None) -> None:
    if twin is None:
        print("\nno twin: PyTorch is missing (pip install torch)")
        return
    print(f"\ncompact and its twin in PyTorch {twin['torch']}, the step from the crops on, A B A B")
    for name, median in twin["median_ms"].items():
        print(f"{name:<20}{median:>10.2f}{twin['min_ms'][name]:>10.2f}")
    print(
        f"torch, the faster of its rows, takes {twin['ratio']:.2f} times as long as jax by the "
        f"medians, {twin['ratio_of_min']:.2f} by the minima; largest difference of their numbers "
        f"{twin['largest_difference']:.1e}"
    )


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    logging.set_verbosity(logging.WARNING)  # JAX tells of every backend that it does not find
    assignments = list(FLAGS["set"].value)
    try:
        for preset in FLAGS.preset:
            timing.settings(preset, assignments)
    except ValueError as error:
        raise app.UsageError(str(error)) from None
    machine = timing.machine()
    print(f"{machine['device']}; jax {machine['jax']}; {machine['system']}")
    results: dict[str, Any] = {"machine": machine, "presets": []}
    for preset in FLAGS.preset:
        result = timing.apart(measure, preset, assignments, FLAGS.targets, FLAGS.repeat)
        results["presets"].append(result)
        show(result)
    if FLAGS.twin:
        results["twin"] = timing.apart(compare_twin, assignments, FLAGS.repeat)
        show_twin(results["twin"])
    if FLAGS.json:
        outputs.write_json(pathlib.Path(FLAGS.json), results)


if __name__ == "__main__":
    app.run(main)
