"""Ours beside its twin in PyTorch: that they give the same numbers, and which takes longer.

Both make the step as the paper has it (`twinned`), from the crops on.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import stages
import timing
import torch_twin

import dslt_jax as dslt
from dslt_jax import tracking
from dslt_jax.learners import Adam
from dslt_jax.ops import losses, sizing
from dslt_jax.trackers.dslt import Dslt

TOLERANCE = 1e-3  # of the largest value; rounding, amplified by a few Adam steps


def twinned(tracker: Dslt) -> Dslt:
    """Returns the tracker with what the twin has: shrinkage loss, scales, an update a frame.

    Raises:
      ValueError: it does not learn by Adam.
    """
    if not isinstance(tracker.online.learner, Adam):
        raise ValueError("the twin learns by Adam")
    return tracker.replace(
        loss=tracker.loss if isinstance(tracker.loss, losses.Shrinkage) else losses.Shrinkage(),
        size=tracker.size if isinstance(tracker.size, sizing.Scales) else sizing.Scales(),
        online=tracker.online.replace(every=1),
    )


@jax.jit
def see(tracker, params, state, patches, limits):
    """Our step from the first crop to the second."""
    return tracker.locate(params, state, patches, limits)


@jax.jit
def finish(tracker, params, state, sight, patches, limits):
    """Our step from the second crop to the next state."""
    sight, out = tracker.measure(params, state, sight, patches, limits)
    state, info = tracker.learn(params, state, sight)
    return state, out._replace(extra=out.extra | info)


@jax.jit
def cut(tracker, params, frame, look):
    """The regions of a look."""
    return stages.crop(stages.Shared(tracker, params, frame, None), look)


def advance(tracker, params, state, frame):
    """One step of ours from the crops on, and the crops."""
    limits = np.array([frame.shape[1], frame.shape[0]], np.float32)
    patch = cut(tracker, params, frame, tracker.look(state))
    sight, look = see(tracker, params, state, patch, limits)
    patches = cut(tracker, params, frame, look)
    return *finish(tracker, params, state, sight, patches, limits), patch, patches


def largest_difference(tracker: Dslt, params, frames, box, steps: int = 4) -> float:
    """Runs both for a few frames on the same crops and returns their largest relative difference.

    Args:
      tracker: of the compact network, `twinned`; every frame must teach, as the twin has no gate.

    Raises:
      ValueError: it is more than rounding, so that the twin would not be one.
    """
    state = dslt.init(tracker, params, frames[0], box)
    twin, largest, tracker = torch_twin.Twin(tracker, params, state), 0.0, tracking.placed(tracker)
    for frame in frames[1 : steps + 1]:
        state, out, patch, patches = advance(tracker, params, state, frame)
        theirs = twin.step(twin.tensor(patch[0]), twin.tensor(patches))
        ours = {
            "response": out.response,
            "box": out.box,
            "loss": out.extra["loss"],
            "kernel": state.head.mask[None] * state.head.kernel,
        }
        theirs["kernel"] = twin.kernel().detach()
        for name, value in ours.items():
            error = np.abs(np.asarray(value) - theirs[name].cpu().numpy()).max()
            difference = float(error / np.abs(value).max())
            if not difference <= TOLERANCE:
                raise ValueError(f"the twin's {name} differs by {difference:.1e} of its size")
            largest = max(largest, difference)
    return largest


def calls(tracker: Dslt, params, frames, box) -> dict[str, Callable]:
    """Returns one step of ours and of the twin, from the same crops, ready to be timed.

    The twin comes with all threads and with one: a small network is not always faster with more.
    """
    state = dslt.init(tracker, params, frames[0], box)
    twin, tracker = torch_twin.Twin(tracker, params, state), tracking.placed(tracker)
    _, _, patch, patches = advance(tracker, params, state, frames[1])
    limits = np.array([frames[1].shape[1], frames[1].shape[0]], np.float32)
    crops = twin.tensor(patch[0]), twin.tensor(patches)

    def ours():
        sight, _ = see(tracker, params, state, patch, limits)
        new, out = finish(tracker, params, state, sight, patches, limits)
        return out.box, new.head.kernel

    def theirs(threads: int):
        torch_twin.torch.set_num_threads(threads)
        return twin.step(*crops)["box"].cpu().numpy()

    counts = sorted({1, torch_twin.torch.get_num_threads()}, reverse=True)
    names = {f"torch, {n} thread{'s' * (n > 1)}": n for n in counts}
    return {"jax": ours} | {name: functools.partial(theirs, n) for name, n in names.items()}


def measure(tracker: Dslt, repeat: int) -> dict[str, Any]:
    """Returns the times of ours and of the twin, A B A B.

    Raises:
      ValueError: the twin gives other numbers.
    """
    _, params = timing.load(tracker)
    frames, box = timing.scene(1, 5)
    difference = largest_difference(tracker, params, frames, box)
    times = timing.interleave(calls(tracker, params, frames, box), max(2, repeat // 5), run=5)
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
