"""The tracker: the composition of sampling, backbone, head, localisation and learner."""

import functools
from typing import NamedTuple

import flax.struct
import jax
import jax.numpy as jnp

from dslt_jax import backbones, labels, learner, localize, regression, sampling
from dslt_jax.config import TrackerConfig


@flax.struct.dataclass
class State:
    """All that is carried from frame to frame."""

    center: jax.Array  # (2,) x, y of the target in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels
    cells: jax.Array  # (2,) width, height of the target in feature cells
    reductions: tuple[regression.Reduction, regression.Reduction]
    head: learner.Head
    memory: learner.Memory


class Output(NamedTuple):
    """Diagnosis of a step; never carried."""

    box: jax.Array  # (4,) x, y, w, h in frame pixels
    confidence: jax.Array  # () response at the chosen peak, about 1 when sure
    lost: jax.Array  # () bool: too weak a peak, the position was held
    response: jax.Array  # (grid, grid) response map over the search crop
    search_box: jax.Array  # (4,) x, y, w, h of the search crop in frame pixels
    scale_index: jax.Array  # () int32 of the chosen scale
    updated: jax.Array  # () bool: this frame taught the head
    loss_before: jax.Array  # () of the update
    loss_after: jax.Array  # ()


def init(config: TrackerConfig, params, frame: jax.Array, box: jax.Array) -> State:
    frame, box = jnp.asarray(frame), jnp.asarray(box, jnp.float32)
    side = _search_side(config, box[2:])
    patch = _crop(frame, box[:2] + box[2:] / 2, side, config.search_size)
    return _start(config, params, patch, box)


def step(config: TrackerConfig, params, state: State, frame: jax.Array) -> tuple[State, Output]:
    frame = jnp.asarray(frame)
    limits = jnp.array([frame.shape[1], frame.shape[0]], jnp.float32)
    side = _search_side(config, state.size)
    patch = _crop(frame, state.center, side, config.search_size)
    found = _search(config, params, state, patch, limits)
    sides = (side * config.scale_size / config.search_size) * localize.scale_factors(
        config.num_scales, config.scale_step
    )
    patches = _crop_pyramid(frame, found.center, sides, config.scale_size)
    return _finish(config, params, state, found, patches, limits)


_crop = jax.jit(sampling.crop, static_argnums=3)
_crop_pyramid = jax.jit(sampling.crop_pyramid, static_argnums=3)


def _search_side(config: TrackerConfig, size: jax.Array) -> jax.Array:
    return config.search_size / config.target_size * jnp.sqrt(jnp.prod(size))


def _geometry(config):
    stride = backbones.strides(config)[0]
    grid = regression.grid_size(config, stride)
    return stride, grid, regression.fft_size(config, grid)


@functools.partial(jax.jit, static_argnums=0)
def _start(config: TrackerConfig, params, patch, box) -> State:
    stride, grid, size = _geometry(config)
    key = jax.random.key(config.seed)
    cells = box[2:] / jnp.sqrt(jnp.prod(box[2:])) * (config.target_size / stride)
    patches, centers = augment(config, patch)
    shallow, deep = backbones.apply(params, patches, config)
    if config.reduction == "pca":
        reductions = (
            regression.fit_reduction(shallow[:1], config.channels, config.whiten),
            regression.fit_reduction(deep[:1], config.channels, config.whiten),
        )
    else:
        reductions = (
            regression.random_reduction(key, shallow.shape[-1], config.channels),
            regression.random_reduction(key, deep.shape[-1], config.channels),
        )
    features = regression.fuse(shallow, deep, reductions, config)
    spectra = regression.spectrum(features, size)
    targets = jax.vmap(lambda c: labels.gaussian(grid, grid / 2 + c / stride, config.label_sigma * cells))(centers)
    mask = regression.kernel_mask(cells * config.kernel_scale, config.kernel_size)
    head = learner.init_head(config, key, mask)
    samples = learner.Memory(spectra, targets, jnp.ones(len(targets)), jnp.zeros((), jnp.int32))
    head, _, _ = learner.fit(
        config, head, samples,
        steps=config.init_steps, lr_shallow=config.init_lr_shallow, lr_deep=config.init_lr_deep,
        stop_loss=config.stop_loss,
    )
    head = learner.Head(head.kernel, head.mask, learner._adam(config).init(head.kernel))
    memory = learner.init_memory(config, spectra[0], targets[0])
    return State(box[:2] + box[2:] / 2, box[2:], cells, reductions, head, memory)


