"""What the benchmarks share: calls timed in turn, a clip to run on, and a process for each."""

import math
import multiprocessing
import os
import platform
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dslt_jax import presets, settings
from dslt_jax.media import synthetic
from dslt_jax.types import Tracker
from dslt_jax.weights import store


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


def busy_tracker(preset: str, assignments: list[str]) -> Tracker:
    """Returns the preset with changes, and without the gates that would spare a step its work."""
    tracker = settings.override(presets.by_name(preset), assignments)
    if not hasattr(tracker, "gates"):
        return tracker
    return tracker.replace(gates=tracker.gates.replace(lost=-math.inf, learn=-math.inf))


def cycle(tracker: Tracker) -> int:
    """Returns after how many frames its work repeats: one of them teaches."""
    return getattr(getattr(tracker, "online", None), "every", 1)


def load(tracker: Tracker) -> tuple[str, dict[str, jax.Array]]:
    """Returns what the weights are, and the weights."""
    if tracker.backbone is None:
        return "no weights", {}
    try:
        return "its weights", store.load_params(tracker)
    except store.WeightsError:
        params = {}
        for network in tracker.networks:
            params |= store.prepare(network, network.init(jax.random.key(0)))
        return "random weights", params


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


def apart(function: Callable, *arguments: Any) -> Any:
    """Calls the function in a fresh process, whose peak memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def machine() -> dict[str, str]:
    """Returns what the numbers depend on: device, cores, versions."""
    return {
        "device": f"{jax.devices()[0].device_kind}, {os.cpu_count()} CPU cores",
        "jax": jax.__version__,
        "system": platform.platform(),
    }
