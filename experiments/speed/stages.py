"""The stages of a step as functions of their own, each as the tracker runs it, ready to be timed.

Any tracker has those that `dslt_jax.tracking` drives: crop, locate, measure, learn. Of DSLT what
happens in them is shown, from the parts that it is made of.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from dslt_jax import backbones, multi_target, tracking
from dslt_jax.backbones import winograd
from dslt_jax.ops import localize, sampling
from dslt_jax.ops.labels import gaussian
from dslt_jax.ops.sizing import BoxHead
from dslt_jax.trackers.dslt import Dslt

BACKBONE = ("backbone, search", "backbone, scales")


class Shared(NamedTuple):
    """What all targets have in common: the first argument of every stage."""

    tracker: Any
    params: Any
    frame: jax.Array
    limits: jax.Array


class Stage:
    """A stage of `targets` targets in one program, with what it is called with.

    Args:
      body: (shared, *arguments) of one target.
      arguments: with a leading axis where there are several targets.
      batch: targets at once on a CPU.
      cost: bodies of which it consists, each with the times that it runs; XLA counts the
        operations of a loop's body once.
    """

    def __init__(self, body, shared: Shared, *arguments, targets: int, batch: int = 1, cost=()):
        def run(shared, *arguments):
            if targets == 1:
                return body(shared, *arguments)
            return multi_target.over_targets(functools.partial(body, shared), batch, *arguments)

        self._run, self._arguments = jax.jit(run), (shared, *arguments)
        self._targets, self._cost = targets, cost or ((1.0, body),)

    def __call__(self) -> Any:
        return self._run(*self._arguments)

    def flop(self) -> float:
        """Returns its floating point operations, as XLA counts them unoptimised.

        Convolutions count as the direct sum, however they are computed.
        """
        shared, *arguments = self._arguments
        if isinstance(shared.params, dict):
            shared = shared._replace(params=winograd.plain(shared.params))
        if self._targets > 1:
            arguments = jax.tree.map(lambda x: x[0], arguments)
        return self._targets * sum(times * _count(f, shared, *arguments) for times, f in self._cost)


def of_step(tracker, params, state, frame: jax.Array, targets: int) -> dict[str, Stage]:
    """Returns the stages of a step from `state`, in order."""
    shared = Shared(
        tracking.placed(tracker),
        params,
        frame,
        jnp.array([frame.shape[1], frame.shape[0]], jnp.float32),
    )
    return (_of_dslt if isinstance(tracker, Dslt) else _of_any)(shared, state, targets)


def crop(shared: Shared, look) -> jax.Array:
    """The regions of a look, as `tracking` cuts them."""

    def cut(side):
        return sampling.crop(shared.frame, center=look.center, side=side, size=look.size)

    return cut(look.sides[0])[None] if look.sides.shape[0] == 1 else jax.vmap(cut)(look.sides)


def locate(shared: Shared, state, patches):
    return shared.tracker.locate(shared.params, state, patches, shared.limits)


def measure(shared: Shared, state, sight, patches):
    return shared.tracker.measure(shared.params, state, sight, patches, shared.limits)


def learn(shared: Shared, state, sight):
    return shared.tracker.learn(shared.params, state, sight)


def _look(shared: Shared, state):
    return shared.tracker.look(state)


def _of_any(shared: Shared, state, targets: int) -> dict[str, Stage]:
    def stage(body, *arguments, **options) -> Stage:
        return Stage(body, shared, *arguments, targets=targets, **options)

    look = stage(_look, state)()
    table = {"crop": stage(crop, look, cost=_taps(look))}
    table["locate"] = stage(locate, state, table["crop"](), batch=multi_target.CPU_BATCH)
    sight, look = table["locate"]()
    patches = None
    if look is not None:
        table["second crop"] = stage(crop, look, cost=_taps(look))
        patches = table["second crop"]()
    table["measure"] = stage(measure, state, sight, patches, batch=multi_target.CPU_BATCH)
    sight, _ = table["measure"]()
    return table | {"learn": stage(learn, state, sight)}


# --- DSLT ---


def _of_dslt(shared: Shared, state, targets: int) -> dict[str, Stage]:
    def stage(body, *arguments, batch=multi_target.CPU_BATCH, cost=()) -> Stage:
        return Stage(body, shared, *arguments, targets=targets, batch=batch, cost=cost)

    look = stage(_look, state)()
    table = {"crop": stage(crop, look, batch=1, cost=_taps(look))}
    table[BACKBONE[0]] = stage(_network, table["crop"]())
    maps = table[BACKBONE[0]]()
    table["reduce, fuse, FFT"] = stage(_transform, state, maps)
    spectra = table["reduce, fuse, FFT"]()
    table["response, peak"] = stage(_peak, state, spectra)
    peak = table["response, peak"]()
    if isinstance(shared.tracker.size, BoxHead):
        table["box head"] = stage(_refine, state, table["crop"](), maps, peak)
    look = stage(_zoom, state)()
    if look is not None:
        table["scale crops"] = stage(crop, look, batch=1, cost=_taps(look))
        table[BACKBONE[1]] = stage(_network, table["scale crops"]())
        table["scale response"] = stage(_rescale, state, table[BACKBONE[1]]())
    cost = (shared.tracker.online.steps, _gradient), (1, _value)
    return table | {"learner update": stage(_update, state, spectra, batch=1, cost=cost)}


def _network(shared: Shared, patches):
    return backbones.apply(shared.tracker.backbone, shared.params, patches)


def _transform(shared: Shared, state, maps):
    return shared.tracker.spectra(maps, state.reductions)


def _peak(shared: Shared, state, spectra):
    tracker, layer = shared.tracker, shared.tracker.backbone.layers[0]
    middle = layer.position(tracker.region.anchor(layer, tracker.region.search))
    spread = tracker.spread(state.cells)
    prior = gaussian(tracker.grid, jnp.full(2, middle, jnp.float32), spread)
    return localize.find_peak(tracker.respond(state, spectra, tracker.grid)[0], prior)


def _refine(shared: Shared, state, patches, maps, peak):
    tracker, layers = shared.tracker, shared.tracker.backbone.layers
    pixels = state.size * tracker.region.search / tracker.region.side(state.size)
    found = tracker.found(state, maps, peak.position)  # what a step hands the head
    view = tracker.view(patches, maps)._replace(found=found)
    pixel = layers[0].pixel(peak.position)
    return tracker.size.refine(shared.params, state.sizing, view, pixel, pixels, True)


def _zoom(shared: Shared, state):
    region = shared.tracker.region
    return shared.tracker.size.look(state.center, region.side(state.size) / region.search)


def _rescale(shared: Shared, state, maps):
    layer, grid = shared.tracker.backbone.layers[0], maps[0].shape[1]
    responses = shared.tracker.respond(state, _transform(shared, state, maps), grid)
    return shared.tracker.size.rescale(responses, layer.position(grid * layer.stride / 2), True)


def _objective(shared: Shared, state, spectra):
    tracker, samples = shared.tracker, state.samples
    samples = tracker.memory.remember(samples, spectra[0], samples.labels[0])
    return tracker.objective(samples, state.head.mask)


def _update(shared: Shared, state, spectra):
    objective = _objective(shared, state, spectra)
    return shared.tracker.online.fit(objective, state.head.kernel, state.head.optimizer)


def _gradient(shared: Shared, state, spectra):
    return jax.value_and_grad(_objective(shared, state, spectra))(state.head.kernel)


def _value(shared: Shared, state, spectra):
    return _objective(shared, state, spectra)(state.head.kernel)


# --- operations ---


def _count(body: Callable, *arguments) -> float:
    return jax.jit(body).lower(*arguments).cost_analysis()["flops"]


def _taps(look) -> tuple[tuple[float, Callable], ...]:
    """A crop's cost: XLA counts two taps of its filter, the first and one turn of the loop."""
    ratio = float(jnp.max(look.sides)) / look.size
    return ((math.ceil(2 * max(1.0, ratio)) / 2, crop),)
