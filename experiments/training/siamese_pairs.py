"""Training samples as the frozen network sees them, computed once and kept on disk.

The network under SiamFC's head does not learn, so that a sample (`train_samples.py`) costs its
crops and its maps once, however often it is learned from:

    shallow.npy   (N, 1 + T, G, G, 64) float16, deep.npy (N, 1 + T, g, g, 96) float16
    boxes.npy     (N, 1 + T, 4) float32 x, y, w, h in pixels of the crop
    visible.npy   (N, 1 + T) float32, share of the target that nothing covers
    done.json     what was asked for, and how many samples are there

The first of a sample's crops is the template. What was begun is gone on with.
"""

import json
import pathlib
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import train_loader
import train_sources
from numpy.lib.format import open_memmap
from tqdm import tqdm

from dslt_jax import backbones
from dslt_jax.backbones import Compact

BATCH = 8  # samples


class Pairs(NamedTuple):
    """What lies in a folder, memory-mapped; a batch of it is one too."""

    shallow: np.ndarray
    deep: np.ndarray
    boxes: np.ndarray
    visible: np.ndarray

    def take(self, rows: np.ndarray) -> "Pairs":
        """Returns some samples, in memory."""
        return Pairs(*(np.asarray(x[rows]) for x in self))


def make(
    folder: pathlib.Path,
    sources: train_sources.Sources,
    params,
    *,
    count: int,
    size: int,
    tests: int,
    seed: int,
    of: dict[str, str],
) -> Pairs:
    """Returns the samples of a folder; what it lacks of them is made first.

    Args:
      params: of `backbones.Compact`.
      count: samples; size: side of a crop in pixels; tests: search crops of a sample; of: what else
        they depend on, in words: which images, which weights.

    Raises:
      SystemExit: the folder was begun with other arguments.
    """
    asked = {"count": count, "size": size, "tests": tests, "seed": seed, "of": of}
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "done.json"
    state = json.loads(note.read_text()) if note.is_file() else {"asked": asked, "done": 0}
    if state["asked"] != asked:
        raise SystemExit(f"{folder} was begun with {state['asked']}: use another --features")
    shallow, deep = (
        (size // layer.stride, size // layer.stride, layer.channels) for layer in Compact.layers
    )
    kinds = {
        "shallow": (shallow, np.float16),
        "deep": (deep, np.float16),
        "boxes": ((4,), np.float32),
        "visible": ((), np.float32),
    }
    stores = Pairs(
        **{
            name: open_memmap(
                folder / f"{name}.npy",
                mode="r+" if (folder / f"{name}.npy").exists() else "w+",
                dtype=kind,
                shape=(count, 1 + tests, *shape),
            )
            for name, (shape, kind) in kinds.items()
        }
    )

    @jax.jit
    def see(patches):
        flat = patches.reshape(-1, size, size, 3).astype(jnp.float32)
        maps = backbones.apply(Compact(), params, flat)
        return [x.reshape(*patches.shape[:2], *x.shape[1:]).astype(jnp.float16) for x in maps]

    starts = range(state["done"], count, BATCH)
    batches = train_loader.batches(
        sources,
        seed=seed,
        start=state["done"] // BATCH,
        batch=BATCH,
        workers=0,
        size=size,
        tests=tests,
    )
    for start, batch in zip(tqdm(starts, desc="samples", mininterval=5), batches, strict=False):
        found = (*see(batch.patches), batch.boxes, batch.visible)
        for store, value in zip(stores, found, strict=True):
            store[start : start + BATCH] = value[: count - start]
        if (start // BATCH) % 50 == 49 or start + BATCH >= count:
            for store in stores:
                store.flush()
            note.write_text(json.dumps({"asked": asked, "done": min(start + BATCH, count)}))
    return stores
