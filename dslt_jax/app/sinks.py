"""What a run leaves on disk: boxes, a video, a summary; each keeps what was done until it ends."""

import array
import errno
import json
import operator
import os
import queue
import statistics
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dslt_jax.app.loop import Record
from dslt_jax.media.overlay import Overlay
from dslt_jax.media.writer import open_writer

COLUMNS = ("frame", "x", "y", "w", "h", "confidence", "lost", "milliseconds")


class RowFile:
    """A text file whose every row is on disk once written; it gets its name when it is closed.

    A row that does not fit on the disk is taken back whole, so that all rows of the file are good.
    """

    def __init__(self, path: Path, header: str = ""):
        self.path = path
        self.rows = 0
        self._header = header
        self._part = path.with_name(path.name + ".part")
        self._file = open(self._part, "wb", buffering=0)  # noqa: SIM115
        self._good = 0

    def write(self, row: str) -> None:
        data = f"{row}\n".encode()
        if self.rows == 0 and self._header:
            data = f"{self._header}\n".encode() + data
        if (written := self._file.write(data)) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        self._good += written
        self.rows += 1

    def close(self) -> None:
        """Names the file; without a row there is none, and an older one stays."""
        self._file.truncate(self._good)
        self._file.close()
        if self.rows:
            os.replace(self._part, self.path)
        else:
            self._part.unlink()


class BoxFiles:
    """boxes.csv and boxes.txt, or boxes_<name>.csv and .txt for each of several named targets.

    The milliseconds of boxes.csv are those until the box was there, learning apart.
    """

    def __init__(self, folder: Path, names: Sequence[str]):
        stems = [f"boxes_{name}" if name else "boxes" for name in names]
        self._tables = [RowFile(folder / f"{stem}.csv", ",".join(COLUMNS)) for stem in stems]
        self._plain = [RowFile(folder / f"{stem}.txt") for stem in stems]

    @property
    def paths(self) -> list[Path]:
        """The files that have rows."""
        return [file.path for file in (*self._tables, *self._plain) if file.rows]

    def write(self, record: Record) -> None:
        seen = record.seen
        for i, (table, plain) in enumerate(zip(self._tables, self._plain, strict=True)):
            box = ",".join(f"{value:.3f}" for value in seen.boxes[i])
            confidence, lost = seen.confidence[i], int(seen.lost[i])
            milliseconds = 1e3 * record.seconds
            table.write(f"{record.frame.index},{box},{confidence:.4f},{lost},{milliseconds:.2f}")
            plain.write(box)

    def close(self) -> None:
        for file in (*self._tables, *self._plain):
            file.close()


class VideoFile:
    """The overlay video, drawn and encoded by a thread of its own.

    A failure here, such as a full disk, does not stop the run: it is kept in `problem`, and the
    unfinished file is removed, which leaves room for the boxes. `finished` says that the video is
    there.
    """

    def __init__(self, folder: Path, names: Sequence[str], fps: float):
        self.problem: str | None = None
        self.finished = False
        self.draw_ms = array.array("f")
        self.encode_ms = array.array("f")
        self._overlay = Overlay(names)
        self._writer = open_writer(folder / "overlay", fps)
        self._records: queue.Queue[Record | None] = queue.Queue(8)
        self._thread = threading.Thread(target=self._work, name="dslt-video", daemon=True)
        self._thread.start()

    @property
    def path(self) -> Path:
        return self._writer.path

    def write(self, record: Record) -> None:
        self._records.put(record)

    def _work(self) -> None:
        while (record := self._records.get()) is not None:
            if self.problem is None:
                try:
                    self._add(record)
                except Exception as error:
                    self._fail(error)

    def _add(self, record: Record) -> None:
        start = time.perf_counter()
        index, damaged = record.frame.index, record.damaged is not None
        image = self._overlay.draw(record.image, index, record.seen, damaged=damaged)
        drawn = time.perf_counter()
        self._writer.add(image)
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


class Tally:
    """Counts and times a run; the last sink, since it waits until a frame is learned."""

    def __init__(self, names: Sequence[str]):
        self.frames = 0
        self.damaged: list[dict[str, Any]] = []
        self.lost = dict.fromkeys(names, 0)
        self.init_seconds = 0.0
        self.compile_seconds = 0.0
        self._read_ms = array.array("f")
        self._locate_ms = array.array("f")  # of steps that compiled nothing, as the next
        self._learn_ms = array.array("f")

    def write(self, record: Record) -> None:
        learning = record.learning()
        self.compile_seconds += record.compile_seconds
        if self.frames == 0:
            self.init_seconds = learning  # what is compiled meanwhile is not in it
        elif record.damaged is None and record.compile_seconds == 0:
            self._locate_ms.append(1e3 * record.seconds)
            self._learn_ms.append(1e3 * learning)
        if record.damaged is not None:
            self.damaged.append({"frame": record.frame.index, "reason": record.damaged})
        self._read_ms.append(1e3 * record.frame.seconds)
        for name, lost in zip(self.lost, record.seen.lost, strict=True):
            self.lost[name] += int(lost)
        self.frames += 1

    def close(self) -> None:
        pass

    @property
    def fps(self) -> float | None:
        """Frames a second of the median step, learning included, compilation apart."""
        if not self._locate_ms:
            return None
        return 1e3 / statistics.median(map(operator.add, self._locate_ms, self._learn_ms))

    def summary(self, video: VideoFile | None) -> dict[str, Any]:
        """Returns what summary.json says of counts and times."""
        lost = self.lost.get("", self.lost)
        stages = {"read": self._read_ms, "locate": self._locate_ms, "learn": self._learn_ms}
        if video is not None:
            stages |= {"draw": video.draw_ms, "encode": video.encode_ms}
        return {
            "frames": self.frames,
            "lost_frames": lost,
            "damaged_frames": self.damaged,
            "fps": self.fps and round(self.fps, 2),
            "compile_seconds": round(self.compile_seconds, 3),
            "first_frame_seconds": round(self.init_seconds, 3),
            "milliseconds": {name: _spread(times) for name, times in stages.items()},
        }


def _spread(times: array.array) -> dict[str, float] | None:
    if not times:
        return None
    values = {"median": np.median(times), "mean": np.mean(times), "p95": np.percentile(times, 95)}
    return {name: round(float(value), 3) for name, value in values.items()}


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes a JSON file whole or not at all; raises OSError."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(json.dumps(content, indent=2) + "\n")
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
