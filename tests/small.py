"""A small tracker with random weights and a clip that it follows, for tests of the mechanism."""

import functools
import os

import jax
import numpy as np

import dslt_jax as dslt
from dslt_jax import settings

SETTINGS = (
    "region.target=32",
    "region.search=128",
    "size=scales",  # a box head needs trained weights
    "size.crop=64",
    "label.sigma=0.13",  # of narrow peaks, by random weights
    "fusion.channels=8",
    "kernel_size=8",
    "first.steps=15",
    "online.every=1",
)
# JAX 0.6 has it elsewhere.
enable_x64 = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
BOX = np.array([40, 30, 24, 20], np.float32)


@functools.cache
def tracker(*more):
    return settings.override(dslt.presets.compact(), [*SETTINGS, *more])


@functools.cache
def params():
    return tracker().backbone.init(jax.random.key(0))


def clip(count, height=120, width=160, seed=0, speed=(2.0, 1.0)):
    """A textured patch that moves over a textured background, and its true boxes."""
    rng = np.random.default_rng(seed)
    small = rng.integers(60, 180, (height // 8 + 1, width // 8 + 1, 3)).astype(np.uint8)
    ground = small.repeat(8, 0).repeat(8, 1)[:height, :width]
    target = rng.integers(0, 256, (5, 6, 3)).astype(np.uint8).repeat(4, 0).repeat(4, 1)
    frames, boxes = [], []
    for i in range(count):
        x, y = int(40 + speed[0] * i), int(30 + speed[1] * i)
        frame = ground.copy()
        frame[y : y + 20, x : x + 24] = target
        frames.append(frame)
        boxes.append([x, y, 24, 20])
    return np.stack(frames), np.array(boxes, np.float32)


def environment(**more):
    """Of a process that compiles as the tests do, and shares what they have compiled."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith("JAX_")}
    return ours | {
        "JAX_PLATFORMS": "cpu",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        "JAX_COMPILATION_CACHE_DIR": os.environ["DSLT_TESTS_COMPILED"],
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        **more,
    }


def loop(tracker, params, frames, box, **options):
    """Outputs of `step` on frames 1 .., stacked."""
    state, outs = dslt.init(tracker, params, frames[0], box, **options), []
    for frame in frames[1:]:
        state, out = dslt.step(tracker, params, state, frame)
        outs.append(out)
    return jax.tree.map(lambda *leaves: np.stack(leaves), *outs)
