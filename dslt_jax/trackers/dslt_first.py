"""What DSLT learns of the first frame."""

from typing import Any

import jax
import jax.numpy as jnp

from dslt_jax import backbones
from dslt_jax.learners import Samples
from dslt_jax.ops import augment as augmentation
from dslt_jax.ops import spectral
from dslt_jax.trackers.dslt_state import Head, State


def fit(tracker: Any, params: Any, key: jax.Array, patches: jax.Array, box: jax.Array) -> State:
    """Returns the state behind the first frame.

    Args:
      tracker: a `Dslt`; params: of its networks; key: of the kernel's start and the reduction.
      patches: (1, S, S, 3) the search region around the first box (4,), in frame pixels.
    """
    layers, (center, extent) = tracker.backbone.layers, center_size(box)
    pixels = extent * (tracker.region.target / tracker.region.length(extent))
    cells = pixels / layers[0].stride
    anchor = tracker.region.anchor(layers[0], tracker.region.search)
    crops, shifts = augmentation.first_frame(
        patches[0], tracker.augment, tracker.region.target, anchor
    )
    maps = backbones.apply(tracker.backbone, params, crops)
    key_kernel, key_fusion = jax.random.split(key)
    reductions = tracker.fusion.fit(key_fusion, maps)
    spectra = tracker.spectra(maps, reductions)
    middle = layers[0].position(anchor)
    targets = jax.vmap(
        lambda shift: tracker.label(tracker.grid, middle + shift / layers[0].stride, cells)
    )(shifts)
    mask = spectral.kernel_mask(tracker.extent(cells), tracker.kernel_size)
    # Made from what was seen: in a checked `shard_map` the gradient by a kernel that all
    # devices share would be the sum of theirs.
    seen = 0.0 * jnp.clip(jnp.real(spectra).mean(), -1.0, 1.0)
    kernel = jax.tree.map(lambda k: k + seen, tracker.start(key_kernel, spectra.shape[1]))
    weights = jnp.ones(len(targets), jnp.float32)
    everything = Samples(spectra, targets, weights, jnp.asarray(len(targets), jnp.int32))
    learned = tracker.first.fit(
        tracker.objective(everything, mask), kernel, tracker.first.learner.init(kernel)
    )
    alike = type(tracker.first.learner) is type(tracker.online.learner)
    goes_on = alike and tracker.online.fresh == "never"
    center_pixel = jnp.full(2, anchor, jnp.float32)
    view = tracker.view(patches, maps)
    return State(
        center=center,
        size=extent,
        cells=cells,
        reductions=reductions,
        sizing=tracker.size.start(params, view, center_pixel, pixels),
        usual=0.0 * center[0],
        missing=0.0 * center[0],
        limits=0.0 * center,
        head=Head(
            learned.kernel,
            mask,
            learned.state if goes_on else tracker.online.learner.init(learned.kernel),
        ),
        samples=tracker.memory.start(spectra[0], targets[0]),
    )


def center_size(box: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns the centre (2,) and the width and height (2,) of a box (4,)."""
    return box[:2] + box[2:] / 2, box[2:]
