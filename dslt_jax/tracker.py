"""The tracker: the composition of sampling, backbone, head, localisation and learner.

    state = init(config, params, frame, box)
    state, out = step(config, params, state, frame)

Pure functions over immutable pytrees. What depends on the frame's size only cuts crops out of it
(`_look`, `_zoom`); everything else works on shapes fixed by the config and compiles once.
"""

import functools
from typing import NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

from dslt_jax import (
    arguments,
    augment,
    backbones,
    batching,
    labels,
    learner,
    localize,
    regression,
    sampling,
)
from dslt_jax.backbones import box_head
from dslt_jax.config import TrackerConfig

Params = dict[str, jax.Array]


class State(flax.struct.PyTreeNode):
    """All that is carried from frame to frame."""

    center: jax.Array  # (2,) x, y of the target in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels
    gaze: jax.Array  # (2,) x, y where the next search region lies; aside of `center` when lost
    lost_frames: jax.Array  # () int32, frames since the target was last seen
    cells: jax.Array  # (2,) width, height of the target in feature cells
    reductions: tuple[regression.Reduction, regression.Reduction]  # of the shallow, deep layer
    template: jax.Array | None  # (7, 7, E) the first frame's looks, for the box head
    match: jax.Array  # () how well it has matched of late, the box head's logit
    head: learner.Head
    memory: learner.Memory


class Output(NamedTuple):
    """Diagnosis of one step; never carried."""

    box: jax.Array  # (4,) x, y, w, h in frame pixels
    confidence: jax.Array  # () response at the chosen peak, about 1 when sure
    lost: jax.Array  # () bool, the peak was too weak: the box was held
    response: jax.Array  # (grid, grid) response map over the search crop
    search_box: jax.Array  # (4,) x, y, w, h of the search crop in frame pixels
    scale_index: jax.Array  # () int32, the chosen scale
    updated: jax.Array  # () bool, this frame taught the head
    loss_before: jax.Array  # () loss over the memory before the update
    loss_after: jax.Array  # () and after it


class _Sight(NamedTuple):
    """What the search found in one frame."""

    spectrum: jax.Array  # (2C, size, size // 2 + 1) of the search crop's features
    response: jax.Array  # (grid, grid)
    position: jax.Array  # (2,) x, y of the peak in cells
    center: jax.Array  # (2,) x, y of the target in frame pixels
    size: jax.Array  # (2,) width, height by the box head; without one the last frame's
    confidence: jax.Array  # ()
    lost: jax.Array  # () bool
    match: jax.Array  # () as in State


def init(config: TrackerConfig, params: Params, frame: jax.Array, box: jax.Array) -> State:
    """Learns the target in the first frame.

    Args:
      frame: (H, W, 3) uint8 RGB.
      box: (4,) x, y, w, h of the target in pixels, 0-based edges.

    Raises:
      ValueError: if the frame or the box is malformed, or the box lies outside the frame.
    """
    frame = arguments.check_frame(frame)
    box = arguments.check_boxes(box, frame, (4,))
    return _start(config, params, _look(config, frame, *_center_size(box)), box)


def step(
    config: TrackerConfig, params: Params, state: State, frame: jax.Array
) -> tuple[State, Output]:
    """Finds the target in the next frame and learns from it.

    Args:
      state: of `init` or the last `step`; it is not changed.
      frame: (H, W, 3) uint8 RGB; its size may differ from the last one's.
    """
    frame = arguments.check_frame(frame)
    limits = np.array([frame.shape[1], frame.shape[0]], np.float32)
    patch = _look(config, frame, state.gaze, state.size)
    sight = _search(config, params, state, patch, limits)
    patches = None
    if config.size_search != "box_head":
        patches = _zoom(config, frame, sight.center, sight.size)
    return _learn(config, params, state, sight, patches, limits)


def init_many(config: TrackerConfig, params: Params, frame: jax.Array, boxes: jax.Array) -> State:
    """`init` for several targets (N, 4) in one frame; every leaf has a leading axis N."""
    frame = arguments.check_frame(frame)
    boxes = arguments.check_boxes(boxes, frame, (np.shape(boxes)[0] if np.ndim(boxes) else 0, 4))
    patches = _look_many(config, frame, *_center_size(boxes))
    return _start_many(config, params, patches, boxes)


