"""Crops of training images, and what larger networks make of them, computed once and kept on disk.

    python experiments/training/teacher_features.py --data ../shared/train \
        --teachers googlenet=../shared/weights/googlenet_bvlc_to_4e_oihw.npz --output features

    crops.npy           (N, S, S, 3) uint8
    shallow.npy         (N, S/8, S/8, D1) float16, deep.npy (N, S/16, S/16, D2) float16
    basis.safetensors   how the teachers' channels became D1 and D2 components
    done.json           what was asked for, and how many crops have their features

A teacher gives a map of stride 8 and one of 16. Each layer of each teacher is brought to mean zero
and unit deviation, the layers of one stride are put side by side, and their principal components,
half whitened, are what a student regresses. The same command goes on where it was stopped. A crop
takes a two-core machine about 10 ms with GoogLeNet and 100 more with VGG-16.
"""

import json
import pathlib
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import train_sources
from absl import app, flags
from numpy.lib.format import open_memmap
from PIL import Image
from safetensors.numpy import load_file, save_file
from tqdm import tqdm

from dslt_jax import backbones, presets
from dslt_jax.backbones import Backbone, Compact, GoogLeNet, Vgg16
from dslt_jax.media.images import read_image
from dslt_jax.weights.store import load_params

FLAGS = flags.FLAGS
TEACHERS = {"googlenet": GoogLeNet(("3b", "4d")), "vgg16": Vgg16(("conv4_3", "conv5_3"))}
BATCH = 16
BASIS_CROPS = 512  # of them the components are found

Basis = tuple[np.ndarray, np.ndarray]  # what is taken away (D,), and directions (D, components)


class Features(NamedTuple):
    """What lies in a folder, memory-mapped."""

    crops: np.ndarray
    shallow: np.ndarray
    deep: np.ndarray


def load(folder: pathlib.Path) -> Features:
    """Opens a finished folder; raises SystemExit when it is none."""
    done = folder / "done.json"
    state = json.loads(done.read_text()) if done.is_file() else {}
    if not state or state["done"] < state["asked"]["crops"]:
        raise SystemExit(f"{folder} has no finished features: run teacher_features.py --output it")
    arrays = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in Features._fields)
    return Features(*arrays)


def images(sources: train_sources.Sources) -> list[str]:
    """Every still, and every eighth frame of the clips."""
    frames = [frame for clip in sources.clips for frame in clip.frames[::8]]
    return [still.file for still in sources.stills] + frames


def draw_crop(path: str, size: int, rng: np.random.Generator) -> np.ndarray:
    """Returns (size, size, 3) uint8, cut at a random place, half to all of the image's side."""
    image = Image.fromarray(read_image(path))
    side = min(image.size) * rng.uniform(0.5, 1.0)
    left, top = (rng.uniform(0, extent - side) for extent in image.size)
    box = (left, top, left + side, top + side)
    image = image.resize((size, size), Image.Resampling.BILINEAR, box=box)
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(image)


def components(features: np.ndarray, count: int) -> Basis:
    """Half-whitened principal components of rows (N, D): mean (D,) and directions (D, count)."""
    mean = features.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(features - mean, rowvar=False))
    values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
    return mean, vectors * values**-0.25 / np.sqrt(np.mean(values**0.5))


def teacher_maps(teachers: dict[str, str]) -> Callable[[np.ndarray], list[list[jax.Array]]]:
    """A function from crops to [the shallow maps of all teachers, the deep ones]."""
    networks: list[tuple[Backbone, dict]] = []
    for name, weights in teachers.items():
        tracker = presets.by_name("googlenet" if name == "googlenet" else "paper")
        tracker = tracker.replace(backbone=TEACHERS[name])
        networks.append((TEACHERS[name], load_params(tracker, weights)))

    @jax.jit
    def extract(params, crops):
        image = crops.astype(jnp.float32)
        pairs = [
            backbones.apply(network, p, image)
            for (network, _), p in zip(networks, params, strict=True)
        ]
        return [[pair[level] for pair in pairs] for level in (0, 1)]

    return lambda crops: extract([params for _, params in networks], crops)


