"""Drives any tracker: cuts what it looks at, runs its stages, over time and over targets.

    state = init(tracker, params, frame, box)
    sight, out = locate(tracker, params, state, frame)     the box, before anything is learned
    state, info = learn(tracker, params, state, sight)
    state, out = step(tracker, params, state, frame)       one after the other

A tracker's settings are arguments of compiled programs, those of `stages`, like any other: another
rate, another key, another frame size compile nothing but, for the size, the crop.
"""

import functools
from typing import Any

import jax
import numpy as np

from dslt_jax import arguments, stages, states
from dslt_jax.arrays import to_device
from dslt_jax.multi_target import Many, many
from dslt_jax.types import Output, Params, Sight, State, Tracker


def init(
    tracker: Tracker, params: Params, frame: Any, box: Any, *, key: jax.Array | None = None
) -> State:
    """Learns the target in the first frame.

    Args:
      tracker: e.g. `presets.compact()`, or `many` of one; params: of `load_params`.
      frame: (H, W, 3) uint8 RGB, an array or what becomes one: a Pillow image, a tensor, lists; of
        `many` also (N, H, W, 3), one a target.
      box: (4,) x, y, w, h of the target in pixels, 0-based edges; (N, 4) of `many`.
      key: of every random choice; None is `jax.random.key(0)`.

    Raises:
      ValueError: an argument is not what it must be: says what came and what to do. Inside a jit
        numbers are not known: a box of NaN is then lost in every frame, and stays NaN.
      RuntimeError: JAX does not work in this process: its platform is not there, or it was forked.
    """
    arguments.check_tracker(tracker, params)
    arguments.check_leaves(tracker)
    arguments.check_params(tracker, params)
    tracker, several = placed(tracker), isinstance(tracker, Many)
    box = arguments.check_boxes(box, 2 if several else 1)
    frame = arguments.check_frame(frame, len(box) if several else None)
    box = arguments.check_inside(box, frame)
    key = arguments.check_key(key)
    patches, _ = stages.first_cut(tracker, frame, box)
    return stages.init(tracker, params, key, patches, box)


def locate(tracker: Tracker, params: Params, state: State, frame: Any) -> tuple[Sight, Output]:
    """Finds the target in the next frame; nothing is learned, the state stays.

    Returns:
      what `learn` may learn from, and the output: box, confidence and what led to them.

    Raises:
      ValueError: as `init`.
    """
    return _find(placed(tracker), params, state, frame)


def _find(tracker: Tracker, params: Params, state: State, frame: Any) -> tuple[Sight, Output]:
    """`locate` with settings that are on the device already."""
    arguments.check_tracker(tracker, params)
    states.check_state(tracker, state)
    frame = arguments.check_frame(
        frame, tracker.targets(state) if isinstance(tracker, Many) else None
    )
    with states.explained(functools.partial(init, tracker, params), state):
        patches, limits = stages.next_cut(tracker, state, frame)
        sight, look, out = stages.locate(tracker, params, state, patches, limits)
    if look is not None:
        patches, _ = stages.cut(tracker, frame, look)
        sight, out = stages.measure(tracker, params, state, sight, patches, limits)
    return sight, out


def learn(
    tracker: Tracker, params: Params, state: State, sight: Sight, *, donate: bool = False
) -> tuple[State, dict[str, jax.Array]]:
    """Moves on to what `locate` saw from this state, and learns from it.

    Args:
      donate: the next state is made in the memory of this one, which is gone then. It spares a
        copy of all samples, which many targets feel.

    Returns:
      the next state, and what the tracker says of its learning.
    """
    arguments.check_tracker(tracker, params)
    states.check_state(tracker, state)
    states.check_sight(tracker, sight, state)
    find = functools.partial(locate, tracker, params, state)
    with states.explained(functools.partial(init, tracker, params), state, find, sight):
        return _learning(donate)(placed(tracker), params, state, sight)


def _learning(donate: bool) -> Any:
    return stages.learn_in_place if donate else stages.learn