def step_many(
    config: TrackerConfig, params: Params, states: State, frame: jax.Array
) -> tuple[State, Output]:
    """`step` for several targets in one frame, one program."""
    frame = arguments.check_frame(frame)
    limits = np.array([frame.shape[1], frame.shape[0]], np.float32)
    patches = _look_many(config, frame, states.gaze, states.size)
    sights = _search_many(config, params, states, patches, limits)
    patches = None
    if config.size_search != "box_head":
        patches = _zoom_many(config, frame, sights.center, sights.size)
    return _learn_many(config, params, states, sights, patches, limits)


@functools.partial(jax.jit, static_argnums=0)
def track(config: TrackerConfig, params: Params, frames: jax.Array, box: jax.Array) -> Output:
    """Follows one target through a clip on the device.

    Args:
      frames: (N, H, W, 3) uint8; box: (4,) of the target in frames[0].

    Returns:
      outputs of frames 1 .. N - 1, a leading axis N - 1 on every field.
    """
    state = init(config, params, frames[0], box)
    _, outs = jax.lax.scan(lambda s, f: step(config, params, s, f), state, frames[1:])
    return outs


@functools.partial(jax.jit, static_argnums=0)
def track_many(
    config: TrackerConfig, params: Params, frames: jax.Array, boxes: jax.Array
) -> Output:
    """Follows B targets at once: in one clip, or each in a clip of its own.

    Args:
      frames: (N, H, W, 3) uint8, one clip, or (B, N, H, W, 3); boxes: (B, 4).

    Returns:
      outputs with leading axes (B, N - 1).
    """
    frames = jnp.asarray(frames)
    if frames.ndim not in (4, 5):
        raise ValueError(f"frames must be (N, H, W, 3) or (B, N, H, W, 3), got {frames.shape}")
    axis = 0 if frames.ndim == 5 else None
    run = jax.vmap(functools.partial(track, config), in_axes=(None, axis, 0))
    return run(params, frames, boxes)


# --- the stages, in order; each is jitted here and nowhere else ---


def _look_body(config: TrackerConfig, frame, center, size) -> jax.Array:
    """The search crop (S, S, 3)."""
    return sampling.crop(frame, center, _search_side(config, size), config.search_size)


def _start_body(config: TrackerConfig, params: Params, patch, box) -> State:
    """The first-frame fit."""
    stride, grid, size = _geometry(config)
    center, extent = _center_size(box)
    cells = extent / jnp.sqrt(jnp.prod(extent)) * (config.target_size / stride)
    crops, shifts = augment.first_frame(config, patch)
    shallow, deep = backbones.apply(params, crops, config)
    key = jax.random.key(config.seed)
    key_head, *keys = jax.random.split(key, 3)
    reductions = (
        regression.make_reduction(config, keys[0], shallow),
        regression.make_reduction(config, keys[1], deep),
    )
    spectra = regression.spectrum(regression.fuse(shallow, deep, reductions, config), size)
    targets = jax.vmap(lambda shift: _label(config, grid / 2 + shift / stride, cells))(shifts)
    mask = regression.kernel_mask(cells * config.kernel_scale, config.kernel_size)
    head = learner.init_head(config, key_head, mask)
    samples = learner.samples(spectra, targets)
    head, _, _ = learner.fit_first_frame(config, head, samples)
    memory = learner.init_memory(config, spectra[0], targets[0])
    template = None
    if config.size_search != "scales":
        middle = jnp.full(2, config.search_size / 2)
        maps = shallow[0], deep[0]
        template = box_head.embed_template(
            params, maps, backbones.strides(config), middle, cells * stride
        )
    return State(
        center=center,
        size=extent,
        gaze=center,
        lost_frames=jnp.zeros((), jnp.int32),
        cells=cells,
        reductions=reductions,
        template=template,
        match=jnp.zeros(()),
        head=head,
        memory=memory,
    )


