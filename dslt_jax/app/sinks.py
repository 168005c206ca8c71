"""What a run leaves on disk: boxes and a video; each keeps what was done until it ends."""

import array
import errno
import json
import os
import queue
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from dslt_jax.media.overlay import Overlay
from dslt_jax.media.writer import open_writer, part_of

if TYPE_CHECKING:  # it brings JAX, which who reads a run's files does not need
    from dslt_jax.app.loop import Record

COLUMNS = ("frame", "x", "y", "w", "h", "confidence", "lost", "milliseconds", "time")
HEADER = ",".join(COLUMNS)


def box_stem(name: str) -> str:
    """Returns how the files of a target's boxes begin; one target alone has no name, ""."""
    return f"boxes_{name}" if name else "boxes"


class RowFile:
    """A text file whose every row is on disk once written; it gets its name when it is closed.

    A row that does not fit on the disk is taken back whole, so that all rows of the file are good.

    Args:
      path: its name in the end; `path`.part until then.
      header: the first line, which is there with the first row.
      kept: rows of a run before, which come first. A .part that begins with them is written on.
    """

    def __init__(self, path: Path, header: str = "", kept: Iterable[str] = ()):
        self.path = path
        self.rows = 0
        self._header = header
        self._part = part_of(path)
        self._good = 0
        if not (rows := tuple(kept)):
            self._file = open(self._part, "wb", buffering=0)  # noqa: SIM115
            return
        lines = [header, *rows] if header else list(rows)
        data = "".join(f"{line}\n" for line in lines).encode()
        self._part.touch()
        self._file = open(self._part, "r+b", buffering=0)  # noqa: SIM115
        if self._file.read(len(data)) != data:
            self._file.seek(0)
            self._append(data)
        else:
            self._good = len(data)
        self._file.truncate(self._good)
        self.rows = len(rows)

    def write(self, row: str) -> None:
        data = f"{row}\n".encode()
        if self.rows == 0 and self._header:
            data = f"{self._header}\n".encode() + data
        self._append(data)
        self.rows += 1

    def _append(self, data: bytes) -> None:
        if self._file.write(data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        self._good += len(data)

    def close(self) -> None:
        """Names the file; without a row there is none, and an older one stays."""
        self._file.truncate(self._good)
        os.fsync(self._file.fileno())
        self._file.close()
        if self.rows:
            os.replace(self._part, self.path)
        else:
            self._part.unlink()


class BoxFiles:
    """boxes.csv and boxes.txt, or boxes_<name>.csv and .txt for each of several named targets.

    The milliseconds of boxes.csv are those until the box was there, learning apart; the time is
    that of the frame in the video, in seconds, empty where it is not known.

    Args:
      folder: it is there.
      names: one a target.
      kept: rows of boxes.csv of a run before, by target; this run goes on from the last of them,
        so that its first record is there already.
    """

    def __init__(
        self, folder: Path, names: Sequence[str], kept: Mapping[str, Sequence[str]] | None = None
    ):
        self._resumed = kept is not None
        self._tables, self._plain = [], []
        for name in names:
            rows, stem = kept[name] if kept else [], box_stem(name)
            self._tables.append(RowFile(folder / f"{stem}.csv", HEADER, rows))
            self._plain.append(RowFile(folder / f"{stem}.txt", kept=map(plain_row, rows)))

    @property
    def paths(self) -> list[Path]:
        """The files that have rows."""
        return [file.path for file in (*self._tables, *self._plain) if file.rows]

    def write(self, record: "Record") -> None:
        if self._resumed:
            self._resumed = False
            return
        seen, frame = record.seen, record.frame
        for i, (table, plain) in enumerate(zip(self._tables, self._plain, strict=True)):
            found = seen.boxes[i], seen.confidence[i], seen.lost[i]
            row = table_row(frame.index, *found, record.seconds, frame.time)
            table.write(row)
            plain.write(plain_row(row))

    def close(self) -> None:
        for file in (*self._tables, *self._plain):
            file.close()


def table_row(
    frame: int, box: ArrayLike, confidence: float, lost: bool, seconds: float, time: float | None
) -> str:
    """Returns a row of boxes.csv."""
    edges = ",".join(f"{value:.3f}" for value in np.asarray(box))
    shown = "" if time is None else f"{time:.3f}"
    return f"{frame},{edges},{confidence:.4f},{int(lost)},{1e3 * seconds:.2f},{shown}"


def plain_row(row: str) -> str:
    """Returns a row of boxes.txt from that of boxes.csv."""
    return ",".join(row.split(",")[1:5])


class VideoFile:
    """The overlay video, drawn and encoded by a thread of its own.

    A failure here, such as a full disk, does not stop the run: it is kept in `problem`, and the
    unfinished file is removed, which leaves room for the boxes. `finished` says that the video is
    there.
    """

    def __init__(self, folder: Path, names: Sequence[str], fps: float, stem: str = "overlay"):
        self.problem: str | None = None
        self.finished = False
        self.draw_ms = array.array("f")
        self.encode_ms = array.array("f")
        self._overlay = Overlay(names)
        self._writer = open_writer(folder / stem, fps)
        self._records: queue.Queue[Record | None] = queue.Queue(8)
        self._thread = threading.Thread(target=self._work, name="dslt-video", daemon=True)
        self._thread.start()

    @property
    def path(self) -> Path:
        return self._writer.path

    def write(self, record: "Record") -> None:
        self._records.put(record)

    def _work(self) -> None:
        while (record := self._records.get()) is not None:
            if self.problem is None:
                try:
                    self._add(record)
                except Exception as error:
                    self._fail(error)

    def _add(self, record: "Record") -> None:
        start = time.perf_counter()
        index, damaged = record.frame.index, record.damaged is not None
        late = "" if record.latency is None else f"{1e3 * record.latency:.0f} ms"
        image = self._overlay.draw(record.image, index, record.seen, damaged=damaged, note=late)
        drawn = time.perf_counter()
        self._writer.add(image, record.frame.time)
        self.draw_ms.append(1e3 * (drawn - start))
        self.encode_ms.append(1e3 * (time.perf_counter() - drawn))

    def _fail(self, error: Exception) -> None:
        reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        self.problem = f"the video {self.path} could not be written: {reason}"
        self._writer.abort()

    def close(self) -> None:
        self._records.put(None)
        self._thread.join()
        if self.problem is None:
            try:
                self._writer.close()
                self.finished = bool(self.encode_ms)
            except Exception as error:
                self._fail(error)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes a JSON file whole or not at all; raises OSError."""
    part = part_of(path)
    try:
        with open(part, "w", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