def step(
    tracker: Tracker, params: Params, state: State, frame: Any, *, donate: bool = False
) -> tuple[State, Output]:
    """Finds the target in the next frame and learns from it: `locate`, then `learn`.

    Args:
      state: of `init` or the last `step`; it is not changed, but for `donate`.
      frame: as of `init`. One of another size is searched where the target was, in pixels: nothing
        is scaled, as it is by `app.session.Session`.
      donate: as of `learn`.

    Raises:
      ValueError: as `init`.
    """
    tracker = placed(tracker)
    sight, out = _find(tracker, params, state, frame)
    state, info = _learning(donate)(tracker, params, state, sight)
    return state, out._replace(extra=out.extra | info)


def track(
    tracker: Tracker,
    params: Params,
    frames: Any,
    box: Any = None,
    *,
    state: State | None = None,
    key: jax.Array | None = None,
) -> tuple[State, Output]:
    """Follows a target through a clip on the device, in one program.

    Args:
      frames: (N, H, W, 3) uint8, N >= 1, or a list of frames.
      box: (4,) of the target in frames[0], to start; or
      state: to go on from, so that a long clip runs in chunks.
      key: as of `init`.

    Returns:
      the last state, and the outputs with a leading axis: of frames 1 .. N - 1 after a start,
      of all N going on.

    Raises:
      ValueError: as `init`.
    """
    if (box is None) == (state is None):
        raise ValueError("track starts from a box or goes on from a state: give one of them")
    if key is not None and state is not None:
        raise ValueError("key is of a start: a state has made its random choices, leave it out")
    arguments.check_tracker(tracker, params)
    frames = arguments.check_frames(frames, "(N, B, H, W, 3)" if isinstance(tracker, Many) else "")
    tracker = placed(tracker)
    if state is None:
        state = init(tracker, params, frames[0], box, key=key)
        frames = frames[1:]
    else:
        states.check_state(tracker, state)
    return _track(tracker, params, state, to_device(frames))


def track_many(
    tracker: Tracker,
    params: Params,
    frames: Any,
    boxes: Any = None,
    *,
    state: State | None = None,
    key: jax.Array | None = None,
) -> tuple[State, Output]:
    """Follows B targets at once: in one clip, or each in a clip of its own.

    Args:
      tracker: of one target, or `many` of it.
      frames: (N, H, W, 3) uint8, one clip, or (B, N, H, W, 3); boxes: (B, 4); state: as of `track`.

    Returns:
      the last state, and outputs with leading axes (B, N - 1), or (B, N) going on.

    Raises:
      ValueError: as `init`.
    """
    frames = arguments.check_frames(frames, "(B, N, H, W, 3)")
    if frames.ndim == 5:
        frames = frames.swapaxes(0, 1)
    group = tracker if isinstance(tracker, Many) else many(tracker)
    state, outs = track(group, params, frames, boxes, state=state, key=key)
    return state, jax.tree.map(lambda x: x.swapaxes(0, 1), outs)


def placed(tracker: Tracker) -> Tracker:
    """Returns the tracker with its Python numbers on the device, as float32; once for each tracker.

    Arrays, such as a batch of rates or what is differentiated, stay as they are, in 64-bit mode but
    for their depth.
    """
    if any(map(_is_double, jax.tree.leaves(tracker))):
        tracker = jax.tree.map(lambda x: x.astype(np.float32) if _is_double(x) else x, tracker)
    numbers = [isinstance(leaf, (int, float)) for leaf in jax.tree.leaves(tracker)]
    if not any(numbers):
        return tracker
    device = jax.config.jax_default_device  # type: ignore[attr-defined]
    if all(numbers):
        try:
            return _placed_once(tracker, device)
        except TypeError:  # a part of the caller's own that has no hash
            pass
    return _place(tracker, device)


def _is_double(leaf: Any) -> bool:
    """Whether it is an array of float64, which would make the state one."""
    return isinstance(leaf, np.ndarray | jax.Array) and leaf.dtype == np.float64


def _place(tracker: Tracker, device: Any) -> Tracker:
    with jax.ensure_compile_time_eval():  # never a tracer, whoever calls
        return jax.tree.map(
            lambda x: to_device(np.float32(x)) if isinstance(x, (int, float)) else x, tracker
        )


_placed_once: Any = functools.lru_cache(maxsize=256)(_place)


@stages.program
def _track(tracker, params, state, frames):
    return jax.lax.scan(lambda state, frame: step(tracker, params, state, frame), state, frames)
