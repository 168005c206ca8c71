"""Still images: any kind of file to uint8 RGB, and folders of them in natural order."""

import collections
import itertools
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps, UnidentifiedImageError

from dslt_jax.media.source import DamagedFrame, FramesError, Image, Source

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jp2", ".png", ".apng", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
    | {".ppm", ".pgm", ".pnm", ".tga"}
)


class ImageError(ValueError):
    """An image cannot be read; the text says which and why."""


def read_image(path: str | os.PathLike) -> Image:
    """Returns an image file as (H, W, 3) uint8 RGB, upright.

    EXIF orientation is applied. Grey, palette, CMYK and other colour spaces become RGB. Of 16 bits
    the upper 8 are kept. Transparent parts show black, as in a video player.

    Args:
      path: a file that Pillow reads; of several frames in it, the first.

    Raises:
      ImageError: it is missing, empty, truncated, not an image or has floating point pixels.
    """
    try:
        with PillowImage.open(path) as image:
            return to_rgb(image)
    except Exception as error:  # decoders raise anything on damaged bytes
        raise ImageError(_reason(path, error)) from error


def to_rgb(image: PillowImage.Image) -> Image:
    """Returns a Pillow image as (H, W, 3) uint8 RGB; see `read_image`."""
    image = ImageOps.exif_transpose(image)
    if image.mode == "F":
        raise ValueError("its pixels are floating point: convert it to 8 or 16 bits")
    if image.mode.startswith("I"):  # 16 bits, which older Pillows open as 32
        grey = (np.clip(np.asarray(image), 0, 65535) >> 8).astype(np.uint8)
        return np.stack([grey] * 3, axis=-1)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        black = PillowImage.new("RGBA", image.size, (0, 0, 0, 255))
        image = PillowImage.alpha_composite(black, image)
    return np.asarray(image.convert("RGB"))


def _reason(path: str | os.PathLike, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"the image {path} is missing"
    if isinstance(error, PermissionError):
        return f"there is no permission to read the image {path}"
    if os.path.isfile(path) and os.path.getsize(path) == 0:
        return f"the image {path} is empty (0 bytes)"
    if isinstance(error, UnidentifiedImageError):
        return f"{path} is not an image that Pillow can read"
    return f"the image {path} cannot be decoded: {error or type(error).__name__}"


def open_folder(folder: Path) -> Source:
    """Returns the images of a folder, in natural order (1, 2, 10), hidden files left out.

    Raises:
      FramesError: it has no images or may not be listed.
    """
    try:
        images = _images_in(folder)
        if not images:
            counts = {child: len(_images_in(child)) for child in folder.iterdir() if child.is_dir()}
            best = max(counts, key=lambda child: counts[child], default=folder)
            hint = f" Its folder {best.name} has {counts[best]}." if counts.get(best) else ""
            raise FramesError(
                f"the folder {folder} has no images ({', '.join(sorted(SUFFIXES))}).{hint}"
            )
    except PermissionError:
        raise FramesError(f"there is no permission to list the folder {folder}") from None
    return open_files(str(folder), images)


def _images_in(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    ]


def open_files(name: str, paths: Sequence[Path]) -> Source:
    """Returns image files as one source, in natural order; a damaged one is a DamagedFrame."""
    paths = sorted(paths, key=lambda path: (natural_key(str(path)), str(path)))

    def read() -> Iterator[tuple[str, Image | DamagedFrame]]:
        for path in paths:
            try:
                yield path.name, read_image(path)
            except ImageError as error:
                yield path.name, DamagedFrame(str(error))

    return Source(name, read, count=len(paths), notes=_gaps(paths))


def open_image(path: Path) -> Source:
    """Returns the frames of one image file: one, or those of an animated WebP, GIF or PNG.

    Raises:
      FramesError: it is not an image or cannot be opened.
    """
    try:
        with PillowImage.open(path) as image:
            count = getattr(image, "n_frames", 1)
            image.load()  # WebP knows a frame's duration only then
            duration = image.info.get("duration")
    except Exception as error:
        raise FramesError(_reason(path, error)) from error

    def read() -> Iterator[tuple[str, Image | DamagedFrame]]:
        with PillowImage.open(path) as image:
            for number in range(count):
                name = f"{path.name}[{number}]"
                try:
                    image.seek(number)
                    yield name, to_rgb(image)
                except Exception as error:
                    yield name, DamagedFrame(f"frame {number}: {_reason(path, error)}")

    return Source(str(path), read, count, fps=1000 / duration if duration else None)


def natural_key(text: str) -> list[tuple[int, str]]:
    """Returns a sort key by which 2 comes before 10."""
    parts = re.split(r"(\d+)", text)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _gaps(paths: Sequence[Path]) -> tuple[str, ...]:
    """Says where numbered images seem to be missing: where the number jumps further than usual."""
    matches = [re.fullmatch(r"(.*?)(\d+)", path.stem) for path in paths]
    if len(paths) < 3 or len({match and match[1] for match in matches}) != 1 or not matches[0]:
        return ()
    numbers = [int(match[2]) for match in matches if match]
    steps = [after - before for before, after in itertools.pairwise(numbers)]
    usual = collections.Counter(steps).most_common(1)[0][0]
    jumps = [i for i, step in enumerate(steps) if step > usual]
    if not jumps:
        return ()
    first, more = jumps[0], len(jumps) - 1
    return (
        f"images seem to be missing between {paths[first].name} and {paths[first + 1].name}"
        + (f" and in {more} more places" if more else "")
        + ": the boxes are of the images that are there",
    )