def _search_body(config: TrackerConfig, params: Params, state: State, patch, limits) -> _Sight:
    """Finds the target in the search crop."""
    _, grid, size = _geometry(config)
    shallow, deep = backbones.apply(params, patch[None], config)
    spectrum = regression.spectrum(regression.fuse(shallow, deep, state.reductions, config), size)
    response = regression.respond(state.head.kernel, spectrum, size, grid)[0]
    middle, scale = grid / 2, _search_side(config, state.size) / grid
    prior = _motion_prior(config, state)
    peak = localize.find_peak(response, prior)
    needed = jnp.asarray(config.lost_confidence)
    if config.recovery:
        needed = jnp.where(state.lost_frames > 0, config.recovery_confidence, needed)
    lost = ~(peak.confidence >= needed)
    position, extent, match = peak.position, state.size, state.match
    if config.size_search != "scales":
        maps = shallow[0], deep[0]
        sure = ~lost & (peak.confidence >= config.scale_confidence)
        position, extent, match = _correct_box(config, params, state, maps, position, sure)
    found = state.gaze + (position - middle) * scale
    center = jnp.clip(jnp.where(lost, state.center, found), 0.0, limits)
    return _Sight(spectrum[0], response, position, center, extent, peak.confidence, lost, match)


def _motion_prior(config: TrackerConfig, state: State) -> jax.Array:
    """Where the target may be: near the middle, or anywhere once it has been lost."""
    _, grid, _ = _geometry(config)
    spread = config.motion_sigma * jnp.sqrt(jnp.prod(state.cells))
    if config.recovery:
        spread = spread * jnp.where(state.lost_frames > 0, 3.0, 1.0)
    return labels.gaussian(grid, jnp.full(2, grid / 2), spread)


