"""Pictures of more than 8 bits: which of their values are black and which are white."""

import dataclasses
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageOps

from dslt_jax.media.source import Image

_SAMPLES = 100_000  # values of a picture that are looked at
_OUTLIERS = 0.1  # percent of the values at either end, such as broken pixels
_COLOUR = re.compile(r"(RGB|RGBA|RGBX|LA);16([BLN])")  # 16 bits, as Pillow's decoders name them


@dataclasses.dataclass(frozen=True)
class Depth:
    """How the values of a sequence of pictures become 8 bits: the same for all of them.

    Attributes:
        low: the value that is black; what is below it is black too.
        high: the value above the white ones.
        note: a sentence for the user.
    """

    low: float
    high: float
    note: str = ""

    def to_rgb(self, values: NDArray) -> Image:
        """Returns values (H, W) or (H, W, 3) as (H, W, 3) uint8; what is not a number is black."""
        scale = 256 / (self.high - self.low)
        levels = (values.astype(np.float32) - np.float32(self.low)) * np.float32(scale)
        levels = np.clip(np.nan_to_num(levels, nan=0.0), 0, 255).astype(np.uint8)
        return levels if levels.ndim == 3 else np.stack([levels] * 3, axis=-1)


FULL_16_BITS = Depth(0, 1 << 16)


def decide(pictures: Iterable[NDArray]) -> Depth:
    """Returns the depth that suits some pictures of a sequence.

    Whole numbers lose their lower bits, so many that the 8 upper ones of those in use remain.
    Floats up to 1 are taken as 0 to 1. Where the values fill less than a quarter of that range or
    are negative, as in thermal pictures, they are stretched, with a quarter to spare at either end.

    Args:
      pictures: (H, W) or (H, W, 3), integers or floats.
    """
    tops, samples, whole = [0.0], [np.zeros(0)], True
    for picture in pictures:
        whole = whole and picture.dtype.kind in "iu"
        values = picture[np.isfinite(picture)]
        if values.size:
            tops.append(float(values.max()))
            samples.append(values[:: -(-values.size // _SAMPLES)].astype(np.float64))
    values = np.concatenate(samples)
    low, high = np.percentile(values, (_OUTLIERS, 100 - _OUTLIERS)) if values.size else (0, 0)
    bits = max(8, min(int(max(tops)).bit_length(), int(high).bit_length() + 1))
    full = 1.0 if high <= 1 and not whole else float(1 << bits)
    band = high - low
    if band > 0 and (low < 0 or (band < full / 4 and (bits > 8 or not whole))):
        black, white = float(low - band / 4), float(high + band / 4)
        shown = f"shown as 8 bits from {black:.6g} (black) to {white:.6g} (white)"
        return Depth(black, white, f"pictures hold {low:.6g} to {high:.6g}: {shown}")
    if not whole:
        return Depth(
            0.0, full, f"pictures of floats: shown as 8 bits, 0 as black, {full:g} as white"
        )
    within = f"pictures of {bits} bits in {16 if bits <= 16 else 32}"
    dropped = f"shown as 8 bits by dropping the lower {bits - 8}"
    return Depth(0.0, full, f"{within}: {dropped if bits > 8 else 'shown as they are'}")


def deep_values(image: PillowImage.Image) -> NDArray | None:
    """Returns the upright values of a Pillow image of more than 8 bits; None of another.

    Returns:
      (H, W) of grey ones, (H, W, 3) of colour, integers or float32. Transparent parts are 0.
    """
    rawmode = _rawmode(image)
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(ImageOps.exif_transpose(image))
        return values.view(np.uint32) if rawmode in ("I;32N", "I;32", "I;32B") else values
    if not _COLOUR.fullmatch(rawmode):
        return None
    if rawmode == "LA;16B":  # grey and alpha of two bytes each, read as four values of one
        both = _decoded(image, lambda mode: "RGBA")
        grey, alpha = both[..., 0] << 8 | both[..., 1], both[..., 2] << 8 | both[..., 3]
        return (grey * (alpha / 65535)).astype(np.uint16)
    # Pillow keeps the upper bytes; with the order of bytes turned it keeps the lower ones.
    values = np.asarray(ImageOps.exif_transpose(image)).astype(np.uint16) << 8
    values |= _decoded(image, _turned)
    if rawmode.startswith("RGBA"):
        return (values[..., :3] * (values[..., 3:] / 65535)).astype(np.uint16)
    return values[..., :3]


def _decoded(image: PillowImage.Image, layout: Callable[[str], str]) -> NDArray:
    """The same frame of the file, upright, (H, W, C) uint16, its values laid out in another way."""
    name, kind = image.filename, image.format  # type: ignore[attr-defined]
    with PillowImage.open(name, formats=(kind or "",)) as other:
        other.seek(image.tell())
        other.tile = [_with_layout(tile, layout) for tile in other.tile]
        return np.asarray(ImageOps.exif_transpose(other)).astype(np.uint16)


def is_deep(image: PillowImage.Image) -> bool:
    """Returns whether a Pillow image, nothing of it decoded yet, has more than 8 bits."""
    return (
        image.mode.startswith("I") or image.mode == "F" or bool(_COLOUR.fullmatch(_rawmode(image)))
    )


def _rawmode(image: PillowImage.Image) -> str:
    """The layout of the values in the file, as Pillow's decoders call it; empty: not known."""
    tiles = getattr(image, "tile", None)
    arguments = tiles[0][3] if tiles else None
    mode = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return mode if isinstance(mode, str) else ""


def _with_layout(tile: Any, layout: Callable[[str], str]) -> Any:
    codec, extents, offset, arguments = tile
    if not isinstance(arguments, tuple):
        return codec, extents, offset, layout(arguments)
    return codec, extents, offset, (layout(arguments[0]), *arguments[1:])


def _turned(mode: str) -> str:
    """The layout with the bytes of a value in the other order."""
    little = mode.endswith("L") or (mode.endswith("N") and sys.byteorder == "little")
    return mode[:-1] + ("B" if little else "L")
