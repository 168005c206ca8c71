"""The compact backbone's start: larger networks' features, distilled.

    python experiments/training/distill_compact.py --features checkpoints/features \
        --output checkpoints/distilled

The student's two outputs regress the components that `teacher_features.py` keeps of its teachers'
layers. It sees the crops under another light, blurred, grey or noisy (`distort.py`); its teachers
saw them clean. Batch normalisation while it learns (`student.py`), AdamW with warm-up and cosine
decay; what is written is an exponential average of the weights, the normalisation folded in.
Checkpoints every --checkpoint_every steps; the same command goes on from the last one. Writes
weights.safetensors (float16), log.csv and curves.png. The box head comes after, in
`train_compact.py`.
"""

import csv
import functools
import pathlib
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
import student
import teacher_features
from absl import app, flags
from checkpoints import restore, save
from distort import distort
from tqdm import tqdm

from dslt_jax.backbones import Compact

FLAGS = flags.FLAGS
flags.DEFINE_string("features", "checkpoints/features", "folder of teacher_features.py")
flags.DEFINE_string("output", "checkpoints/distilled", "where to write")
flags.DEFINE_list("widths", [str(w) for w in Compact().widths], "channels of the four stages")
flags.DEFINE_integer("steps", 20000, "training steps", lower_bound=1)
flags.DEFINE_integer("batch", 32, "crops a step", lower_bound=2)
flags.DEFINE_float("learning_rate", 2e-3, "peak of the cosine schedule")
flags.DEFINE_float("average", 0.998, "decay of the exponential average of the weights")
flags.DEFINE_integer("checkpoint_every", 500, "steps between checkpoints", lower_bound=1)
flags.DEFINE_integer("seed", 0, "of weights, order and distortions")

COLUMNS = "step,seconds,train_shallow,train_deep,valid_shallow,valid_deep"
HELD_OUT = 256  # crops that are only looked at


def losses(maps, shallow, deep) -> tuple[jax.Array, jax.Array]:
    """Mean squared error of both outputs against the teachers' components, whose variance is 1.

    The cells along the border, where a teacher saw more padding than picture, count for nothing.
    """

    def error(x, y):
        return jnp.mean(jnp.square(x - y.astype(jnp.float32))[:, 1:-1, 1:-1])

    return error(maps[0], shallow), error(maps[1], deep)


def plot(log: pathlib.Path) -> None:
    """Draws log.csv beside itself as curves.png; without matplotlib the CSV has to do."""
    try:
        import matplotlib
    except ImportError:
        print("no curves.png: pip install 'dslt-jax[report]'")
        return
    matplotlib.use("agg")
    from matplotlib import pyplot

    table = np.atleast_1d(np.genfromtxt(log, delimiter=",", names=True))
    figure, axes = pyplot.subplots(figsize=(7, 4))
    for layer, color in (("shallow", "tab:blue"), ("deep", "tab:orange")):
        axes.plot(table["step"], table[f"train_{layer}"], color=color, alpha=0.4)
        axes.plot(table["step"], table[f"valid_{layer}"], color=color, label=layer)
    axes.set(xlabel="step", ylabel="mean squared error", title="held-out crops; pale: training")
    axes.legend()
    figure.savefig(log.with_name("curves.png"), dpi=120, bbox_inches="tight")
    pyplot.close(figure)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    output = pathlib.Path(FLAGS.output)
    output.mkdir(parents=True, exist_ok=True)
    features = teacher_features.load(pathlib.Path(FLAGS.features))
    held_out = min(HELD_OUT, len(features.crops) // 10)
    network = Compact(widths=tuple(int(w) for w in FLAGS.widths))

    warmup = min(500, FLAGS.steps // 10)
    schedule = optax.warmup_cosine_decay_schedule(0.0, FLAGS.learning_rate, warmup, FLAGS.steps)
    optimizer = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.adamw(schedule, weight_decay=0.02, mask=lambda p: {k: k[-2:] == "/w" for k in p}),
    )
    params, moments = student.init(network, jax.random.key(FLAGS.seed))
    tree = params, moments, jax.tree.map(jnp.array, params), optimizer.init(params)
    tree, first = restore(output, tree)

    @functools.partial(jax.jit, donate_argnums=0)
    def train_step(tree, step, crops, shallow, deep):
        params, moments, average, state = tree
        key = jax.random.fold_in(jax.random.key(FLAGS.seed), step)
        image = distort(key, crops.astype(jnp.float32))

        def score(params):
            maps, seen = student.apply(network, params, image)
            both = losses(maps, shallow, deep)
            return sum(both), (both, seen)

        (_, (both, seen)), gradient = jax.value_and_grad(score, has_aux=True)(params)
        updates, state = optimizer.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
        decay = jnp.minimum(FLAGS.average, (1.0 + step) / (10.0 + step))
        average = jax.tree.map(lambda a, b: decay * a + (1 - decay) * b, average, params)
        return (params, student.follow(moments, seen), average, state), both

    @jax.jit
    def evaluate(folded, crops, shallow, deep):
        return jnp.stack(losses(network.apply(folded, crops.astype(jnp.float32)), shallow, deep))

    def validate(folded) -> np.ndarray:
        parts = [slice(i, i + FLAGS.batch) for i in range(0, held_out, FLAGS.batch)]
        found = [evaluate(folded, *(np.asarray(x[p]) for x in features)) for p in parts]
        return np.mean(jax.device_get(found), axis=0)

    log = output / "log.csv"
    if first == 0:
        log.write_text(COLUMNS + "\n")
    start, sums = time.time(), []
    progress = tqdm(range(first, FLAGS.steps), initial=first, total=FLAGS.steps, mininterval=5)
    for step in progress:
        rng = np.random.default_rng((FLAGS.seed, step))  # the same batch after a resume
        rows = np.sort(rng.integers(held_out, len(features.crops), FLAGS.batch))
        tree, both = train_step(tree, step, *(np.asarray(x[rows]) for x in features))
        sums.append(both)
        done = step + 1
        if done % FLAGS.checkpoint_every == 0 or done == FLAGS.steps:
            folded = student.fold(network, tree[2], tree[1])
            valid = validate(folded)
            row = [*np.mean(np.array(jax.device_get(sums)), axis=0), *valid]
            sums = []
            with log.open("a") as file:
                values = [f"{v:.5f}" for v in row]
                csv.writer(file).writerow([done, round(time.time() - start), *values])
            progress.set_postfix(valid=f"{valid[0]:.4f} {valid[1]:.4f}")
            save(output, tree, done, folded)
            plot(log)


if __name__ == "__main__":
    app.run(main)
