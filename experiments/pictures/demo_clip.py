"""The README's moving picture: the demo's clip with what the tracker says of it.

    python experiments/pictures/demo_clip.py

Follows the beetle of `dslt demo` through all 150 frames and leaves docs/images/demo.webp, every
second frame of --first .. --last in half of the overlay's size. Nothing but our own clip is in it.
"""

import itertools
from pathlib import Path

import numpy as np
from absl import app, flags
from PIL import Image

from dslt_jax.app import loop
from dslt_jax.app.spec import Spec
from dslt_jax.media import synthetic
from dslt_jax.media.overlay import Overlay

IMAGES = Path(__file__).parents[2] / "docs" / "images"
MOST_BYTES = 1_000_000

FLAGS = flags.FLAGS
flags.DEFINE_string("preset", "compact", "which tracker")
flags.DEFINE_string("output", str(IMAGES / "demo.webp"), "the file to write")
flags.DEFINE_integer("first", 30, "number of the first frame shown")
flags.DEFINE_integer("last", 130, "number of the last frame shown")
flags.DEFINE_integer("every", 2, "of how many frames one is shown")
flags.DEFINE_integer("width", 400, "of the picture in pixels")
flags.DEFINE_integer("quality", 45, "of the WebP, 0 to 100")


def draw(preset: str, first: int, last: int, every: int, width: int) -> list[Image.Image]:
    """Returns the pictures of the frames first, first + every, .. last."""
    clip = synthetic.beetle_clip()
    frames = itertools.islice(clip.source, last + 1)
    overlay, pictures = Overlay(), []
    for record in loop.follow(frames, Spec(preset).build(), clip.boxes[:1]):
        index = record.frame.index
        picture = Image.fromarray(np.asarray(overlay.draw(record.image, index, record.seen)))
        if index >= first and (index - first) % every == 0:
            height = round(width * picture.height / picture.width)
            pictures.append(picture.resize((width, height), Image.Resampling.LANCZOS))
    return pictures


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    pictures = draw(FLAGS.preset, FLAGS.first, FLAGS.last, FLAGS.every, FLAGS.width)
    path = Path(FLAGS.output)
    path.parent.mkdir(parents=True, exist_ok=True)
    duration = round(1000 * FLAGS.every / synthetic.FPS)
    pictures[0].save(
        path,
        save_all=True,
        append_images=pictures[1:],
        duration=duration,
        loop=0,
        quality=FLAGS.quality,
        method=6,
    )
    size = path.stat().st_size
    print(f"{path}: {len(pictures)} pictures of {pictures[0].size}, {size / 1e3:.0f} kB")
    if size > MOST_BYTES:
        raise SystemExit(f"{path} is larger than {MOST_BYTES / 1e3:.0f} kB: lower --quality")


if __name__ == "__main__":
    app.run(main)
