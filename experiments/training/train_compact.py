"""Trains an embedded network for tracking, end to end or in part.

    python experiments/training/train_compact.py --data ../shared/train \
        --init checkpoints/distilled/weights.safetensors
    python experiments/training/train_compact.py --data ../shared/train \
        --steps 40 --validate_every 20

Starts from the distilled network (`distill_compact.py`) and learns from pairs: a template and
search crops of the same target, cut from stills with strong synthetic motion and from clips
(`train_sources.py`, `train_samples.py`); what is asked of the network is in `objective.py`. Every
--validate_every steps the tracker runs over clips that are kept out of training. --data takes
several folders: ours, COCO, GOT-10k, LaSOT, or any folder of images.

Leaves in --output: weights.safetensors (float16), checkpoint.safetensors, log.csv, curves.png. The
same command goes on from the last checkpoint, with the same samples as if it had not stopped. On
two CPU cores a step of 8 samples takes about a second; a GPU is used if there is one, and waits for
samples less where --samples has them from a folder that `train_loader.py --store` fills.
"""

import csv
import functools
import pathlib
import time
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import objective
import optax
import sample_store
import train_loader
import train_samples
import train_sources
import validation
from absl import app, flags
from checkpoints import restore, save
from safetensors import SafetensorError
from safetensors.numpy import load_file
from tqdm import tqdm

from dslt_jax import presets

FLAGS = flags.FLAGS
flags.DEFINE_list("data", ["../shared/train"], "folders of images and clips")
flags.DEFINE_string("init", None, "weights to start from; without them a random network")
flags.DEFINE_enum("preset", "compact", ["compact", "fast"], "whose network is trained")
flags.DEFINE_string("output", "checkpoints/compact", "where to write")
flags.DEFINE_integer("steps", 6000, "training steps", lower_bound=1)
flags.DEFINE_integer("schedule", None, "steps of the rate's decay; without it --steps")
flags.DEFINE_integer("batch", 8, "samples a step", lower_bound=2)
flags.DEFINE_integer("tests", 2, "search crops of a sample", lower_bound=1)
flags.DEFINE_integer("crop_size", 192, "side of a crop in pixels")
flags.DEFINE_float("learning_rate", 2e-4, "of the backbone, peak of the cosine schedule")
flags.DEFINE_float("head_rate", 5.0, "the box head's rate over the backbone's")
flags.DEFINE_list("frozen", ["stage1", "stage2"], "stages that keep their weights")
flags.DEFINE_integer("workers", 1, "processes that make samples")
flags.DEFINE_string("samples", None, "folder of samples made ahead; without it they are made here")
flags.DEFINE_integer("checkpoint_every", 200, "steps between checkpoints", lower_bound=1)
flags.DEFINE_integer("validate_every", 1000, "steps between validations; 0: never")
flags.DEFINE_integer("seed", 0, "of samples, boxes and new weights")

COLUMNS = ("step", "seconds", "loss", *objective.Terms._fields, "valid_auc", "valid_p20")


