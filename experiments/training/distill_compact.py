"""The compact backbone's start: GoogLeNet's features, distilled.

    python experiments/training/distill_compact.py --data ../shared/train \
        --teacher ../shared/weights/googlenet_bvlc_to_4e_oihw.npz --output checkpoints/distilled

The student's two outputs regress the principal components of GoogLeNet's 3b and 4d, half
whitened, on random crops of still images. Checkpoints are written every --checkpoint_every
steps; the same command goes on from the last one. Writes weights.safetensors (float16), log.csv
and curves.png. The box head comes after, in `train_compact.py`.
"""

import csv
import functools
import pathlib
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import app, flags
from PIL import Image
from safetensors.numpy import load_file, save_file
from tqdm import tqdm

from dslt_jax import presets
from dslt_jax.backbones import Compact
from dslt_jax.weights.store import load_params

STUDENT = Compact()

FLAGS = flags.FLAGS
flags.DEFINE_string("data", "../shared/train", "folder with images/")
flags.DEFINE_string("teacher", None, "GoogLeNet weights")
flags.DEFINE_string("output", "checkpoints/distilled", "where to write")
flags.DEFINE_integer("steps", 4000, "training steps")
flags.DEFINE_integer("batch", 32, "crops a step")
flags.DEFINE_integer("crops", 24000, "crops with cached teacher features")
flags.DEFINE_integer("crop_size", 128, "side of a crop in pixels")
flags.DEFINE_float("learning_rate", 1e-3, "peak of the cosine schedule")
flags.DEFINE_integer("checkpoint_every", 500, "steps between checkpoints")
flags.DEFINE_integer("seed", 0, "of crops, weights and order")


