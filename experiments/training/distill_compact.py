"""The compact backbone's start: larger networks' features, distilled.

    python experiments/training/distill_compact.py --data ../shared/train \
        --teachers googlenet=../shared/weights/googlenet_bvlc_to_4e_oihw.npz \
        --output checkpoints/distilled

The student's two outputs regress the components (`teachers.py`) of its teachers' layers, on crops
that are cut anew in every step (`crop_bank.py`). It sees them under another light, blurred, grey or
noisy (`distort.py`), its teachers see them clean; and it sees them --shift pixels further to the
right and below, as its own cells look that much nearer to the corner than the teachers' do. Batch
normalisation while it learns (`student.py`), AdamW with warm-up and cosine decay; what is written
is an exponential average of the weights, the normalisation folded in. Writes weights.safetensors
(float16), log.csv and curves.png; checkpoints every --checkpoint_every steps, and the same command
goes on from the last one. On a machine that is lent by the minute, --seconds takes the place of
--steps. The box head comes after, in `train_compact.py`.
"""

import csv
import functools
import math
import pathlib
import time
from typing import NamedTuple

import crop_bank
import jax
import jax.numpy as jnp
import numpy as np
import optax
import student
import teachers
import train_sources
from absl import app, flags
from checkpoints import begin, restore, save
from distort import distort
from tqdm import tqdm

from dslt_jax.backbones import Compact

FLAGS = flags.FLAGS

# Flags that decide what is learned.
DECIDE = ("data", "teachers", "widths", "batch", "crop_size", "shift", "learning_rate")
DECIDE += ("average", "dtype", "seed")
COLUMNS = "step,seconds,train_shallow,train_deep,valid_shallow,valid_deep"
HELD_OUT = 256  # pictures that are only looked at
BASIS_CROPS = 512  # of them the components are found
WARMUP = 0.03  # share of the training in which the rate rises
SYNC = 20  # steps that may wait in the device's queue


def losses(maps, targets) -> tuple[jax.Array, jax.Array]:
    """Mean squared error of both outputs against the teachers' components, whose variance is 1.

    The cells along the border, where a teacher saw more padding than picture, count for nothing.
    """
    shallow, deep = (
        jnp.mean(jnp.square(x - y)[:, 1:-1, 1:-1]) for x, y in zip(maps, targets, strict=True)
    )
    return shallow, deep


def rate(share: float) -> float:
    """The learning rate after a share of the training, of its peak: a rise, then half a cosine."""
    if share < WARMUP:
        return share / WARMUP
    return 0.5 * (1 + math.cos(math.pi * (share - WARMUP) / (1 - WARMUP)))


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
    axes.set(xlabel="step", ylabel="mean squared error", title="held-out pictures; pale: training")
    axes.legend()
    figure.savefig(log.with_name("curves.png"), dpi=120, bbox_inches="tight")
    pyplot.close(figure)


