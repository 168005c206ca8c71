"""What the page leaves on disk: a folder as `dslt track` leaves one, and the overlay of a file."""

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dslt_jax import settings
from dslt_jax.app.folder import SUMMARY
from dslt_jax.app.sinks import (
    HEADER,
    RowFile,
    VideoFile,
    box_stem,
    plain_row,
    table_row,
    write_json,
)
from dslt_jax.app.spec import Spec
from dslt_jax.media.overlay import COLORS, Overlay
from dslt_jax.media.source import FPS, DamagedFrame, Image
from dslt_jax.media.writer import open_writer
from dslt_jax.types import Observation
from dslt_jax.ui.book import Book, Row
from dslt_jax.ui.clip import Clip
from dslt_jax.version import __version__

EVERY = 5.0  # seconds between two savings while a target is followed


class Kept:
    """A folder for what is known of one input, made when there is something to keep.

    Args:
      parent: where the folder is made; name: of the input.
    """

    def __init__(self, parent: Path, name: str):
        self._parent, self._name = parent, name
        self._folder: Path | None = None
        self._lock = threading.Lock()
        self._saved, self._pause = 0.0, EVERY

    @property
    def folder(self) -> Path:
        """The folder, one that nobody else has; raises OSError where it cannot be made."""
        stem = "".join(c if c.isalnum() or c in "-_" else "_" for c in Path(self._name).stem)[:60]
        number = 1
        while self._folder is None:
            path = self._parent / (f"{stem or 'input'}-{number}" if number > 1 else stem or "input")
            try:
                path.mkdir(parents=True)
                self._folder = path
            except FileExistsError:
                number += 1
        return self._folder

    def save(self, book: Book, spec: Spec, status: str, *, now: bool = True) -> None:
        """Writes the boxes and the summary, with `now` false only if that was some time ago.

        Raises:
          OSError: they cannot be written.
        """
        if not now and time.monotonic() - self._saved < self._pause:
            return
        with self._lock:
            start = time.monotonic()
            self._save(book, spec, status)
            self._pause = max(EVERY, 20 * (time.monotonic() - start))  # of long runs it takes long

    def _save(self, book: Book, spec: Spec, status: str) -> None:
        targets, rows, files = book.targets(), list(book), list[str]()
        if not targets and self._folder is None:
            return
        for target in targets:
            stem = box_stem(target if len(targets) > 1 else "")
            table = [_table_row(row, target) for row in rows if target in row.cells]
            RowFile(self.folder / f"{stem}.csv", HEADER, table).close()
            RowFile(self.folder / f"{stem}.txt", kept=map(plain_row, table)).close()
            files += [f"{stem}.csv", f"{stem}.txt"]
        for path in self.folder.glob("boxes*"):  # of targets that are no more
            if path.name not in files:
                path.unlink()
        if not targets:
            (self.folder / SUMMARY).unlink(missing_ok=True)
            return
        files += sorted(path.name for path in self.folder.glob("overlay*.[mw]*"))
        summary = {"status": status, "problems": [], **_about(self._name, rows, targets, spec)}
        write_json(self.folder / SUMMARY, summary | {"files": files})
        self._saved = time.monotonic()

    def undraw(self) -> None:
        """Removes the overlay video."""
        for path in self.folder.glob("overlay*.[mw]*") if self._folder else ():
            path.unlink(missing_ok=True)

    def camera_overlay(self, targets: list[str], fps: float | None) -> VideoFile:
        """Returns what draws the frames of a camera as they come; raises OSError."""
        number = len(list(self.folder.glob("overlay*"))) + 1
        stem = f"overlay_{number}" if number > 1 else "overlay"
        return VideoFile(self.folder, targets if len(targets) > 1 else [""], fps or FPS, stem)

    def file(self, name: str) -> Path | None:
        """Returns a file of the folder, None where there is none of that name."""
        if self._folder is None:
            return None
        return next((path for path in self._folder.iterdir() if path.name == name), None)

    def names(self) -> list[str]:
        """Returns the files that can be downloaded, the boxes first."""
        if self._folder is None:
            return []
        ours = {".csv", ".txt", ".mp4", ".webp", ".json"}
        return sorted(path.name for path in self._folder.iterdir() if path.suffix in ours)