def random_crops(folder: pathlib.Path, count: int, size: int, seed: int) -> np.ndarray:
    """Returns (count, size, size, 3) uint8 crops, images in turn, scale and place at random."""
    paths = sorted((folder / "images").glob("*.jpg"))
    if not paths:
        raise SystemExit(f"there are no .jpg files in {folder / 'images'}")
    rng = np.random.default_rng(seed)
    crops = np.empty((count, size, size, 3), np.uint8)
    order = np.concatenate([rng.permutation(len(paths)) for _ in range(-(-count // len(paths)))])
    for i, index in enumerate(tqdm(order[:count], desc="crops")):
        image = Image.open(paths[index]).convert("RGB")
        side = min(image.size) * rng.uniform(0.5, 1.0)
        left = rng.uniform(0, image.size[0] - side)
        top = rng.uniform(0, image.size[1] - side)
        box = (left, top, left + side, top + side)
        image = image.resize((size, size), Image.Resampling.BILINEAR, box=box)
        if rng.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        crops[i] = np.asarray(image)
    return crops


def components(features: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean (D,) and half-whitened principal basis (D, count) of feature rows (N, D)."""
    mean = features.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(features - mean, rowvar=False))
    values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
    return mean, vectors * values**-0.25 / np.sqrt(np.mean(values**0.5))


def teacher_targets(crops: np.ndarray, teacher: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the components of GoogLeNet's 3b and 4d on every crop, float16."""
    tracker = presets.googlenet()
    params = load_params(tracker, teacher)
    extract = jax.jit(lambda x: tracker.backbone.apply(params, x.astype(jnp.float32)))
    sample = [np.asarray(f) for f in extract(crops[:: max(1, len(crops) // 256)][:256])]
    bases = [
        components(f.reshape(-1, f.shape[-1]), layer.channels)
        for f, layer in zip(sample, STUDENT.layers, strict=True)
    ]
    project = jax.jit(lambda x: [(f - m) @ b for f, (m, b) in zip(extract(x), bases, strict=True)])
    targets: tuple[list, list] = ([], [])
    for start in tqdm(range(0, len(crops), 32), desc="teacher"):
        for store, value in zip(targets, project(crops[start : start + 32]), strict=True):
            store.append(np.asarray(value, np.float16))
    return np.concatenate(targets[0]), np.concatenate(targets[1])


def distill_loss(params, image, shallow, deep):
    """Mean squared error of both outputs against the teacher's components."""
    s, d = STUDENT.apply(params, image.astype(jnp.float32))
    losses = jnp.mean(jnp.square(s - shallow)), jnp.mean(jnp.square(d - deep))
    return sum(losses), losses


def plot(log: pathlib.Path) -> None:
    """Draws log.csv beside itself as curves.png; without matplotlib the CSV has to do."""
    try:
        from matplotlib import pyplot
    except ImportError:
        print("no curves.png: pip install 'dslt-jax[report]'")
        return
    table = np.genfromtxt(log, delimiter=",", names=True)
    figure, axes = pyplot.subplots(figsize=(7, 4))
    for layer, color in (("shallow", "tab:blue"), ("deep", "tab:orange")):
        axes.plot(table["step"], table[f"train_{layer}"], color=color, alpha=0.4)
        axes.plot(table["step"], table[f"valid_{layer}"], color=color, label=layer)
    axes.set(xlabel="step", ylabel="mean squared error", title="held-out crops; pale: training")
    axes.legend()
    figure.savefig(log.with_name("curves.png"), dpi=120, bbox_inches="tight")
    pyplot.close(figure)


def main(argv: list[str]) -> None:
    del argv
    output = pathlib.Path(FLAGS.output)
    output.mkdir(parents=True, exist_ok=True)
    crops = random_crops(pathlib.Path(FLAGS.data), FLAGS.crops, FLAGS.crop_size, FLAGS.seed)
    shallow, deep = teacher_targets(crops, FLAGS.teacher)
    held_out = slice(0, min(256, len(crops) // 10))

    warmup = min(100, FLAGS.steps // 10)
    schedule = optax.warmup_cosine_decay_schedule(0.0, FLAGS.learning_rate, warmup, FLAGS.steps)
    optimizer = optax.chain(
        optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=1e-4)
    )
    params = STUDENT.init(jax.random.key(FLAGS.seed))
    state, first = optimizer.init(params), 0
    checkpoint = output / "checkpoint.safetensors"
    if checkpoint.exists():
        leaves = load_file(checkpoint)
        first = int(leaves.pop("step"))
        tree = jax.tree.structure((params, state))
        params, state = jax.tree.unflatten(
            tree, [jnp.asarray(leaves[f"{i:04d}"]) for i in range(tree.num_leaves)]
        )
        print(f"going on from step {first}")

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def train_step(params, state, *batch):
        (_, losses), gradient = jax.value_and_grad(distill_loss, has_aux=True)(params, *batch)
        updates, state = optimizer.update(gradient, state, params)
        return optax.apply_updates(params, updates), state, losses

    evaluate = jax.jit(distill_loss)
    log = output / "log.csv"
    if first == 0:
        log.write_text("step,seconds,train_shallow,train_deep,valid_shallow,valid_deep\n")
    start, sums = time.time(), []
    progress = tqdm(range(first, FLAGS.steps), initial=first, total=FLAGS.steps, desc="train")
    for step in progress:
        rng = np.random.default_rng((FLAGS.seed, step))  # the same batch after a resume
        rows = np.sort(rng.integers(held_out.stop, len(crops), FLAGS.batch))
        params, state, losses = train_step(params, state, crops[rows], shallow[rows], deep[rows])
        sums.append(losses)
        if (step + 1) % 100 == 0 or step + 1 == FLAGS.steps:
            _, valid = evaluate(params, crops[held_out], shallow[held_out], deep[held_out])
            row = [*np.mean(np.array(sums), axis=0), *map(float, valid)]
            sums = []
            with log.open("a") as file:
                csv.writer(file).writerow(
                    [step + 1, round(time.time() - start), *[f"{v:.5f}" for v in row]]
                )
            progress.set_postfix(valid=f"{row[2]:.4f} {row[3]:.4f}")
        if (step + 1) % FLAGS.checkpoint_every == 0 or step + 1 == FLAGS.steps:
            leaves = {
                f"{i:04d}": np.asarray(x) for i, x in enumerate(jax.tree.leaves((params, state)))
            }
            save_file(leaves | {"step": np.array(step + 1)}, output / "checkpoint.tmp")
            (output / "checkpoint.tmp").rename(checkpoint)
            half = {
                k: np.asarray(v, np.float16) for k, v in params.items() if not k.startswith("box/")
            }
            save_file(half, output / "weights.safetensors")
            plot(log)


if __name__ == "__main__":
    app.run(main)
