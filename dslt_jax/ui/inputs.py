"""What the page may open: what was named at the start, what lies in a folder, what was uploaded."""

import dataclasses
import itertools
import re
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from dslt_jax.media import folder as folders
from dslt_jax.media import images
from dslt_jax.media.address import redact
from dslt_jax.media.frames import Source, open_frames

CHUNK = 2**20
_SUFFIXES = folders.VIDEO_SUFFIXES | images.SUFFIXES


class InputError(ValueError):
    """Nothing that may be opened, or no upload that may be taken; the text says why."""


class Input(NamedTuple):
    """Something to open."""

    key: str  # by which the page asks for it
    name: str  # shown
    path: str  # of `open_frames`


class Inputs:
    """The page opens these and nothing else of the machine.

    Args:
      named: videos, folders, cameras, addresses, as of `dslt track --input`.
      folder: its videos, and its folders of images; None for none.
      uploads: a folder that is there, for what comes from the browser.
      most: bytes of all uploads together.
    """

    def __init__(self, named: Sequence[str], folder: Path | None, uploads: Path, most: int):
        self._folder, self._uploads, self.most = folder, uploads, most
        self._lock = threading.Lock()
        self._taken, self._numbers = 0, itertools.count()
        self._inputs = [
            Input(f"named-{i}", redact(text) if "://" in text else text, text)
            for i, text in enumerate(named)
        ]

    def all(self) -> list[Input]:
        """Returns what may be opened now."""
        with self._lock:
            return [*self._inputs, *self._listed()]

    def _listed(self) -> list[Input]:
        if self._folder is None:
            return []
        try:
            found = [
                path
                for path in self._folder.iterdir()
                if not path.name.startswith(".")
                and (path.suffix.lower() in folders.VIDEO_SUFFIXES or path.is_dir())
            ]
        except OSError:
            return []
        found.sort(key=lambda path: folders.natural_key(path.name))
        return [Input(f"file-{path.name}", path.name, str(path)) for path in found]

    def open(self, key: str) -> Source:
        """Opens what has that key.

        Raises:
          InputError: nothing has; FramesError: it cannot be read.
        """
        for one in self.all():
            if one.key == key:
                source = open_frames(one.path)
                uploaded = key.startswith("upload-")
                return dataclasses.replace(source, name=one.name) if uploaded else source
        raise InputError("that video is not there any more: choose another")

    def take(self, name: str, stream: BinaryIO, size: int) -> Input:
        """Keeps an upload until the program ends.

        Args:
          name: the file's; only its end decides anything.
          stream: its content; size: in bytes.

        Raises:
          InputError: it is no video or image, too large, or broke off; OSError: the disk is full.
        """
        suffix = Path(name).suffix.lower()
        if suffix not in _SUFFIXES:
            raise InputError(
                f"{name} is no video or image by its name: {', '.join(sorted(_SUFFIXES))} are read"
            )
        with self._lock:
            if size > self.most - self._taken:
                raise InputError(
                    f"{name} has {size / 2**20:.0f} MB, and uploads may have "
                    f"{(self.most - self._taken) / 2**20:.0f} MB more: start with a larger "
                    "--upload_mb, or name the video at the start"
                )
            self._taken += size
            number = next(self._numbers)
        path = self._uploads / f"{number}{suffix}"
        try:
            self._copy(name, stream, size, path)
        except BaseException:
            path.unlink(missing_ok=True)
            with self._lock:
                self._taken -= size
            raise
        taken = Input(f"upload-{number}", name, str(path))
        with self._lock:
            self._inputs.append(taken)
        return taken

    def _copy(self, name: str, stream: BinaryIO, size: int, path: Path) -> None:
        left, first = size, True
        with open(path, "xb") as file:
            while left:
                if not (part := stream.read(min(CHUNK, left))):
                    raise InputError(f"the upload of {name} broke off")
                if first and _is_text(part[:256]):
                    raise InputError(f"{name} is text, such as a list of videos, and no video")
                first = False
                left -= len(part)
                file.write(part)
        if first:
            raise InputError(f"{name} is empty (0 bytes)")

    def close(self) -> None:
        shutil.rmtree(self._uploads, ignore_errors=True)


def _is_text(beginning: bytes) -> bool:
    """A playlist or a list of parts would name other files of this machine."""
    if re.match(rb"YUV4MPEG2 |P[1-6]\s", beginning):  # pictures, whose pixels may look like text
        return False
    return bool(re.fullmatch(rb"(\xef\xbb\xbf)?[\t\n\r\x20-\x7e]*", beginning))
