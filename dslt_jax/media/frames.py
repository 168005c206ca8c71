"""Frames in: one function that opens a video, images or a camera, by path or by address."""

import glob
import os
import re
from pathlib import Path

from dslt_jax.media import address, folder, images, missing, network, pipe, span, video
from dslt_jax.media.source import DamagedFrame, Frame, FramesError, Image, Source

__all__ = [
    "DamagedFrame",
    "Frame",
    "FramesError",
    "Image",
    "Source",
    "local_path",
    "open_frames",
]


def open_frames(
    path: str | os.PathLike, start: str | int | None = None, end: str | int | None = None
) -> Source:
    """Returns the lazy frames of a video, of images or of a camera.

    Args:
      path: a video file (needs the extra `video`) or its address, e.g. "rtsp://host/1"; a folder
        of images, a glob of images in quotes or a pattern such as "frames/%04d.png", an image or an
        animated WebP, GIF or TIFF; a pipe, "-" for standard input; the number of a camera, e.g.
        "0". ~ and $NAME are expanded.
      start, end: the part that is wanted, from `start` on and before `end`: the number of a frame,
        from 0, e.g. "120", or a time in a video, e.g. "12.5s", "1:30" or "00:01:30.5".

    Returns:
      A source, whose iteration yields `Frame`s: (H, W, 3) uint8 RGB images or DamagedFrames.

    Raises:
      FramesError: there is nothing there, it may not be read, it is no video or image, or the part
        is not in it.
    """
    return span.cut(_open(os.fspath(path)), start, end)


def local_path(text: str) -> str:
    """Returns what an input is called on this machine; an address stays what it is.

    Raises:
      FramesError: it is a file:// address of another computer.
    """
    text = address.file_path(text) or text
    if address.is_address(text) or text == "-" or os.path.lexists(text):
        return text
    return os.path.expandvars(os.path.expanduser(text))  # as a shell does that sees ~ and $NAME


def _open(text: str) -> Source:
    if not text.strip():
        raise FramesError("the input is empty: it is a video, a folder of images or a camera")
    path = local_path(text)
    if address.is_address(path):
        return network.open_address(path)
    if pipe.is_pipe(path):
        return pipe.open_pipe(path)
    if path == "-":  # < clip.mp4
        path = "/dev/stdin"
    if camera := re.fullmatch(r"/dev/video([0-9]+)", path, re.ASCII):
        return video.open_camera(int(camera[1]))
    if os.path.isdir(path):
        return folder.open_folder(Path(path))
    if os.path.lexists(path):
        return _open_file(path)
    if path.isdecimal():
        return video.open_camera(int(path))
    shown = address.redact(path) if address.looks_secret(path) else path
    if glob.has_magic(path):
        files = [Path(name) for name in glob.glob(path, recursive=True) if os.path.isfile(name)]
        if not files:
            raise FramesError(f"no file matches {shown}")
        if len(files) == 1 and files[0].suffix.lower() in folder.VIDEO_SUFFIXES:
            return video.open_video(files[0])
        return folder.open_matches(path, files)
    if (matches := missing.numbered(path)) is not None:
        if not matches:
            raise FramesError(f"no file matches {shown}")
        return folder.open_files(path, matches)
    near = missing.nearest(path)
    hint = f"did you mean {near}?" if near else address.hint(path)
    shown = shown if shown.isprintable() else repr(shown)[1:-1]
    raise FramesError(f"there is no file, folder or camera '{shown}'{hint and f': {hint}'}")


def _open_file(path: str) -> Source:
    """The frames of a file, by its suffix or else by what is in it."""
    if Path(path).suffix.lower() not in images.SUFFIXES:
        return video.open_video(path)
    try:
        return images.open_image(Path(path))
    except images.NoImageError:
        if video.is_film(path):  # messengers call them .gif
            return video.open_video(path)
        raise
