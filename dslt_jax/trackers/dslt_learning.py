"""What follows once DSLT has found its target: the frame is kept, taught, and moved on from."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from dslt_jax.learners import Samples
from dslt_jax.trackers.dslt_state import Sight, State

Info = dict[str, jax.Array]


def learn(tracker: Any, state: State, sight: Sight) -> tuple[State, Info]:
    """Moves on, and lets a sure frame teach; tracker: a `Dslt`."""
    samples, due = _remember(tracker, state, sight)
    fit = _fit(tracker, due, state, lambda: samples)
    return _move_on(tracker, state, sight, samples, due, fit)


def learn_in_turn(tracker: Any, states: State, sights: Sight) -> tuple[State, Info]:
    """`learn` of N targets, one after the other, whose samples stay where they lie.

    Handed through a loop with the rest of a state they would be copied for every target,
    whether its frame teaches or not.
    """
    samples, due = jax.vmap(functools.partial(_remember, tracker))(states, sights)

    def one(target):
        i, due, state = target
        return _fit(tracker, due, state, lambda: jax.tree.map(lambda x: x[i], samples))

    targets = jnp.arange(len(due)), due, states.replace(samples=None)
    fits = jax.lax.map(one, targets)
    return jax.vmap(functools.partial(_move_on, tracker))(states, sights, samples, due, fits)


def _remember(tracker: Any, state: State, sight: Sight) -> tuple[Samples, jax.Array]:
    """The samples with a sure frame's among them, and whether they are to be learned now."""
    label = tracker.label(sight.response.shape[-1], sight.position, state.cells)
    samples = tracker.memory.remember(state.samples, sight.spectrum, label, sight.teaches)
    return samples, sight.teaches & (samples.stored % tracker.online.every == 0)


class _Update(NamedTuple):
    """A `Fit` without the objective's value after it, which costs a response."""

    kernel: Any
    state: Any
    loss: jax.Array  # () before
    finite: jax.Array  # () bool


def _fit(tracker: Any, due: jax.Array, state: State, samples: Callable[[], Samples]) -> _Update:
    """The update that is due; else what there was."""
    head = state.head

    def update():
        objective = tracker.objective(samples(), head.mask)
        fit = tracker.online.fit(objective, head.kernel, head.optimizer)
        return _Update(fit.kernel, fit.state, fit.before, fit.finite)

    def skip():
        none = jnp.zeros_like(state.center[0])
        return _Update(head.kernel, head.optimizer, none, none == 0)

    return jax.lax.cond(due, update, skip)


def _move_on(
    tracker: Any, state: State, sight: Sight, samples: Samples, due: jax.Array, fit: _Update
) -> tuple[State, Info]:
    """The next state; a sample that made the fit fail would make every later one fail."""
    info = {
        "updated": due & fit.finite,
        "finite": fit.finite,
        "loss": fit.loss,
    }
    rate = jnp.where(state.usual > 0, tracker.gates.rate, 1.0)
    usual = state.usual + rate * (sight.height - state.usual)
    state = state.replace(
        center=sight.center,
        size=sight.size,
        sizing=sight.sizing,
        usual=jnp.where(sight.teaches, usual, state.usual),
        missing=jnp.where(sight.held, state.missing + 1.0, 0.0),
        limits=sight.limits,
        head=state.head._replace(kernel=fit.kernel, optimizer=fit.state),
        samples=tracker.memory.forget(samples, ~fit.finite),
    )
    return state, info