class Given(NamedTuple):
    """What a step needs and does not change."""

    bank: crop_bank.Bank
    params: teachers.Params
    bases: list[teachers.Basis]


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    output, dtype = pathlib.Path(FLAGS.output), jnp.dtype(FLAGS.dtype)
    size, shift, key = FLAGS.crop_size, FLAGS.shift, jax.random.key(FLAGS.seed)
    try:
        everything = train_sources.load_all(FLAGS.data)
    except ValueError as error:
        raise SystemExit(f"distill_compact: {error}") from None
    taught = teachers.load(dict(pair.partition("=")[::2] for pair in FLAGS.teachers), dtype)
    output.mkdir(parents=True, exist_ok=True)
    begin(output, **{name: FLAGS[name].value for name in DECIDE})
    paths = crop_bank.paths(train_sources.split(everything, train_sources.HELD_OUT)[0])
    order = np.random.default_rng(FLAGS.seed).permutation(len(paths))
    bank = crop_bank.load([paths[i] for i in order])
    held_out = min(HELD_OUT, len(paths) // 10)

    @jax.jit
    def draw(bank, key):
        """Crops to learn from, as large as student and teachers need them together."""
        at, cut = jax.random.split(key)
        rows = jax.random.randint(at, (FLAGS.batch,), held_out, len(paths))
        return crop_bank.draw(bank, cut, rows, size + shift)

    def targets(given, crops):
        maps = taught.maps(given.params, crops[:, :size, :size])
        return teachers.project(given.bases, maps)

    first_keys = jax.random.split(jax.random.fold_in(key, 2**31), BASIS_CROPS // FLAGS.batch + 1)
    bases = teachers.bases_of(taught, [draw(bank, k)[:, :size, :size] for k in first_keys])
    given = Given(bank, taught.params, bases)

    network = Compact(widths=tuple(int(w) for w in FLAGS.widths))
    optimizer = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.scale_by_adam(),
        optax.add_decayed_weights(0.02, mask=lambda p: {k: k[-2:] == "/w" for k in p}),
    )
    params, moments = student.init(network, key)
    tree = params, moments, jax.tree.map(jnp.array, params), optimizer.init(params)
    tree, first = restore(output, tree)

    @functools.partial(jax.jit, donate_argnums=0)
    def train_step(tree, given, step, rate):
        params, moments, average, state = tree
        crop_key, light_key = jax.random.split(jax.random.fold_in(key, step))
        crops = draw(given.bank, crop_key)
        wanted = targets(given, crops)
        image = distort(light_key, crops[:, shift:, shift:])

        def score(params):
            maps, seen = student.apply(network, params, image, dtype)
            both = losses(maps, wanted)
            return sum(both), (both, seen)

        (_, (both, seen)), gradient = jax.value_and_grad(score, has_aux=True)(params)
        updates, state = optimizer.update(gradient, state, params)
        params = jax.tree.map(lambda p, u: p - rate * u, params, updates)
        decay = jnp.minimum(FLAGS.average, (1.0 + step) / (10.0 + step))
        average = jax.tree.map(lambda a, b: decay * a + (1 - decay) * b, average, params)
        return (params, student.follow(moments, seen), average, state), both

    @jax.jit
    def evaluate(folded, given, rows):
        crops = crop_bank.draw(given.bank, jax.random.fold_in(key, rows[0]), rows, size + shift)
        maps = network.apply(folded, crops[:, shift:, shift:])
        return jnp.stack(losses(maps, targets(given, crops)))

    def validate(folded) -> np.ndarray:
        parts = np.split(np.arange(held_out), range(FLAGS.batch, held_out, FLAGS.batch))
        found = [evaluate(folded, given, rows) for rows in parts]
        return np.average(jax.device_get(found), axis=0, weights=[len(rows) for rows in parts])

    log = output / "log.csv"
    if first == 0:
        log.write_text(COLUMNS + "\n")
    jax.block_until_ready(train_step(jax.tree.map(jnp.array, tree), given, 0, 0.0))  # compiled
    start, sums, step, share = time.time(), [], first, first / FLAGS.steps
    with tqdm(initial=first, total=None if FLAGS.seconds else FLAGS.steps, mininterval=5) as bar:
        while share < 1:
            tree, both = train_step(tree, given, step, FLAGS.learning_rate * rate(share))
            sums.append(both)
            step += 1
            bar.update()
            if step % SYNC == 0:  # the clock below counts what is done, not what waits
                jax.block_until_ready(both)
            passed = (time.time() - start) / FLAGS.seconds if FLAGS.seconds else 0.0
            share = passed or step / FLAGS.steps
            if step % FLAGS.checkpoint_every == 0 or share >= 1:
                folded = student.fold(network, tree[2], tree[1])
                row = [*np.mean(np.array(jax.device_get(sums)), axis=0), *validate(folded)]
                sums = []
                with log.open("a") as file:
                    values = [f"{v:.5f}" for v in row]
                    csv.writer(file).writerow([step, round(time.time() - start), *values])
                bar.set_postfix(valid=f"{row[2]:.4f} {row[3]:.4f}")
                save(output, tree, step, folded)
    plot(log)


if __name__ == "__main__":
    flags.DEFINE_list("data", ["../shared/train"], "folders of images and clips")
    flags.DEFINE_list("teachers", [], "NAME=WEIGHTS of googlenet, vgg16 or both")
    flags.DEFINE_string("output", "checkpoints/distilled", "where to write")
    flags.DEFINE_list("widths", [str(w) for w in Compact().widths], "channels of the four stages")
    flags.DEFINE_integer("steps", 20000, "training steps", lower_bound=1)
    flags.DEFINE_float("seconds", None, "learn for so long instead, compiling apart")
    flags.DEFINE_integer("batch", 32, "crops a step", lower_bound=2)
    flags.DEFINE_integer("crop_size", 160, "side of a crop in pixels, a multiple of 16")
    flags.DEFINE_integer("shift", 8, "pixels that the student's crop begins after the teachers'")
    flags.DEFINE_float("learning_rate", 2e-3, "peak of the cosine schedule")
    flags.DEFINE_float("average", 0.998, "decay of the exponential average of the weights")
    flags.DEFINE_enum("dtype", "float32", ["float32", "bfloat16"], "of the convolutions")
    flags.DEFINE_integer("checkpoint_every", 500, "steps between checkpoints", lower_bound=1)
    flags.DEFINE_integer("seed", 0, "of weights, crops and distortions")
    app.run(main)
