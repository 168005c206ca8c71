"""What there is to train on: stills, some with boxes, and clips with one box a frame.

`load_all` recognises by itself what a folder holds:

  ours      boxes.jsonl, images/, videos/<clip>/groundtruth.csv and objects/<object>/<view>.jpg, or
            another kind of image, with a mask <view>.png, white where the object is
  COCO      annotations/instances_*.json and the folders of images that go with them
  GOT-10k   folders of frames with a groundtruth.txt, also one level down in train/ or val/
  LaSOT     <class>/<class>-<n>/img and groundtruth.txt
  images    any other folder: every image in it or below it is a still without boxes
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dslt_jax.benchmarks import datasets
from dslt_jax.media.images import SUFFIXES

# Of ../shared/train: never trained on, the tracker is validated on them.
HELD_OUT = (
    *("davis_bmx-trees", "davis_car-roundabout", "davis_dance-twirl", "davis_libby"),
    *("davis_parkour", "davis_scooter-black", "dtb70_Animal3", "dtb70_Surfing06"),
    *("tinytlp_Bike", "tinytlp_MotorcycleChase"),
)
LEFT_OUT = ("davis_paragliding-launch",)  # its boxes are mostly background
SMALLEST = 8.0  # pixels, sqrt(w * h) of a box that can be learned from


class Still(NamedTuple):
    """An image; boxes (N, 4) x, y, w, h, N may be 0."""

    file: str
    boxes: np.ndarray


class Clip(NamedTuple):
    """Frames in order, one box (N, 4) each; NaN where the target is absent."""

    name: str
    frames: tuple[str, ...]
    boxes: np.ndarray


class Thing(NamedTuple):
    """An object from several sides: pairs of a picture and its mask, neighbours in order."""

    name: str
    views: tuple[tuple[str, str], ...]


class Sources(NamedTuple):
    """All there is."""

    stills: tuple[Still, ...]
    clips: tuple[Clip, ...]
    things: tuple[Thing, ...] = ()


def load_all(folders: Iterable[str]) -> Sources:
    """Reads folders of any known layout, one after the other.

    Raises:
      ValueError: a folder is missing, holds nothing, or one of its files is damaged.
    """
    parts = [_load(Path(folder)) for folder in folders]
    stills = tuple(still for part in parts for still in part.stills)
    clips = tuple(clip for part in parts for clip in part.clips if clip.name not in LEFT_OUT)
    return Sources(stills, clips, tuple(thing for part in parts for thing in part.things))


def split(sources: Sources, names: Iterable[str]) -> tuple[Sources, Sources]:
    """Returns the sources without the clips called `names`, and these clips."""
    names = frozenset(names)
    train = tuple(clip for clip in sources.clips if clip.name not in names)
    held = tuple(clip for clip in sources.clips if clip.name in names)
    return sources._replace(clips=train), Sources((), held)


def digest(sources: Sources) -> str:
    """Twelve hex digits of all names and boxes in their order, wherever the folders lie."""
    total = hashlib.sha256()
    for still in sources.stills:
        total.update(Path(still.file).name.encode() + still.boxes.tobytes())
    for clip in sources.clips:
        total.update("/".join([clip.name, *(Path(f).name for f in clip.frames)]).encode())
        total.update(clip.boxes.tobytes())
    for thing in sources.things:
        total.update("/".join([thing.name, *(Path(v).name for v, _ in thing.views)]).encode())
    return total.hexdigest()[:12]


def _load(folder: Path) -> Sources:
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}")
    if (folder / "boxes.jsonl").is_file():
        found = _ours(folder)
    elif any(folder.glob("annotations/instances_*.json")):
        found = _coco(folder)
    elif any(folder.glob("*/groundtruth.txt")) or any(folder.glob("*/*/groundtruth.txt")):
        found = _benchmark(folder)
    else:
        paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
        found = Sources(tuple(Still(str(p), np.zeros((0, 4))) for p in paths), ())
    if not found.stills and not found.clips:
        raise ValueError(f"{folder} holds neither images nor clips")
    return found


def _ours(folder: Path) -> Sources:
    stills = []
    for number, line in enumerate((folder / "boxes.jsonl").read_text().splitlines(), 1):
        try:
            row = json.loads(line)
            boxes = [box[:4] for box in row["boxes"]]
            stills.append(Still(str(folder / "images" / row["file"]), _usable(boxes)))
        except (ValueError, KeyError, TypeError) as error:
            where = f"{folder / 'boxes.jsonl'}, line {number}"
            raise ValueError(f"{where} is not {{file, boxes}}: {error!r}") from None
    clips = []
    for table in sorted(folder.glob("videos/*/groundtruth.csv")):
        frames = sorted(p for p in table.parent.iterdir() if p.suffix.lower() in SUFFIXES)
        boxes = np.loadtxt(table, delimiter=",", ndmin=2)
        if boxes.shape != (len(frames), 4):
            raise ValueError(f"{table} has shape {boxes.shape} for {len(frames)} frames")
        clips.append(Clip(table.parent.name, tuple(map(str, frames)), boxes))
    return Sources(tuple(stills), tuple(clips), tuple(_things(folder / "objects")))


def _things(folder: Path) -> Iterator[Thing]:
    """Objects with two views or more; in the order of their names the views are neighbours."""
    for place in sorted(folder.glob("*/")):
        pictures = sorted(p for p in place.iterdir() if p.suffix.lower() in SUFFIXES)
        pairs = [(p, p.with_suffix(".png")) for p in pictures]
        views = [(str(p), str(mask)) for p, mask in pairs if mask != p and mask.is_file()]
        if len(views) > 1:
            yield Thing(place.name, tuple(views))


def _coco(folder: Path) -> Sources:
    stills = []
    for path in sorted(folder.glob("annotations/instances_*.json")):
        try:
            table = json.loads(path.read_text())
            names = {image["id"]: image["file_name"] for image in table["images"]}
            boxes: dict[int, list] = {key: [] for key in names}
            for mark in table["annotations"]:
                if not mark.get("iscrowd"):
                    boxes[mark["image_id"]].append(mark["bbox"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is not in COCO's format: {error!r}") from None
        part = path.stem.removeprefix("instances_")
        places = [folder / part, folder / "images" / part, folder / "images", folder]
        first = next(iter(names.values()), "")
        place = next((p for p in places if (p / first).is_file()), None)
        if place is None:
            raise ValueError(f"{path} names {first}, which is not in {places[0]}")
        stills += [Still(str(place / names[key]), _usable(boxes[key])) for key in names]
    return Sources(tuple(stills), ())


def _benchmark(folder: Path) -> Sources:
    lasot = any(folder.glob("*/*/img")) or any(folder.glob("*/img"))
    clips = []
    for sequence in datasets.load("lasot" if lasot else "got10k", folder):
        boxes = sequence.boxes.copy()
        absent = sequence.tags.get("absent", np.zeros(len(boxes), bool))
        boxes[absent | ~(boxes[:, 2:] > 0).all(axis=1)] = np.nan
        clips.append(Clip(sequence.name, tuple(map(str, sequence.frames)), boxes))
    return Sources((), tuple(clips))


def _usable(boxes) -> np.ndarray:
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    return boxes[np.sqrt(np.clip(boxes[:, 2] * boxes[:, 3], 0, None)) >= SMALLEST]
