"""The stages of any tracker as compiled programs, and the crops that they look at.

Each compiles once; those that cut, once for each frame size. A tracker's settings are arguments
like any other: another rate or another key compiles nothing.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp

from dslt_jax.multi_target import Many, alike, is_varying, over_targets
from dslt_jax.ops import sampling
from dslt_jax.types import Look, Tracker


def program(body: Any, **options: Any) -> Any:
    """Returns a body jitted, with JAX's ordinary promotion of dtypes whatever the caller's is.

    Under jax_numpy_dtype_promotion=strict JAX would refuse a complex spectrum by a real label.
    """

    @functools.wraps(body)
    def ordinary(*arguments):
        with jax.numpy_dtype_promotion("standard"):
            return body(*arguments)

    return jax.jit(ordinary, **options)


def _crops(tracker: Tracker, frame: jax.Array, look: Look) -> tuple[jax.Array, jax.Array]:
    """The regions of a look, (S, size, size, 3) float32, and the frame's width and height (2,)."""

    def regions(center, sides, frame=frame, windowed=True):
        crop = functools.partial(
            sampling.crop, frame, center=center, size=look.size, windowed=windowed
        )
        if sides.shape[0] == 1:
            return crop(side=sides[0])[None]
        return jax.lax.map(lambda side: crop(side=side), sides)

    limits = jnp.array([frame.shape[-2], frame.shape[-3]], jnp.float32)
    if not isinstance(tracker, Many):
        # Inside a checked shard_map JAX cannot batch a choice, should the caller vmap it.
        return regions(look.center, look.sides, windowed=not is_varying(look)), limits
    frames = (frame,) if frame.ndim == 4 else ()
    whole = functools.partial(regions, windowed=False)
    return over_targets(regions, 1, look.center, look.sides, *frames, together=whole), limits


@program
def first_cut(tracker, frame, box):
    return _crops(tracker, frame, tracker.first_look(box))


@program
def next_cut(tracker, state, frame):
    return _crops(tracker, frame, tracker.look(state))


cut = program(_crops)


@program
def init(tracker, params, key, patches, box):
    given = tracker, params, key, patches, box
    tracker, params, key, patches, box = alike(given, given)
    return alike(tracker.init(params, key, patches, box), given)


@program
def locate(tracker, params, state, patches, limits):
    sight, look = tracker.locate(params, state, patches, limits)
    if look is not None:
        return sight, look, None
    sight, out = tracker.measure(params, state, sight, None, limits)
    return sight, None, out


@program
def measure(tracker, params, state, sight, patches, limits):
    return tracker.measure(params, state, sight, patches, limits)


def _learn(tracker, params, state, sight):
    return tracker.learn(params, state, sight)


learn = program(_learn)
learn_in_place = program(_learn, donate_argnums=2)
