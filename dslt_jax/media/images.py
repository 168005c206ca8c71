"""Still images: any kind of image file to uint8 RGB, and animations."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps, UnidentifiedImageError

from dslt_jax.media.depth import FULL_16_BITS, Depth, decide, deep_values, is_deep
from dslt_jax.media.source import DamagedFrame, FramesError, Image, Picture, Source
from dslt_jax.stand_ins import stand_in

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".png", ".apng", ".webp", ".gif", ".bmp"}
    | {".tif", ".tiff", ".ppm", ".pgm", ".pnm", ".tga"}
)
# Pillow reads others too, among them PostScript, which it has another program execute.
FORMATS = ("JPEG", "JPEG2000", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "TGA")
ANIMATED = ("GIF", "WEBP", "PNG")
LOOKED_AT = 5  # pictures of a sequence from which its depth is known


class ImageError(ValueError):
    """An image cannot be read; the text says which and why."""


class NoImageError(FramesError):
    """A file is no image of our formats."""


def opened(path: str | os.PathLike) -> PillowImage.Image:
    """Opens an image file of one of our formats with Pillow, lazily; raises as Pillow does."""
    return PillowImage.open(path, formats=FORMATS)


def read_image(path: str | os.PathLike, depth: Depth | None = None) -> Image:
    """Returns an image file as (H, W, 3) uint8 RGB, upright.

    EXIF orientation is applied. Grey, palette, CMYK and other colour spaces become RGB. Transparent
    parts show black, as in a video player.

    Args:
      path: a file that Pillow reads; of several frames in it, the first.
      depth: which values of more than 8 bits are black and white, see `sequence_depth`; without it
        of 16 bits the upper 8 are kept, and floats are scaled by what this image holds.

    Raises:
      ImageError: it is missing, empty, truncated or not an image.
    """
    try:
        with opened(path) as image:
            return to_rgb(image, depth)
    except Exception as error:  # decoders raise anything on damaged bytes
        raise ImageError(_reason(path, error)) from error


def to_rgb(image: PillowImage.Image, depth: Depth | None = None) -> Image:
    """Returns a Pillow image as (H, W, 3) uint8 RGB; see `read_image`."""
    values = deep_values(image)
    if values is not None:
        if depth is None:
            depth = FULL_16_BITS if values.dtype.kind in "iu" else decide([values])
        return depth.to_rgb(values)
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        black = PillowImage.new("RGBA", image.size, (0, 0, 0, 255))
        image = PillowImage.alpha_composite(black, image)
    return np.asarray(image.convert("RGB"))


def sequence_depth(paths: Sequence[str | os.PathLike]) -> Depth | None:
    """Returns one depth for all pictures of a sequence; None where they have 8 bits.

    It is known from a few of them, spread over the sequence, so that a dark beginning or a light
    end does not lose what comes in between. Those that cannot be read are left out.
    """

    def values() -> Iterator[np.ndarray]:
        for path in spread(paths, LOOKED_AT):
            with contextlib.suppress(Exception), opened(path) as image:
                if is_deep(image) and (found := deep_values(image)) is not None:
                    yield found

    return _decided(values())


def spread(items: Sequence, count: int) -> list:
    """Returns at most so many of the items, evenly spread, the first and the last among them."""
    places = np.linspace(0, len(items) - 1, min(count, len(items)))
    return [items[round(place)] for place in places]


def _decided(pictures: Iterable[np.ndarray]) -> Depth | None:
    deep = list(pictures)
    return decide(deep) if deep else None


def _reason(path: str | os.PathLike, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"the image {path} is missing"
    if isinstance(error, PermissionError):
        return f"there is no permission to read the image {path}"
    if os.path.isfile(path) and os.path.getsize(path) == 0:
        return f"the image {path} is empty (0 bytes)"
    if isinstance(error, UnidentifiedImageError):
        return f"{path} {stand_in(path) or 'is not an image that Pillow can read'}"
    return f"the image {path} cannot be decoded: {error or type(error).__name__}"


def open_image(path: Path) -> Source:
    """Returns the frames of one image file: one, or those of an animated WebP, GIF, PNG or a TIFF.

    Raises:
      FramesError: it is not an image or cannot be opened.
    """
    try:
        with opened(path) as image:
            count = _count(image)
            depth = _decided(_pages(image, count)) if is_deep(image) else None
            image.seek(0)
            image.load()  # WebP knows a frame's duration only then
            timed = count > 1 and image.format in ANIMATED
            lasts = _seconds(image) if timed else 0.0
    except UnidentifiedImageError as error:
        raise NoImageError(_reason(path, error)) from error
    except Exception as error:
        raise FramesError(_reason(path, error)) from error

    def read() -> Iterator[Picture]:
        time, step = 0.0, lasts
        with opened(path) as image:
            for number in range(count):
                try:
                    image.seek(number)
                    picture: Image | DamagedFrame = to_rgb(image, depth)
                    step = _seconds(image)
                except Exception as error:
                    picture = DamagedFrame(_reason(path, error))
                yield Picture(f"{path.name}[{number}]", picture, time if timed else None)
                time += step  # of a damaged one as long as the last

    notes = (depth.note,) if depth else ()
    return Source(str(path), read, count, 1 / lasts if timed else None, notes, exact=True)


def _count(image: PillowImage.Image) -> int:
    """How many frames a file has; of a TIFF that is cut off the whole ones and the first beyond."""
    try:
        return getattr(image, "n_frames", 1)
    except Exception:
        whole = 0
        with contextlib.suppress(Exception):
            while True:
                image.seek(whole)
                whole += 1
        if not whole:
            raise
        return whole + 1


def _seconds(image: PillowImage.Image) -> float:
    """How long a frame of an animation is shown; one of no time by players' custom 0.1 s."""
    return (image.info.get("duration") or 100) / 1000


def _pages(image: PillowImage.Image, count: int) -> Iterator[np.ndarray]:
    """The values of some pages of a deep image; those that cannot be read are left out."""
    for number in spread(range(count), LOOKED_AT):
        with contextlib.suppress(Exception):
            image.seek(number)
            if (found := deep_values(image)) is not None:
                yield found
