"""Trains SiamFC's head on the frozen embedded network, with one of three losses.

    python experiments/training/train_siamfc.py --data ../shared/train --loss shrinkage \
        --features checkpoints/siamfc_pairs --output checkpoints/siamfc_shrinkage

A sample is a template crop and search crops of the same target (`train_samples.py`). Where the
template is laid within 16 pixels of the target the label is 1, elsewhere 0, and either class counts
one half of every response map, as in Bertinetto et al., ECCVW 2016. --loss is what is asked of each
place: cross_entropy, theirs; focal_cross_entropy; shrinkage_cross_entropy, the journal's
(`dslt_jax.ops.losses`). A template laid on another sample's crop finds nothing but label 0.

What the frozen network makes of the crops is computed once and lies in --features
(`siamese_pairs.py`), for all losses. Leaves in --output: weights.safetensors (float16),
checkpoint.safetensors, log.csv, curves.png. The same command goes on from the last checkpoint.
"""

import csv
import functools
import pathlib
import time

import checkpoints
import jax
import jax.numpy as jnp
import numpy as np
import optax
import siamese_pairs
import train_sources
import validation
from absl import app, flags
from tqdm import tqdm

from dslt_jax import presets
from dslt_jax.app.spec import Spec
from dslt_jax.backbones import siamese
from dslt_jax.ops import losses
from dslt_jax.weights.store import load_params

FLAGS = flags.FLAGS
TRACKER = presets.siamfc()
LAYER = TRACKER.backbone.layers[0]
RADIUS = 16.0  # pixels about the target whose label is 1
HELD_OUT = 256  # samples that are only looked at
LOSSES = {
    "cross_entropy": losses.cross_entropy,
    "focal": losses.focal_cross_entropy,
    "shrinkage": losses.shrinkage_cross_entropy,
}
# Flags that decide what is learned, beside the number of steps.
DECIDE = ("data", "loss", "samples", "batch", "learning_rate", "decay", "foreign", "seed")
COLUMNS = (
    *("step", "seconds", "loss", "found", "valid_loss", "valid_found"),
    *("valid_auc", "valid_p20"),
)
PANELS = (
    ("loss", ("loss", "valid_loss"), True),
    ("peak on the target", ("found", "valid_found"), False),
    ("tracking held-out clips", ("valid_auc", "valid_p20"), False),
)


def label(boxes: jax.Array, grid: int) -> jax.Array:
    """Labels (B, T, R, R), 1 where the template's middle lies within RADIUS of a box's middle.

    Args:
      boxes: (B, T, 4) x, y, w, h in pixels of the crop; grid: R.
    """
    cells = jnp.arange(grid, dtype=jnp.float32) + TRACKER.template // 2
    pixels, middle = LAYER.pixel(cells)[None, None], boxes[..., :2] + boxes[..., 2:] / 2
    x, y = (jnp.square(pixels - middle[..., i, None]) for i in (0, 1))
    return (x[..., None, :] + y[..., :, None] <= RADIUS**2).astype(jnp.float32)