def find_bases(maps: list[list[np.ndarray]]) -> tuple[Basis, Basis]:
    """The bases of both strides from some crops' maps; a teacher's own scale is in it."""
    bases = []
    for level, layer in zip(maps, Compact.layers, strict=True):
        rows = [np.asarray(x, np.float64).reshape(-1, x.shape[-1]) for x in level]
        scales = [np.full(x.shape[1], 1 / np.sqrt(x.var(axis=0).sum())) for x in rows]
        scale = np.concatenate(scales)
        mean, directions = components(np.concatenate(rows, axis=1) * scale, layer.channels)
        bases.append((mean / scale, directions * scale[:, None]))
    return bases[0], bases[1]


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    output, size, count = pathlib.Path(FLAGS.output), FLAGS.crop_size, FLAGS.crops
    teachers = dict(pair.partition("=")[::2] for pair in FLAGS.teachers)
    if unknown := [name for name in teachers if name not in TEACHERS]:
        raise SystemExit(f"no teacher is called '{unknown[0]}': choose from {', '.join(TEACHERS)}")
    try:
        everything = train_sources.load_all(FLAGS.data)
    except ValueError as error:
        raise SystemExit(f"teacher_features: {error}") from None
    paths = images(train_sources.split(everything, train_sources.HELD_OUT)[0])
    asked = {"crops": count, "size": size, "seed": FLAGS.seed, "teachers": sorted(teachers)}
    output.mkdir(parents=True, exist_ok=True)
    note = output / "done.json"
    state = json.loads(note.read_text()) if note.is_file() else {"asked": asked, "done": 0}
    if state["asked"] != asked:
        raise SystemExit(f"{output} was begun with {state['asked']}: use another --output")

    def crop(index: int) -> np.ndarray:
        rng = np.random.default_rng((FLAGS.seed, index))
        order = np.random.default_rng((FLAGS.seed, index // len(paths))).permutation(len(paths))
        return draw_crop(paths[order[index % len(paths)]], size, rng)

    extract = teacher_maps(teachers)
    bases = _bases(output / "basis.safetensors", extract, crop, min(count, BASIS_CROPS))
    project = jax.jit(
        lambda maps: [
            (jnp.concatenate(level, -1) - mean) @ directions
            for level, (mean, directions) in zip(maps, bases, strict=True)
        ]
    )
    shapes = {"crops": (count, size, size, 3)} | {
        layer.name: (count, size // layer.stride, size // layer.stride, layer.channels)
        for layer in Compact.layers
    }
    stores = {
        name: open_memmap(
            output / f"{name}.npy",
            mode="r+" if (output / f"{name}.npy").exists() else "w+",
            dtype=np.uint8 if name == "crops" else np.float16,
            shape=shape,
        )
        for name, shape in shapes.items()
    }
    for start in tqdm(range(state["done"], count, BATCH), desc="features", mininterval=5):
        batch = np.stack([crop(i) for i in range(start, min(start + BATCH, count))])
        whole = np.concatenate([batch, batch[:1].repeat(BATCH - len(batch), axis=0)])
        values = [batch, *(np.asarray(x, np.float16) for x in project(extract(whole)))]
        for store, value in zip(stores.values(), values, strict=True):
            store[start : start + len(batch)] = value[: len(batch)]
        if (start // BATCH) % 50 == 49 or start + BATCH >= count:
            for store in stores.values():
                store.flush()
            note.write_text(json.dumps({"asked": asked, "done": start + len(batch)}))


def _bases(path: pathlib.Path, extract, crop, count: int) -> tuple[Basis, Basis]:
    """The bases in the file, found and written before if there is none."""
    if not path.exists():
        crops = np.stack([crop(i) for i in range(count)])
        parts = [extract(crops[i : i + BATCH]) for i in range(0, count, BATCH)]
        maps = [
            [
                np.concatenate([np.asarray(p[level][t]) for p in parts])
                for t in range(len(level_maps))
            ]
            for level, level_maps in enumerate(parts[0])
        ]
        (m1, d1), (m2, d2) = find_bases(maps)
        arrays = {"shallow/mean": m1, "shallow/directions": d1, "deep/mean": m2}
        arrays["deep/directions"] = d2
        save_file({k: np.ascontiguousarray(v, np.float32) for k, v in arrays.items()}, path)
    found = load_file(path)
    shallow, deep = ((found[f"{n}/mean"], found[f"{n}/directions"]) for n in ("shallow", "deep"))
    return shallow, deep


if __name__ == "__main__":
    flags.DEFINE_list("data", ["../shared/train"], "folders of images and clips")
    flags.DEFINE_list("teachers", [], "NAME=WEIGHTS of googlenet, vgg16 or both")
    flags.DEFINE_string("output", "checkpoints/features", "where to write")
    flags.DEFINE_integer("crops", 32000, "crops", lower_bound=BATCH)
    flags.DEFINE_integer("crop_size", 160, "side of a crop in pixels, a multiple of 16")
    flags.DEFINE_integer("seed", 0, "of the crops")
    app.run(main)
