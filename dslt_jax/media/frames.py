"""Frames in: one function that opens a video file, images or a camera."""

import glob
import os
from pathlib import Path

from dslt_jax.media import images, video
from dslt_jax.media.source import DamagedFrame, Frame, FramesError, Image, Source

__all__ = ["DamagedFrame", "Frame", "FramesError", "Image", "Source", "open_frames"]


def open_frames(path: str | os.PathLike) -> Source:
    """Returns the lazy frames of a video file, of images or of a camera.

    Args:
      path: a video file (needs the extra `video`), a folder of images, a glob of images in quotes,
        an image or animated WebP or GIF, or the number of a camera, e.g. "0".

    Returns:
      A source, whose iteration yields `Frame`s: (H, W, 3) uint8 RGB images or DamagedFrames.

    Raises:
      FramesError: there is nothing there, it may not be read, or it is no video or image.
    """
    text = os.fspath(path)
    if os.path.isdir(text):
        return images.open_folder(Path(text))
    if os.path.lexists(text):
        is_image = Path(text).suffix.lower() in images.SUFFIXES
        return images.open_image(Path(text)) if is_image else video.open_video(text)
    if text.isdecimal():
        return video.open_camera(int(text))
    if glob.has_magic(text):
        files = [Path(name) for name in glob.glob(text, recursive=True) if os.path.isfile(name)]
        if not files:
            raise FramesError(f"no file matches {text}")
        return images.open_files(text, files)
    raise FramesError(f"there is no file, folder or camera '{text}'")