def augment(config, patch):
    s = config.target_size
    rows = [(0, 0, 1, 0, 0, 0)]
    if config.augment:
        rows += [
            (0, 0, 1, 0, 1, 0), (0, 0, 1, 0, 0, 1.0), (0, 0, 1, 0, 0, 2.0),
            (.25, .25, 1, .2, 0, 0), (-.25, .25, 1, -.2, 0, 0), (.5, -.25, 1.1, 0, 0, 0), (-.5, -.25, .9, 0, 1, 0),
            (.8, .5, 1, .4, 0, 0), (-.8, -.5, 1, -.4, 1, 0),
        ]
    t = jnp.array(rows, jnp.float32)
    shift = t[:, :2] * s
    def one(shift, row):
        p = sampling.warp(patch, shift=shift, scale=row[2], angle=row[3], flip=row[4] > 0)
        return sampling.blur(p, row[5])
    return jax.vmap(one)(shift, t), shift


class Found(NamedTuple):
    spectrum: jax.Array
    response: jax.Array
    position: jax.Array
    center: jax.Array
    confidence: jax.Array
    lost: jax.Array


@functools.partial(jax.jit, static_argnums=0)
def _search(config, params, state, patch, limits):
    stride, grid, size = _geometry(config)
    shallow, deep = backbones.apply(params, patch[None], config)
    features = regression.fuse(shallow, deep, state.reductions, config)
    spectrum = regression.spectrum(features, size)
    response = regression.respond(state.head.kernel, spectrum, size, grid)[0]
    prior = labels.gaussian(grid, jnp.full(2, grid / 2), config.motion_sigma * jnp.sqrt(jnp.prod(state.cells)))
    peak = localize.find_peak(response, prior)
    lost = peak.confidence < config.lost_confidence
    cell = _search_side(config, state.size) / grid
    move = jnp.where(lost, 0.0, (peak.position - grid / 2) * cell)
    center = jnp.clip(state.center + move, 0.0, limits)
    return Found(spectrum[0], response, peak.position, center, peak.confidence, lost)


@functools.partial(jax.jit, static_argnums=0)
def _finish(config, params, state, found, patches, limits):
    stride, grid, size = _geometry(config)
    shallow, deep = backbones.apply(params, patches, config)
    features = regression.fuse(shallow, deep, state.reductions, config)
    small = config.scale_size // stride
    n2 = regression.fft_size(config, small)
    responses = regression.respond(state.head.kernel, regression.spectrum(features, n2), n2, small)
    index = localize.choose_scale(responses, config.scale_penalty)
    factor = localize.scale_factors(config.num_scales, config.scale_step)[index]
    keep = found.lost | (found.confidence < config.scale_confidence)
    factor = jnp.where(keep, 1.0, 1.0 + config.scale_damping * (factor - 1.0))
    size2 = jnp.clip(state.size * factor, config.min_side, limits)

    teach = ~found.lost & (found.confidence >= config.update_confidence)
    label = labels.gaussian(grid, found.position, config.label_sigma * state.cells)

    def update(_):
        memory = learner.remember(state.memory, found.spectrum, label)
        head, before, after = learner.fit(
            config, state.head, memory,
            steps=config.update_steps, lr_shallow=config.update_lr_shallow, lr_deep=config.update_lr_deep,
        )
        return head, memory, before, after

    def skip(_):
        return state.head, state.memory, jnp.zeros(()), jnp.zeros(())

    head, memory, before, after = jax.lax.cond(teach, update, skip, None)
    box = jnp.concatenate([found.center - size2 / 2, size2])
    side = _search_side(config, state.size)
    out = Output(
        box, found.confidence, found.lost, found.response,
        jnp.concatenate([state.center - side / 2, jnp.full(2, side)]), index, teach, before, after,
    )
    state = state.replace(center=found.center, size=size2, head=head, memory=memory)
    return state, out
