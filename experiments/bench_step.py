"""Times one step of the tracker, stage by stage, and its twin in PyTorch.

    python experiments/bench_step.py
    python experiments/bench_step.py --preset compact --targets 64 --repeat 5 --notwin
    python experiments/bench_step.py --opencv --json bench.json

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
import multiprocessing
import os
import pathlib
import platform
import resource
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from absl import app, flags, logging

from dslt_jax import app as run_loop
from dslt_jax import backbones, config, labels, learner, localize, outputs, presets, tracker
from dslt_jax import regression as head
from dslt_jax.backbones import weights
from dslt_jax.media import synthetic

FLAGS = flags.FLAGS
flags.DEFINE_list("preset", ["compact", "googlenet", "paper"], "which trackers")
flags.DEFINE_multi_string("set", [], "a setting to change in all of them")
flags.DEFINE_integer("targets", 1, "targets in one program", lower_bound=1)
flags.DEFINE_integer("repeat", 20, "rounds of measurement", lower_bound=1)
flags.DEFINE_bool("twin", True, "compare compact with its twin in PyTorch")
flags.DEFINE_bool("opencv", False, "time OpenCV's CSRT on the same clip")
flags.DEFINE_string("json", None, "also write the numbers to this file")

MATRICES = (512, 1024, 2048)  # sides of the products; the fastest gives the machine's rate
BACKBONE = ("backbone, search", "backbone, scales")
TWIN = {"loss": "shrinkage", "optimizer": "adam", "size_search": "scales"}


def interleave(
    calls: Mapping[str, Callable[[], Any]], rounds: int, run: int = 1
) -> dict[str, np.ndarray]:
    """Returns the milliseconds of each call, all called in turn in every round.

    Args:
      run: calls of a kind in a row; one before them is not counted.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            jax.block_until_ready(call())
            for _ in range(run):
                start = time.perf_counter()
                jax.block_until_ready(call())
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: np.array(values) for name, values in times.items()}


def settings(preset: str, assignments: list[str]) -> config.TrackerConfig:
    """Returns the preset with changes, and without the gates that would spare a step its work."""
    chosen = config.override(presets.by_name(preset), assignments)
    return dataclasses.replace(chosen, lost_confidence=-math.inf, update_confidence=-math.inf)


def load(cfg: config.TrackerConfig) -> tuple[str, dict[str, jax.Array]]:
    """Returns what the weights are, and the weights."""
    try:
        return "its weights", weights.load_params(cfg)
    except weights.WeightsError:
        return "random weights", backbones.module(cfg).init(jax.random.key(0), cfg)


def scene(targets: int, count: int) -> tuple[list[jax.Array], jax.Array]:
    """Returns frames of the demo's clip, and a box (4,) or boxes (N, 4) on the first."""
    clip = synthetic.beetle_clip()
    pictures = (frame.image for frame, _ in zip(clip.source, range(count), strict=False))
    frames = [jnp.asarray(picture) for picture in pictures]
    if targets == 1:
        return frames, jnp.asarray(clip.boxes[0], jnp.float32)
    corners = np.random.default_rng(0).uniform((20, 20), (380, 260), (targets, 2))
    boxes = np.concatenate([corners, np.broadcast_to(clip.boxes[0, 2:], corners.shape)], axis=1)
    return frames, jnp.asarray(boxes, jnp.float32)


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
    if cfg.size_search == "box_head":
        table["box head"] = (stage(correct, None, 0, 0, 0), (params, state, *maps))
    else:
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
    cfg = settings(preset, assignments)
    source, params = load(cfg)
    frames, boxes = scene(targets, 2)
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
    times = interleave(calls, repeat)

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
    # The twin is of the step as the paper has it: three scales, Adam.
    cfg = dataclasses.replace(settings("compact", assignments), **TWIN)
    _, params = load(cfg)
    frames, box = scene(1, 5)
    difference = torch_twin.largest_difference(cfg, params, frames, box)
    calls = torch_twin.calls(cfg, params, frames, box)
    times = interleave(calls, max(2, repeat // 5), run=5)
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


def time_csrt(repeat: int) -> dict[str, Any] | None:
    """Returns the times of OpenCV's CSRT on the clip's frames; None where it is missing."""
    try:
        import cv2
    except ImportError:
        return None
    create = getattr(cv2, "TrackerCSRT_create", None)
    if create is None:
        return None
    frames, box = scene(1, 12)
    pictures = [np.ascontiguousarray(np.asarray(frame)[..., ::-1]) for frame in frames]
    csrt = create()
    csrt.init(pictures[0], tuple(int(value) for value in np.asarray(box).round()))
    upcoming = iter(pictures[1:] * repeat)
    times = interleave({"csrt": lambda: csrt.update(next(upcoming)) and None}, 1, run=5 * repeat)
    return {
        "median_ms": float(np.median(times["csrt"])),
        "min_ms": float(times["csrt"].min()),
        "opencv": cv2.__version__,
    }


def apart(function: Callable, *arguments: Any) -> Any:
    """Calls the function in a fresh process, whose peak memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


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


def show_csrt(csrt: dict[str, Any] | None) -> None:
    if csrt is None:
        print("\nno CSRT: OpenCV is missing (pip install opencv-contrib-python-headless)")
    else:
        print(f"\nCSRT of OpenCV {csrt['opencv']}, a frame, same clip")
        print(f"{'csrt':<20}{csrt['median_ms']:>10.2f}{csrt['min_ms']:>10.2f}")


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    logging.set_verbosity(logging.WARNING)  # JAX tells of every backend that it does not find
    assignments = list(FLAGS["set"].value)
    try:
        for preset in FLAGS.preset:
            settings(preset, assignments)
    except ValueError as error:
        raise app.UsageError(str(error)) from None
    device = jax.devices()[0]
    machine = {
        "device": f"{device.device_kind}, {os.cpu_count()} CPU cores",
        "jax": jax.__version__,
        "system": platform.platform(),
    }
    print(f"{machine['device']}; jax {machine['jax']}; {machine['system']}")
    results: dict[str, Any] = {"machine": machine, "presets": []}
    for preset in FLAGS.preset:
        result = apart(measure, preset, assignments, FLAGS.targets, FLAGS.repeat)
        results["presets"].append(result)
        show(result)
    if FLAGS.twin:
        results["twin"] = apart(compare_twin, assignments, FLAGS.repeat)
        show_twin(results["twin"])
    if FLAGS.opencv:
        results["csrt"] = apart(time_csrt, FLAGS.repeat)
        show_csrt(results["csrt"])
    if FLAGS.json:
        outputs.write_json(pathlib.Path(FLAGS.json), results)


if __name__ == "__main__":
    app.run(main)