def make_optimizer(params) -> optax.GradientTransformation:
    """AdamW with warm-up and cosine decay; frozen stages stay, the box head learns faster."""
    length = FLAGS.schedule or FLAGS.steps
    warmup = min(200, length // 10)

    def adam(factor: float):
        peak = factor * FLAGS.learning_rate
        schedule = optax.warmup_cosine_decay_schedule(0.0, peak, warmup, length, peak / 50)
        return optax.adamw(schedule, weight_decay=1e-4)

    def label(name: str) -> str:
        if is_frozen(name):
            return "frozen"
        return "head" if name.startswith("box/") else "backbone"

    groups = {"backbone": adam(1.0), "head": adam(FLAGS.head_rate), "frozen": optax.set_to_zero()}
    return optax.chain(
        optax.masked(optax.clip_by_global_norm(5.0), {k: label(k) != "frozen" for k in params}),
        optax.multi_transform(groups, {name: label(name) for name in params}),
    )


def is_frozen(name: str) -> bool:
    """Whether these weights stay as they are given."""
    return name.split("/")[0] in FLAGS.frozen


def initial_params() -> dict[str, jax.Array]:
    """Random weights, over them those of --init as far as they go."""
    network = presets.by_name(FLAGS.preset).backbone
    params = network.init(jax.random.key(FLAGS.seed))
    params["box/out/w"] *= 0.0  # it begins by leaving every box as it is
    if not FLAGS.init:
        return params
    try:
        given = load_file(FLAGS.init)
    except (OSError, SafetensorError) as error:
        raise SystemExit(f"train_compact: --init {FLAGS.init}: {error}") from None
    wrong = [k for k, v in given.items() if k not in params or v.shape != params[k].shape]
    if wrong:
        raise SystemExit(f"train_compact: {FLAGS.init} has no weights of this network: {wrong[0]}")
    return params | {k: jnp.asarray(v, jnp.float32) for k, v in given.items()}


def samples(sources: train_sources.Sources, start: int) -> Iterator[train_samples.Sample]:
    """Batches from number `start` on: those kept in --samples, or the same made here."""
    asked = {
        "seed": FLAGS.seed,
        "batch": FLAGS.batch,
        "size": FLAGS.crop_size,
        "tests": FLAGS.tests,
    }
    if not FLAGS.samples:
        return train_loader.batches(sources, start=start, workers=FLAGS.workers, **asked)
    data = train_sources.digest(sources)
    return sample_store.batches(pathlib.Path(FLAGS.samples), start=start, data=data, **asked)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    output = pathlib.Path(FLAGS.output)
    output.mkdir(parents=True, exist_ok=True)
    try:
        everything = train_sources.load_all(FLAGS.data)
    except ValueError as error:  # DatasetError too
        raise SystemExit(f"train_compact: {error}") from None
    sources, held_out = train_sources.split(everything, train_sources.HELD_OUT)
    print(
        f"{len(sources.stills)} stills, {len(sources.clips)} clips; {len(held_out.clips)} held out"
    )

    begin = initial_params()
    optimizer = make_optimizer(begin)
    tree = begin, jax.tree.map(jnp.array, begin), optimizer.init(begin)  # params are donated
    (start, params, state), first = restore(output, tree)
    tracker = presets.by_name(FLAGS.preset)
    learns = any(not is_frozen(name) for name in begin if not name.startswith("box/"))
    weighting = objective.Weights(response=1.0 if learns else 0.0)

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def train_step(params, state, start, batch, step):
        key = jax.random.fold_in(jax.random.key(FLAGS.seed), step)

        def score(params):
            # Stopped, no time goes into gradients of stages that stay.
            params = {k: jax.lax.stop_gradient(v) if is_frozen(k) else v for k, v in params.items()}
            return objective.objective(tracker, params, start, batch, key, weighting)

        (loss, terms), gradient = jax.value_and_grad(score, has_aux=True)(params)
        updates, new = optimizer.update(gradient, state, params)
        good = jnp.isfinite(optax.global_norm(updates))
        keep = functools.partial(jax.tree.map, lambda a, b: jnp.where(good, a, b))
        return keep(optax.apply_updates(params, updates), params), keep(new, state), loss, terms

    batches = samples(sources, first)
    log, sums, began = output / "log.csv", [], time.time()
    validation.begin_log(log, COLUMNS, first)
    steps = range(first, FLAGS.steps)
    bar = tqdm(steps, initial=first, total=FLAGS.steps, desc="train", mininterval=5)
    for step, batch in zip(bar, batches, strict=False):
        arrays = batch.patches, batch.boxes, batch.visible
        params, state, loss, terms = train_step(params, state, start, arrays, step)
        sums.append((loss, *terms))
        done = step + 1
        validate = bool(FLAGS.validate_every and held_out.clips) and (
            done % FLAGS.validate_every == 0 or done == FLAGS.steps
        )
        if done % 50 == 0 or done == FLAGS.steps or validate:
            row = np.mean(np.array(jax.device_get(sums)), axis=0)
            sums = []
            scores = ("", "")
            if validate:
                scores = validation.track_clips(params, held_out.clips, tracker)
            with log.open("a") as file:
                values = [f"{v:.5g}" for v in row]
                csv.writer(file).writerow([done, round(time.time() - began), *values, *scores])
            bar.set_postfix(loss=f"{row[0]:.3f}", iou=f"{row[5]:.3f}")
        if done % FLAGS.checkpoint_every == 0 or done == FLAGS.steps:
            save(output, (start, params, state), done, params)
            validation.plot(log)
    batches.close()


if __name__ == "__main__":
    app.run(main)