def templates(params, shallow: jax.Array, deep: jax.Array) -> jax.Array:
    """Embeddings (B, K, K, C) of template crops' middle, from the cells that it needs."""
    grid, size = shallow.shape[1], TRACKER.template
    margin = 2 + (grid - size - 4) % 4 // 2  # that interpolation reads, up to whole deep cells
    low = (grid - size) // 2 - margin
    high = grid - low
    maps = TRACKER.backbone.embed(
        params, shallow[:, low:high, low:high], deep[:, low // 2 : high // 2, low // 2 : high // 2]
    )
    inside = slice(margin, margin + size)
    return maps[:, inside, inside]


def objective(params, pairs, loss, foreign):
    """The loss of a batch, and the share of search crops whose peak is on the target.

    Args:
      params: of the head; pairs: `siamese_pairs.Pairs` of B samples; loss: (logit, label) -> loss;
      foreign: weight of templates on other samples' crops.
    """
    shallow, deep, boxes, visible = pairs
    shallow, deep = (x.astype(jnp.float32) for x in (shallow, deep))
    count, tests = boxes.shape[0], boxes.shape[1] - 1
    kernels = templates(params, shallow[:, 0], deep[:, 0])
    flat = (x[:, 1:].reshape(count * tests, *x.shape[2:]) for x in (shallow, deep))
    maps = TRACKER.backbone.embed(params, *flat)
    maps = maps.reshape(count, tests, *maps.shape[1:])
    respond = jax.vmap(functools.partial(siamese.respond, params))
    logits = respond(kernels, maps)
    truth = label(boxes[:, 1:], logits.shape[-1])
    # A target that is mostly hidden has no place to be learned.
    seen = (visible[:, 1:] > 0.4).astype(jnp.float32)
    weight = jax.vmap(jax.vmap(losses.balance))(truth)
    error = jnp.sum(loss(logits, truth) * weight, axis=(2, 3))
    nothing = respond(jnp.roll(kernels, 1, axis=0), maps[:, :1])
    other = jnp.mean(loss(nothing, jnp.zeros_like(nothing)))
    peak = jnp.argmax(logits.reshape(count, tests, -1), axis=-1)
    on = jnp.take_along_axis(truth.reshape(count, tests, -1), peak[..., None], axis=-1)[..., 0]
    total = jnp.maximum(seen.sum(), 1.0)
    return jnp.sum(error * seen) / total + foreign * other, jnp.sum(on * seen) / total


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    output = pathlib.Path(FLAGS.output)
    output.mkdir(parents=True, exist_ok=True)
    try:
        everything = train_sources.load_all(FLAGS.data)
    except ValueError as error:
        raise SystemExit(f"train_siamfc: {error}") from None
    sources, held_out = train_sources.split(everything, train_sources.HELD_OUT)
    trunk = load_params(presets.compact())
    digest = Spec("compact").describe()["weights"]
    checkpoints.begin(output, trunk=digest, **{name: FLAGS[name].value for name in DECIDE})
    pairs = siamese_pairs.make(
        pathlib.Path(FLAGS.features),
        sources,
        trunk,
        count=FLAGS.samples,
        size=TRACKER.size,
        tests=2,
        seed=0,
        of={"data": ",".join(FLAGS.data), "weights": digest},
    )
    held = min(HELD_OUT, FLAGS.samples // 4)

    length = FLAGS.schedule or FLAGS.steps
    warmup = min(100, length // 10)
    schedule = optax.warmup_cosine_decay_schedule(0.0, FLAGS.learning_rate, warmup, length)
    optimizer = optax.chain(
        optax.clip_by_global_norm(5.0),
        optax.adamw(
            schedule,
            weight_decay=FLAGS.decay,
            mask=lambda p: {k: k.endswith("/w") for k in p},
        ),
    )
    params = TRACKER.backbone.init(jax.random.key(FLAGS.seed))
    (params, state), first = checkpoints.restore(output, (params, optimizer.init(params)))
    loss = LOSSES[FLAGS.loss]

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def train_step(params, state, batch):
        score = functools.partial(objective, pairs=batch, loss=loss, foreign=FLAGS.foreign)
        values, gradient = jax.value_and_grad(score, has_aux=True)(params)
        updates, state = optimizer.update(gradient, state, params)
        return optax.apply_updates(params, updates), state, values

    @jax.jit
    def look(params, batch):
        return objective(params, batch, loss, FLAGS.foreign)

    def validate(params) -> np.ndarray:
        parts = np.array_split(np.arange(held), max(1, held // 16))
        return np.mean([jax.device_get(look(params, pairs.take(p))) for p in parts], axis=0)

    log, sums, began = output / "log.csv", [], time.time()
    validation.begin_log(log, COLUMNS, first)
    bar = tqdm(range(first, FLAGS.steps), initial=first, total=FLAGS.steps, mininterval=5)
    for step in bar:
        rng = np.random.default_rng((FLAGS.seed, step))  # the same batch after a resume
        rows = np.sort(rng.choice(np.arange(held, FLAGS.samples), FLAGS.batch, replace=False))
        params, state, values = train_step(params, state, pairs.take(rng.permutation(rows)))
        sums.append(values)
        done = step + 1
        if done % FLAGS.checkpoint_every == 0 or done == FLAGS.steps:
            row = [*np.mean(np.array(jax.device_get(sums)), axis=0), *validate(params)]
            sums = []
            last = done == FLAGS.steps and FLAGS.track and held_out.clips
            scores = ("", "")
            if last:
                scores = validation.track_clips(params | trunk, held_out.clips, TRACKER)
            with log.open("a") as file:
                numbers = [f"{v:.5g}" for v in row]
                csv.writer(file).writerow([done, round(time.time() - began), *numbers, *scores])
            bar.set_postfix(found=f"{row[1]:.3f}", valid=f"{row[3]:.3f}")
            checkpoints.save(output, (params, state), done, params)
            validation.plot(log, PANELS)


if __name__ == "__main__":
    flags.DEFINE_list("data", ["../shared/train"], "folders of images and clips")
    flags.DEFINE_enum("loss", "shrinkage", list(LOSSES), "of each place of the response")
    flags.DEFINE_string("features", "checkpoints/siamfc_pairs", "where the samples' maps are kept")
    flags.DEFINE_integer("samples", 4800, "samples that are kept there", lower_bound=8)
    flags.DEFINE_string("output", "checkpoints/siamfc", "where to write")
    flags.DEFINE_integer("steps", 600, "training steps", lower_bound=1)
    flags.DEFINE_integer("schedule", None, "steps of the rate's decay; without it --steps")
    flags.DEFINE_integer("batch", 8, "samples a step", lower_bound=2)
    flags.DEFINE_float("learning_rate", 3e-3, "peak of the cosine schedule")
    flags.DEFINE_float("decay", 1e-3, "of the weights")
    flags.DEFINE_float("foreign", 0.5, "weight of templates on other samples' crops")
    flags.DEFINE_integer("checkpoint_every", 150, "steps between checkpoints", lower_bound=1)
    flags.DEFINE_bool("track", True, "track the held-out clips in the end")
    flags.DEFINE_integer("seed", 0, "of weights and order")
    app.run(main)
