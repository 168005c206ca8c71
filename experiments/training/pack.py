"""The training folder as one small zip, for a machine to which little can be sent.

    python experiments/training/pack.py --data ../shared/train --output pack.zip

Holds what `train_sources.py` finds in a folder of our own layout, in that layout: every picture as
WebP, of the best quality with which all of them fit into --mebibytes, masks and boxes as they are.
Pictures keep their size, so that the boxes remain right. `python3 -m zipfile -e pack.zip train`
unpacks it. The same folder gives the same bytes. Two cores take about a minute for 11,000 pictures.
"""

import bisect
import collections
import io
import json
import os
import pathlib
import zipfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import train_sources
from absl import app, flags
from PIL import Image

from dslt_jax.media.images import read_image

QUALITIES = range(30, 96)  # of WebP
LOOKED_AT = 300  # pictures of which the size of all is estimated


def pictures(sources: train_sources.Sources) -> list[str]:
    """Files of all stills, frames and views, each once; masks are no pictures."""
    files = [still.file for still in sources.stills]
    files += [frame for clip in sources.clips for frame in clip.frames]
    files += [view for thing in sources.things for view, _ in thing.views]
    return list(dict.fromkeys(files))


def others(folder: pathlib.Path, sources: train_sources.Sources) -> dict[str, bytes]:
    """What is no picture, by its name in the zip: boxes of stills and clips, masks."""
    rows = [json.loads(line) for line in (folder / "boxes.jsonl").read_text().splitlines()]
    lines = [json.dumps(row | {"file": _webp(row["file"])}) + "\n" for row in rows]
    tables = [pathlib.Path(clip.frames[0]).parent / "groundtruth.csv" for clip in sources.clips]
    masks = [pathlib.Path(mask) for thing in sources.things for _, mask in thing.views]
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in tables + masks}
    return found | {"boxes.jsonl": "".join(lines).encode()}


def encode(file: str, quality: int) -> bytes:
    """A picture as WebP, upright; raises ImageError where it cannot be read."""
    packed = io.BytesIO()
    Image.fromarray(read_image(file)).save(packed, "WEBP", quality=quality, method=6)
    return packed.getvalue()


def encode_all(files: Iterable[str], quality: int) -> list[bytes]:
    """Pictures as WebP, on all cores: Pillow lets go of Python while it works."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda file: encode(file, quality), files))


def qualities(files: list[str], room: float) -> range:
    """QUALITIES, best first, from the best on with which pictures should fill `room` bytes."""
    some = files[:: -(-len(files) // LOOKED_AT)]

    def estimate(quality: int) -> float:
        return sum(map(len, encode_all(some, quality))) * len(files) / len(some)

    return QUALITIES[: bisect.bisect_right(QUALITIES, room, key=estimate)][::-1]


def pack(members: dict[str, bytes]) -> bytes:
    """A zip of files in the order of their names, without dates; pictures are not packed again."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name)
            if not name.endswith(".webp"):
                entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, members[name])
    return packed.getvalue()


def _webp(name: str) -> str:
    return pathlib.PurePosixPath(name).with_suffix(".webp").as_posix()


def fit(folder: pathlib.Path, sources: train_sources.Sources, limit: int) -> tuple[int, bytes]:
    """Returns the quality and the zip, of `limit` bytes at most.

    Raises:
      ValueError: it does not fit, or a picture cannot be read or would replace another.
    """
    files = pictures(sources)
    names = [_webp(pathlib.Path(file).relative_to(folder).as_posix()) for file in files]
    if twice := [name for name, count in collections.Counter(names).items() if count > 1]:
        raise ValueError(f"two pictures would become {twice[0]}: rename one of them")
    rest = others(folder, sources)
    room = limit - len(pack(rest | dict.fromkeys(names, b"")))
    for quality in qualities(files, room):  # the second only where some told too little of all
        packed = pack(rest | dict(zip(names, encode_all(files, quality), strict=True)))
        if len(packed) <= limit:
            return quality, packed
    raise ValueError(
        f"{folder} does not fit into {limit / 2**20:g} MiB, at quality {QUALITIES[0]} neither: "
        "raise --mebibytes"
    )


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    folder, output = pathlib.Path(flags.FLAGS.data), pathlib.Path(flags.FLAGS.output)
    try:
        sources = train_sources.load_all([str(folder)])
        if not (folder / "boxes.jsonl").is_file():
            raise ValueError(f"{folder} has no boxes.jsonl: only our own layout is packed")
        quality, packed = fit(folder, sources, int(flags.FLAGS.mebibytes * 2**20))
    except ValueError as error:  # ImageError too
        raise SystemExit(f"pack: {error}") from None
    unfinished = output.with_name(f"{output.name}.tmp")
    unfinished.write_bytes(packed)
    unfinished.rename(output)
    count = len(pictures(sources))
    print(f"{output}: {count} pictures of quality {quality}, {len(packed) / 2**20:.1f} MiB")


if __name__ == "__main__":
    flags.DEFINE_string("data", "../shared/train", "folder of images and clips in our layout")
    flags.DEFINE_string("output", "pack.zip", "where the zip goes")
    flags.DEFINE_float("mebibytes", 45.0, "that it may have", lower_bound=0.0)
    app.run(main)
