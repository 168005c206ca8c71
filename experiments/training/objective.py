"""What the compact backbone is trained for: that the online tracker on top of it works.

A sample is a template crop and search crops of the same target. As the tracker does at a video's
first frame, a kernel is fitted to the template's features; then it responds to the search crops.
Label, loss, kernel and layers are the tracker's. The fit is a few Gauss-Newton steps in place of
its 120 of Adam, and the features are normalised in place of its principal components, so that all
of it can be differentiated. Three terms are added:

  response   the loss of that response against the soft label at the target's true place;
  box        what the box head says of disturbed boxes around the target, against the truth;
  match      its score of the right target against other places and against other targets.

A decay towards the starting weights (the distilled network) keeps what was learned there.
"""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from dslt_jax import backbones
from dslt_jax.backbones import box_head
from dslt_jax.learners import GaussNewton, Objective
from dslt_jax.ops import fusion, spectral

LEARNER, STEPS = GaussNewton(rounds=2), 6  # of the fit to the template
DECAY = 30.0  # ridge of that fit


@dataclasses.dataclass(frozen=True)
class Weights:
    """Factors of the terms."""

    response: float = 1.0
    box: float = 4.0
    match: float = 0.3
    start: float = 1e-4


class Terms(NamedTuple):
    """The terms of the loss and what they mean to a tracker, all ()."""

    response: jax.Array
    box: jax.Array
    match: jax.Array
    found: jax.Array  # share of search crops whose peak lies within a quarter of the target
    overlap: jax.Array  # mean IoU of the corrected boxes
    overlap_before: jax.Array  # and before the correction
    accuracy: jax.Array  # of the match score's sign


def apply(backbone, params, patches: jax.Array):
    """Features of crops (B, N, S, S, 3) uint8: (B, N, G, G, D1) and (B, N, g, g, D2)."""
    count, crops = patches.shape[:2]
    flat = patches.reshape(count * crops, *patches.shape[2:]).astype(jnp.float32)
    maps = backbones.apply(backbone, params, flat)
    return tuple(x.reshape(count, crops, *x.shape[1:]) for x in maps)


def objective(tracker, params, start, batch, key: jax.Array, weights: Weights):
    """The loss and its terms.

    Args:
      tracker: a preset on an embedded network.
      params: of that network; start: those that it is held to.
      batch: patches (B, N, S, S, 3) uint8, template first; boxes (B, N, 4) x, y, w, h in pixels
        of the patch; visible (B, N), share of the target that can be seen.
    """
    patches, boxes, visible = batch
    shallow, deep = apply(tracker.backbone, params, patches)
    centers, sizes = boxes[..., :2] + boxes[..., 2:] / 2, boxes[..., 2:]
    # A target that is mostly hidden has no place to be learned.
    counts = (visible[:, 1:] > 0.4).astype(jnp.float32)

    # The fit costs as much as the backbone: half of the samples do, none where nobody learns by it.
    half = len(patches) // 2 if weights.response else 0
    response, found = jax.vmap(functools.partial(respond_loss, tracker))(
        shallow[:half], deep[:half], centers[:half], sizes[:half]
    )
    keys = jax.random.split(key, len(patches))
    other = jnp.roll(jnp.arange(len(patches)), 1)
    box, match, overlap, before, right = jax.vmap(
        functools.partial(box_loss, tracker, params, shallow, deep, centers, sizes)
    )(jnp.arange(len(patches)), other, keys)

    def mean(x):
        weight = counts[: len(x)]
        return jnp.sum(x * weight) / jnp.maximum(weight.sum(), 1.0)

    terms = Terms(*map(mean, (response, box, match, found, overlap, before, right)))
    held = sum(jnp.sum(jnp.square(params[k] - start[k])) for k in params if "box/" not in k)
    loss = weights.response * terms.response + weights.box * terms.box
    return loss + weights.match * terms.match + weights.start * held, terms


