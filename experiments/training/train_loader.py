"""Batches of training samples, made by other processes while the network learns.

Sample n of a seed is always the same, whoever makes it, so that training which goes on from a
checkpoint sees what it would have seen. To look at them:

    python experiments/training/train_loader.py --data ../shared/train --sheet samples.png
"""

import collections
import itertools
import multiprocessing
from collections.abc import Iterator

import numpy as np
import train_samples
import train_sources
from absl import app, flags
from PIL import Image, ImageDraw

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
    numbers = ((seed, range(i * batch, (i + 1) * batch), shape) for i in itertools.count(start))
    if not workers:
        _begin(sources)
        yield from map(_make, numbers)
        return
    # Spawned: a forked child of a process that runs JAX may hang.
    with multiprocessing.get_context("spawn").Pool(workers, _begin, (sources,)) as pool:
        waiting = collections.deque(pool.apply_async(_make, (n,)) for n in _take(numbers, workers))
        while True:
            waiting.append(pool.apply_async(_make, (next(numbers),)))
            yield waiting.popleft().get()


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
    made = batches(train, seed=flags.FLAGS.seed, start=0, batch=8, workers=0, size=192, tests=4)
    sheet(next(made)).save(flags.FLAGS.sheet)
    print(f"{flags.FLAGS.sheet}: 8 samples of {len(train.stills)} stills, {len(train.clips)} clips")


if __name__ == "__main__":
    flags.DEFINE_list("data", ["../shared/train"], "folders of images and clips")
    flags.DEFINE_string("sheet", "samples.png", "where the picture goes")
    flags.DEFINE_integer("seed", 0, "of the samples")
    app.run(main)
