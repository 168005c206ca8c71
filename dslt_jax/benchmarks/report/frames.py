"""A sequence's images for the page's player: where they are, or small copies of them."""

import base64
import io
import os
from pathlib import Path
from urllib.parse import quote

import numpy as np

from dslt_jax.benchmarks.datasets import DatasetError, Sequence
from dslt_jax.media.images import opened

THUMBNAIL_WIDTH = 320
THUMBNAIL_QUALITY = 60


def view_size(sequence: Sequence) -> tuple[int, int]:
    """Returns (width, height) of the images, or what the ground truth spans without images."""
    try:
        return sequence.frame_size
    except DatasetError:
        corners = sequence.boxes[:, :2] + sequence.boxes[:, 2:]
        corner = np.where(np.isfinite(corners), corners, 0).max(axis=0)
        width, height = np.ceil(np.clip(corner * 1.05, 16, 32767)).astype(int)
        return int(width), int(height)


def links(sequence: Sequence, page_folder: Path) -> dict[str, object] | None:
    """Returns the images' folder relative to the page and their names; None without images."""
    try:
        frames = sequence.frames
    except DatasetError:
        return None
    parents = {frame.parent for frame in frames}
    if len(parents) != 1:
        return None
    folder = parents.pop().resolve()
    try:
        relative = Path(os.path.relpath(folder, page_folder.resolve())).as_posix()
    except ValueError:  # another drive
        return {"folder": folder.as_uri() + "/", "names": [quote(frame.name) for frame in frames]}
    return {
        "folder": quote(os.fsencode(relative)) + "/",
        "names": [quote(frame.name) for frame in frames],
    }


def thumbnails(sequence: Sequence, width: int = THUMBNAIL_WIDTH) -> list[str] | None:
    """Returns each frame as base64 of a JPEG at most `width` wide; None without images.

    A frame that cannot be read is an empty string.
    """
    try:
        frames = sequence.frames
    except DatasetError:
        return None
    return [_thumbnail(path, width) for path in frames]


def _thumbnail(path: Path, width: int) -> str:
    try:
        with opened(path) as image:
            image.draft("RGB", (width, width))
            image.thumbnail((width, width * 4))
            data = io.BytesIO()
            image.convert("RGB").save(data, "JPEG", quality=THUMBNAIL_QUALITY, optimize=True)
    except Exception:  # decoders raise anything on damaged bytes
        return ""
    return base64.b64encode(data.getvalue()).decode("ascii")