def _next_gaze(config: TrackerConfig, center, size, lost_frames) -> jax.Array:
    """Looks at `center`, and while the target is lost at one of eight places around it in turn.

    Every other look is at the place where it was last seen: most targets come back there.
    """
    if not config.recovery:
        return center
    angle = jnp.pi / 4 * jnp.array([0, 4, 2, 6, 1, 5, 3, 7])[(lost_frames // 2) % 8]
    aside = (lost_frames > 0) & (lost_frames % 2 == 0)
    reach = config.recovery_reach * _search_side(config, size) * jnp.where(aside, 1.0, 0.0)
    return center + reach * jnp.stack([jnp.cos(angle), jnp.sin(angle)])


def _correct_box(config: TrackerConfig, params: Params, state: State, maps, position, sure):
    """The box head's word on centre (2,) in cells and size (2,) in frame pixels, and `match`.

    What covers the target, or takes its place, looks less like the template than the target did
    just before: then the head sees the size of something else, and is not listened to.
    """
    strides, growth = backbones.strides(config), jnp.zeros(2)
    pixels = config.target_size / jnp.sqrt(jnp.prod(state.size))
    for _ in range(config.box_steps):
        extent = state.size * pixels * jnp.exp(growth)
        found = box_head.estimate(
            params, state.template, maps, strides, position * strides[0], extent
        )
        shift = jnp.clip(found.shift, -0.3, 0.3) * extent / strides[0]
        both = jnp.mean(found.growth)
        more = config.box_size_gain * both + config.box_aspect_gain * (found.growth - both)
        good = sure & (found.match >= config.box_guard * jnp.maximum(state.match, 0.0))
        position = position + jnp.where(good, config.box_center_gain * shift, 0.0)
        growth = growth + jnp.where(good, more, 0.0)
    change = found.match - state.match
    match = state.match + jnp.where(sure, jnp.where(change > 0, 0.1, 0.02) * change, 0.0)
    size = state.size * jnp.exp(jnp.clip(growth, -config.box_limit, config.box_limit))
    return position, size, match


def _zoom_body(config: TrackerConfig, frame, center, size) -> jax.Array:
    """The scale pyramid around the found centre, (num_scales, s, s, 3)."""
    side = _search_side(config, size) * (config.scale_size / config.search_size)
    sides = side * localize.scale_factors(config.num_scales, config.scale_step)
    return sampling.crop_pyramid(frame, center, sides, config.scale_size)


def _learn_body(
    config: TrackerConfig, params: Params, state: State, sight: _Sight, patches, limits
) -> tuple[State, Output]:
    """Chooses the scale, teaches the head, and moves on."""
    index, size = jnp.asarray(config.num_scales // 2), sight.size
    if config.size_search != "box_head":
        index = _best_scale(config, params, state, patches)
        factor = localize.scale_factors(config.num_scales, config.scale_step)[index]
        keep = sight.lost | (sight.confidence < config.scale_confidence)
        size = size * jnp.where(keep, 1.0, 1.0 + config.scale_damping * (factor - 1.0))
    size = jnp.clip(size, jnp.minimum(config.min_side, limits), limits)

    teach = ~sight.lost & (sight.confidence >= config.update_confidence)
    label = _label(config, sight.position, state.cells)

    def remember(memory):
        return learner.remember(config, memory, sight.spectrum, label)

    def update(memory):
        return learner.fit_update(config, state.head, memory)

    def skip(_):
        return state.head, jnp.zeros(()), jnp.zeros(())

    memory = jax.lax.cond(teach, remember, lambda memory: memory, state.memory)
    teach = teach & (memory.stored % config.update_interval == 0)
    head, before, after = jax.lax.cond(teach, update, skip, memory)
    side = _search_side(config, state.size)
    out = Output(
        box=jnp.concatenate([sight.center - size / 2, size]),
        confidence=sight.confidence,
        lost=sight.lost,
        response=sight.response,
        search_box=jnp.concatenate([state.gaze - side / 2, jnp.full(2, side)]),
        scale_index=index,
        updated=teach,
        loss_before=before,
        loss_after=after,
    )
    lost_frames = jnp.where(sight.lost, state.lost_frames + 1, 0)
    state = state.replace(
        center=sight.center,
        size=size,
        gaze=_next_gaze(config, sight.center, size, lost_frames),
        lost_frames=lost_frames,
        match=sight.match,
        head=head,
        memory=memory,
    )
    return state, out


_look = jax.jit(_look_body, static_argnums=0)
_start = jax.jit(_start_body, static_argnums=0)
_search = jax.jit(_search_body, static_argnums=0)
_zoom = jax.jit(_zoom_body, static_argnums=0)
_learn = jax.jit(_learn_body, static_argnums=0)


_look_many = batching.over_targets(_look_body, (None, 0, 0))
_start_many = batching.over_targets(_start_body, (None, 0, 0))
_search_many = batching.over_targets(_search_body, (None, 0, 0, None))
_zoom_many = batching.over_targets(_zoom_body, (None, 0, 0))
_learn_many = batching.over_targets(_learn_body, (None, 0, 0, 0, None))


def _features(config: TrackerConfig, params: Params, state: State, patches) -> jax.Array:
    """Reduced and fused features of crops (N, s, s, 3): (N, 2C, s / stride, s / stride)."""
    shallow, deep = backbones.apply(params, patches, config)
    return regression.fuse(shallow, deep, state.reductions, config)


def _best_scale(config: TrackerConfig, params: Params, state: State, patches) -> jax.Array:
    features = _features(config, params, state, patches)
    grid = features.shape[-1]
    size = regression.fft_size(config, grid)
    spectra = regression.spectrum(features, size)
    responses = regression.respond(state.head.kernel, spectra, size, grid)
    return localize.choose_scale(responses, config.scale_penalty)


def _label(config: TrackerConfig, position: jax.Array, cells: jax.Array) -> jax.Array:
    _, grid, _ = _geometry(config)
    return labels.gaussian(grid, position, config.label_sigma * cells)


def _geometry(config: TrackerConfig) -> tuple[int, int, int]:
    """Stride, side of the response map in cells, side of the transform."""
    stride = backbones.strides(config)[0]
    grid = config.search_size // stride
    return stride, grid, regression.fft_size(config, grid)


def _search_side(config: TrackerConfig, size: jax.Array) -> jax.Array:
    """Side in frame pixels of the search region of a target of `size` (2,)."""
    return config.search_size / config.target_size * jnp.sqrt(jnp.prod(size))


def _center_size(box: jax.Array) -> tuple[jax.Array, jax.Array]:
    return box[..., :2] + box[..., 2:] / 2, box[..., 2:]
