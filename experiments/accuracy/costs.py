"""What a tracker costs to start: seconds of compiling, memory, parameters; in a process of its own.

    python experiments/accuracy/costs.py compact

prints them as JSON. The clip is the demo's, at 320 x 240. Compiling is what the first frame and the
first step take with an empty cache of programs, less what they take once there are programs. Memory
is the peak of the process, Python and JAX (about 0.3 GB) included.
"""

import json
import os
import resource
import subprocess
import sys
import time
from typing import NamedTuple

import jax
import numpy as np

from dslt_jax.app.spec import Spec
from dslt_jax.media import synthetic
from dslt_jax.types import Tracker

FRAMES = 8


class Costs(NamedTuple):
    """What a process that follows one target needs."""

    compile_seconds: float
    memory_mb: float
    parameters: int


def parameters(tracker: Tracker) -> int:
    """Returns how many numbers its networks have."""
    if tracker.backbone is None:
        return 0
    networks = getattr(tracker, "networks", (tracker.backbone,))
    shapes = [shape for network in networks for shape in network.param_shapes().values()]
    return sum(int(np.prod(shape)) for shape in shapes)


def apart(preset: str) -> Costs:
    """Returns the costs as a fresh process measures them.

    Raises:
      RuntimeError: it failed; the text is its last line.
    """
    quiet = os.environ | {"JAX_ENABLE_COMPILATION_CACHE": "false"}
    command = [sys.executable, __file__, preset]
    done = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise RuntimeError(last)
    return Costs(**json.loads(done.stdout))


def measure(preset: str) -> Costs:
    """Follows the clip in this process, twice."""
    session = Spec(preset).build()
    clip = synthetic.beetle_clip(FRAMES, 320, 240)
    frames = [np.asarray(frame.image) for frame in clip.source]
    cold, warm = (_seconds(session, frames, clip.boxes[:1]) for _ in range(2))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kB, on macOS bytes
    memory = peak / (1e6 if sys.platform == "darwin" else 1e3)
    return Costs(round(max(cold - warm, 0.0), 2), round(memory), parameters(session.tracker))


def _seconds(session, frames, boxes) -> float:
    start = time.perf_counter()
    session.init(frames[0], boxes)
    for frame in frames[1:]:
        session.step(frame)
    session.wait()
    return time.perf_counter() - start


if __name__ == "__main__":
    jax.config.update("jax_platforms", os.environ.get("JAX_PLATFORMS", "cpu"))
    print(json.dumps(measure(sys.argv[1])._asdict()))
