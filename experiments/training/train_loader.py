"""Batches of training samples, made by other processes while the network learns.

Sample n of a seed is always the same, whoever makes it, so that training which goes on from a
checkpoint sees what it would have seen. To look at them, and to make them ahead, or beside a
training that is faster than its samples (`sample_store.py`):

    python experiments/training/train_loader.py --data ../shared/train --sheet samples.png
    python experiments/training/train_loader.py --data ../shared/train --store checkpoints/samples \
        --count 6000 --workers 14

The second goes on where it was stopped. `train_compact.py --samples checkpoints/samples` learns
from them, given the same --data, --seed, --batch, --tests, and --size as its --crop_size. A sample
takes a core about 20 ms.
"""

import collections
import functools
import itertools
import multiprocessing
import pathlib
from collections.abc import Iterator

import numpy as np
import sample_store
import train_samples
import train_sources
from absl import app, flags
from PIL import Image, ImageDraw
from tqdm import tqdm

from dslt_jax.media.images import ImageError

_SOURCES: train_sources.Sources | None = None  # of this process


def sample(sources: train_sources.Sources, seed: int, index: int, **shape) -> train_samples.Sample:
    """Sample `index` of a seed; one with an unreadable image is reported and drawn again."""
    for attempt in range(100):
        rng = np.random.default_rng((seed, index, attempt))
        try:
            return train_samples.make_sample(sources, rng, **shape)
        except ImageError as error:
            print(f"left out: {error}", flush=True)
    raise ValueError(f"sample {index}: a hundred images in a row cannot be read")


def batches(
    sources: train_sources.Sources, *, seed: int, start: int, batch: int, workers: int, **shape
) -> Iterator[train_samples.Sample]:
    """Yields batches from number `start` on, for ever; close it to stop its processes.

    Args:
      workers: processes; 0 makes the samples here.
      shape: size, the side of a crop in pixels, and tests, the number of search crops.
    """
    numbers = (_number(i, seed, batch, shape) for i in itertools.count(start))
    if not workers:
        _begin(sources)
        yield from map(_make, numbers)
        return
    with _pool(workers, sources) as pool:
        waiting = collections.deque(pool.apply_async(_make, (n,)) for n in _take(numbers, workers))
        while True:
            waiting.append(pool.apply_async(_make, (next(numbers),)))
            yield waiting.popleft().get()


def store(
    folder: pathlib.Path,
    sources: train_sources.Sources,
    *,
    count: int,
    seed: int,
    batch: int,
    workers: int,
    **shape,
) -> None:
    """Keeps the first `count` of those batches in a folder; those that it has stay.

    Raises:
      SystemExit: the folder was begun with other arguments.
    """
    asked = {"seed": seed, "batch": batch, **shape, "data": train_sources.digest(sources)}
    sample_store.begin(folder, count, **asked)
    missing = [i for i in range(count) if not sample_store.path(folder, i).exists()]
    tasks = [(folder, i, _number(i, seed, batch, shape)) for i in missing]
    progress = functools.partial(tqdm, total=len(tasks), desc="batches", mininterval=5)
    if not workers:
        _begin(sources)
        collections.deque(progress(map(_keep, tasks)), maxlen=0)
        return
    with _pool(workers, sources) as pool:
        collections.deque(progress(pool.imap_unordered(_keep, tasks)), maxlen=0)


def _number(index: int, seed: int, batch: int, shape: dict[str, int]):
    """What a process is told to make batch `index`."""
    return seed, range(index * batch, (index + 1) * batch), shape


def _pool(workers: int, sources: train_sources.Sources):
    # Spawned: a forked child of a process that runs JAX may hang.
    return multiprocessing.get_context("spawn").Pool(workers, _begin, (sources,))


def _take(numbers, workers: int):
    return itertools.islice(numbers, 3 * workers)


def _begin(sources: train_sources.Sources) -> None:
    global _SOURCES
    _SOURCES = sources


def _make(number) -> train_samples.Sample:
    seed, indices, shape = number
    assert _SOURCES is not None
    made = [sample(_SOURCES, seed, index, **shape) for index in indices]
    return train_samples.Sample(*map(np.stack, zip(*made, strict=True)))


def _keep(task) -> None:
    folder, index, number = task
    sample_store.write(folder, index, _make(number))


def sheet(batch: train_samples.Sample) -> Image.Image:
    """A row for every sample of the batch, the template first, boxes drawn."""
    rows, columns, size = batch.patches.shape[:3]
    picture = Image.new("RGB", (columns * size, rows * size))
    for row, column in np.ndindex(rows, columns):
        patch = Image.fromarray(batch.patches[row, column])
        x, y, w, h = batch.boxes[row, column]
        draw = ImageDraw.Draw(patch)
        draw.rectangle((x, y, x + w, y + h), outline="lime" if column else "yellow")
        draw.text((3, 3), f"{batch.visible[row, column]:.2f}", fill="white")
        picture.paste(patch, (column * size, row * size))
    return picture


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    try:
        sources = train_sources.load_all(flags.FLAGS.data)
    except ValueError as error:
        raise SystemExit(f"train_loader: {error}") from None
    train, _ = train_sources.split(sources, train_sources.HELD_OUT)
    if flags.FLAGS.store:
        names = ("count", "seed", "batch", "workers", "size", "tests")
        store(pathlib.Path(flags.FLAGS.store), train, **{n: flags.FLAGS[n].value for n in names})
        return
    made = batches(train, seed=flags.FLAGS.seed, start=0, batch=8, workers=0, size=192, tests=4)
    sheet(next(made)).save(flags.FLAGS.sheet)
    print(f"{flags.FLAGS.sheet}: 8 samples of {len(train.stills)} stills, {len(train.clips)} clips")


if __name__ == "__main__":
    flags.DEFINE_list("data", ["../shared/train"], "folders of images and clips")
    flags.DEFINE_string("sheet", "samples.png", "where the picture goes")
    flags.DEFINE_string("store", None, "folder that batches are kept in, instead of the picture")
    flags.DEFINE_integer("count", 6000, "batches to keep", lower_bound=1)
    flags.DEFINE_integer("batch", 8, "samples of a batch", lower_bound=1)
    flags.DEFINE_integer("size", 192, "side of a crop in pixels")
    flags.DEFINE_integer("tests", 2, "search crops of a sample", lower_bound=1)
    flags.DEFINE_integer("workers", 1, "processes that make batches", lower_bound=0)
    flags.DEFINE_integer("seed", 0, "of the samples")
    app.run(main)
