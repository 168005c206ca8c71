"""What follows once FCNT has found its target: SNet is taught, and the surest frame is kept."""

from typing import Any

import jax
import jax.numpy as jnp

from dslt_jax.trackers.fcnt_state import Sight, State, Surest


def learn(tracker: Any, state: State, sight: Sight) -> tuple[State, dict[str, jax.Array]]:
    """Moves on; SNet learns when it is time, and where it saw a distracter; tracker: an `Fcnt`."""
    followed = ~sight.lost
    sure = followed & (sight.heat > tracker.sure)
    frames = state.frames + followed
    surest = jax.tree.map(
        lambda new, old: jnp.where(sure & (sight.heat > state.surest.heat), new, old),
        Surest(sight.maps, sight.label, sight.heat),
        state.surest,
    )
    due = followed & (frames % tracker.every == 0) & (surest.heat > tracker.sure)
    against = sure & sight.distracted
    everywhere = jnp.ones_like(sight.label)
    background = (sight.label <= 0).astype(jnp.float32)
    known, now = (surest.maps, surest.label, everywhere), (sight.maps, sight.label, background)
    net = state.specific, state.momentum
    net, fine = _teach(tracker, net, ((*state.first, everywhere), known), 1, due)
    net, fine_too = _teach(tracker, net, (known, now), tracker.steps, against)
    lowest = jnp.where(followed, jnp.minimum(state.lowest, sight.heat), state.lowest)
    judged = followed & (frames == tracker.every)
    state = state.replace(
        center=sight.center,
        size=sight.size,
        frames=frames,
        lowest=lowest,
        zooms=jnp.where(judged, can_measure(lowest, state.size), state.zooms),
        specific=net[0],
        momentum=net[1],
        surest=surest._replace(heat=jnp.where(due, tracker.sure, surest.heat)),
    )
    finite = fine & fine_too
    return state, {"updated": (due | against) & finite, "finite": finite}


def can_measure(lowest: jax.Array, size: jax.Array) -> jax.Array:
    """Returns () bool: a mean heat never lower than that tells the size of a target (2,)."""
    wide = size[0] / 64
    enough = (lowest > 0.45) | ((lowest > 0.4) & (wide > 0.6)) | ((lowest > 0.35) & (wide < 0.3))
    return enough & (lowest < 0.49)


def _teach(
    tracker: Any, net: Any, frames: Any, steps: int, when: jax.Array
) -> tuple[Any, jax.Array]:
    """The network and its momentum after steps on frames of equal weight, if it is time."""
    maps, labels, weights = (jnp.stack(parts) for parts in zip(*frames, strict=True))

    def update():
        samples = maps, labels, weights / len(frames)
        fit = tracker.specific.go_on(net[0], net[1], samples, steps)
        return (fit.kernel, fit.state), fit.finite

    return jax.lax.cond(when, update, lambda: (net, when | True))