def respond_loss(tracker, shallow, deep, centers, sizes):
    """Fits the head to the first crop and scores its response to the others.

    Args:
      shallow: (N, G, G, D1); deep: (N, g, g, D2); centers, sizes: (N, 2) in pixels.

    Returns:
      the loss (N - 1,), and whether the peak is near the target (N - 1,).
    """
    grid, side = shallow.shape[1], tracker.kernel_size
    layer, coarse = tracker.backbone.layers
    deep = fusion.resample(_normalise(deep), coarse, layer, grid)
    features = jnp.concatenate([_normalise(shallow), deep], -1).transpose(0, 3, 1, 2)
    size = spectral.fft_size(grid, side)
    spectra = spectral.spectrum(features, size)
    cells = sizes / layer.stride
    targets = jax.vmap(functools.partial(tracker.label, grid))(layer.position(centers), cells)
    weight = tracker.label.weight(targets)
    mask = spectral.kernel_mask(cells[0], side)[None]

    def respond(spectra, kernel):
        return spectral.respond(mask * kernel, spectra, grid)

    template = Objective(
        functools.partial(respond, spectra[:1]), tracker.loss, targets[:1], weight[:1], DECAY
    )
    start = jnp.zeros((features.shape[1], side, side))
    kernel = LEARNER.fit(template, start, LEARNER.init(start), steps=STEPS).kernel
    response = respond(spectra[1:], kernel)
    loss = tracker.loss(response, targets[1:]) * weight[1:]
    peak = jnp.argmax(response.reshape(len(response), -1), axis=1)
    place = layer.pixel(jnp.stack([peak % grid, peak // grid], axis=-1))
    far = jnp.abs(place - centers[1:]) / sizes[1:]
    return loss.sum((1, 2)), (far.max(-1) < 0.25).astype(jnp.float32)


def box_loss(tracker, params, shallow, deep, centers, sizes, index, other, key):
    """Scores the box head on disturbed boxes of one sample's search crops.

    Args:
      shallow, deep, centers, sizes: of the whole batch, leading axes (B, N).
      index: () of the sample; other: () of one with another target, for wrong templates.

    Returns:
      five arrays (N - 1,): error of the boxes, error of the match score, mean IoU after and before
      the correction, share of right match scores.
    """

    layers = tracker.backbone.box_layers

    def template(i):
        maps = shallow[i, 0], deep[i, 0]
        return box_head.embed_template(params, maps, layers, centers[i, 0], sizes[i, 0])

    own, wrong = template(index), template(other)

    def crop(maps, center, size, key):
        keys = jax.random.split(key, 4)
        near_center, near_size = _disturb(keys[0], center, size, count=6)
        near = _estimate(params, own, maps, layers, near_center, near_size)
        target = jnp.concatenate([(center - near_center) / near_size, jnp.log(size / near_size)], 1)
        error = jnp.abs(jnp.concatenate([near.shift, near.growth], 1) - target)
        error = jnp.where(error < 0.05, 10 * jnp.square(error), error - 0.025).mean()

        after = near_center + near.shift * near_size, near_size * jnp.exp(near.growth)
        overlap = _overlap(*after, center, size).mean()
        error = error + 0.25 * (1.0 - overlap)  # what a tracker is scored by
        before = _overlap(near_center, near_size, center, size).mean()

        # Elsewhere in the crop, and the right place with another target's template.
        angle = jax.random.uniform(keys[1], (2,), maxval=2 * jnp.pi)
        ray = jnp.stack([jnp.cos(angle), jnp.sin(angle)], -1)
        far = center + size * ray * jax.random.uniform(keys[2], (2, 1), minval=0.8, maxval=2.0)
        elsewhere = _estimate(params, own, maps, layers, far, jnp.broadcast_to(size, (2, 2)))
        foreign = _estimate(params, wrong, maps, layers, near_center[:2], near_size[:2])
        logits = jnp.concatenate([near.match[:4], elsewhere.match, foreign.match])
        truth = jnp.concatenate([jnp.ones(4), jnp.zeros(4)])
        match = optax.sigmoid_binary_cross_entropy(logits, truth).mean()
        right = jnp.mean((logits > 0) == (truth > 0))
        return error, match, overlap, before, right

    maps = shallow[index, 1:], deep[index, 1:]
    keys = jax.random.split(key, shallow.shape[1] - 1)
    return jax.vmap(crop)(maps, centers[index, 1:], sizes[index, 1:], keys)


def _normalise(x: jax.Array) -> jax.Array:
    """Mean zero and unit mean deviation over the template, as the tracker's channel reduction."""
    mean = x[0].mean((0, 1))
    deviation = jnp.sqrt(jnp.mean(jnp.square(x[0] - mean)) + 1e-6)
    return (x - mean) / deviation


def _disturb(key, center, size, *, count: int):
    """Boxes such as a tracker has before its correction, (count, 2) centres and sizes."""
    keys = jax.random.split(key, 4)
    # One in three is far off, as after a fast change.
    spread = jnp.where(jnp.arange(count) % 3 == 2, 2.5, 1.0)[:, None]
    shift = 0.08 * spread * jax.random.normal(keys[0], (count, 2))
    growth = 0.1 * spread * jax.random.normal(keys[1], (count, 1))
    aspect = 0.08 * spread * jax.random.normal(keys[2], (count, 2))
    growth = jnp.clip(growth + aspect, -0.6, 0.6)
    return center + jnp.clip(shift, -0.4, 0.4) * size, size * jnp.exp(growth)


_estimate = jax.vmap(box_head.estimate, in_axes=(None, None, None, None, 0, 0))


def _overlap(center, size, true_center, true_size) -> jax.Array:
    """IoU of boxes given as centres and sizes, broadcast."""
    low = jnp.maximum(center - size / 2, true_center - true_size / 2)
    high = jnp.minimum(center + size / 2, true_center + true_size / 2)
    both = jnp.prod(jnp.clip(high - low, 0.0), axis=-1)
    return both / (jnp.prod(size, axis=-1) + jnp.prod(true_size, axis=-1) - both)