def _table_row(row: Row, target: str) -> str:
    cell = row.cells[target]
    return table_row(row.frame, cell.box, cell.confidence, cell.lost, row.seconds, row.time)


def _about(name: str, rows: list[Row], targets: list[str], spec: Spec) -> dict[str, Any]:
    sizes: dict[tuple[int, int], dict[str, int]] = {}
    for row in rows:
        size = {"width": row.size[0], "height": row.size[1], "first_frame": row.frame, "frames": 0}
        sizes.setdefault(row.size, size)["frames"] += 1
    first = {t: next(row.cells[t] for row in rows if t in row.cells) for t in targets}
    return {
        "input": name,
        "preset": spec.preset,
        "weights": spec.weights,
        "seed": spec.seed,
        "targets": [{"name": t if len(targets) > 1 else "", "box": first[t].box} for t in targets],
        "config": settings.describe(spec.tracker()),
        "versions": {"dslt_jax": __version__},
        "frames": len(rows),
        "given_frames": {
            t: [row.frame for row in rows if t in row.cells and row.cells[t].given] for t in targets
        },
        "lost_frames": {
            t: sum(row.cells[t].lost for row in rows if t in row.cells) for t in targets
        },
        "damaged_frames": [
            {"frame": row.frame, "reason": row.damaged} for row in rows if row.damaged
        ],
        "frame_sizes": list(sizes.values()),
    }


def draw_overlay(book: Book, clip: Clip, folder: Path, done: Callable[[int, int], bool]) -> Path:
    """Draws the overlay of a file, from the first frame that has boxes to the last.

    Args:
      done: called with the frames that are drawn and their number; false ends it.

    Returns:
      the video.

    Raises:
      OSError: it cannot be written; FramesError: a frame cannot be read; InterruptedError: it was
        ended. Then there is no file.
    """
    rows = {row.frame: row for row in book}
    first, last = min(rows), max(rows)
    writer = open_writer(folder / "overlay", clip.source.fps or FPS)
    drawn = _Drawing()
    try:
        with contextlib.closing(clip.frames(first)) as frames:
            image: Image = np.zeros((clip.size[1], clip.size[0], 3), np.uint8)
            for frame in frames:
                damaged = isinstance(frame.image, DamagedFrame)
                image = image if isinstance(frame.image, DamagedFrame) else frame.image
                row = rows.get(frame.index)
                writer.add(drawn.draw(image, frame.index, row, damaged=damaged), frame.time)
                if not done(frame.index - first + 1, last - first + 1):
                    raise InterruptedError("the overlay was not finished")
                if frame.index >= last:
                    break
        writer.close()
    except BaseException:
        writer.abort()
        raise
    return writer.path


class _Drawing:
    """Overlays of the targets that are in a frame; each has one colour throughout."""

    def __init__(self) -> None:
        self._overlays: dict[tuple[str, ...], Overlay] = {}

    def draw(self, image: Image, index: int, row: Row | None, *, damaged: bool) -> Image:
        cells = row.cells if row else {}
        targets = tuple(sorted(cells, key=int))
        if targets not in self._overlays:
            colors = [COLORS[(int(target) - 1) % len(COLORS)] for target in targets]
            self._overlays[targets] = Overlay(
                targets if len(targets) > 1 else [""], colors or COLORS
            )
        return self._overlays[targets].draw(
            image, index, _observation([cells[t] for t in targets]), damaged=damaged
        )


def _observation(cells: list[Any]) -> Observation:
    boxes = np.array([cell.box for cell in cells], float).reshape(-1, 4)
    maps = [cell.response for cell in cells if cell.response is not None]
    whole = len(maps) == len(cells) > 0 and len({one.shape for one in maps}) == 1
    return Observation(
        boxes,
        np.array([cell.confidence for cell in cells]),
        np.array([cell.lost for cell in cells], bool),
        np.stack(maps) / 255 if whole else None,
        np.array([cell.search_box for cell in cells]) if whole else None,
    )
