"""What is known of each frame: the boxes of its targets, given or found, and when they changed."""

import collections
import threading
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from dslt_jax.app.loop import Record
from dslt_jax.types import Observation

MOST_MAPS = 5000  # frames whose response maps are kept; of a camera, those of the last minutes

Box = tuple[float, float, float, float]


class Cell(NamedTuple):
    """One target in one frame."""

    box: Box  # x, y, w, h in frame pixels
    confidence: float
    lost: bool
    given: bool  # by the user
    response: np.ndarray | None = None  # (G, G) uint8, 255 is 1
    search_box: Box | None = None


class Row(NamedTuple):
    """One frame."""

    frame: int
    time: float | None  # seconds from the start of the video
    size: tuple[int, int]  # width, height
    seconds: float  # until the boxes were there
    latency: float | None  # seconds since the frame was captured; of a camera
    damaged: str | None
    cells: Mapping[str, Cell]  # target -> what is known of it


class Book:
    """The rows of one input, in the order in which they changed. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: collections.OrderedDict[int, tuple[int, Row]] = collections.OrderedDict()
        self._version = 0
        self._with_maps: collections.deque[int] = collections.deque()

    def put(self, record: Record, targets: list[str], given: bool) -> Row:
        """Notes a record of those targets; what is known of others in that frame stays.

        Args:
          given: its boxes come from the user.
        """
        height, width = record.image.shape[:2]
        cells = {name: _cell(record.seen, i, given) for i, name in enumerate(targets)}
        number = record.frame.index
        with self._lock:
            before = self._rows[number][1].cells if number in self._rows else {}
            row = Row(
                number,
                record.frame.time,
                (width, height),
                record.seconds,
                record.latency,
                record.damaged,
                {**before, **cells},
            )
            self._set(row)
            self._with_maps.append(number)
            if len(self._with_maps) > MOST_MAPS:
                self._drop_maps(self._with_maps.popleft())
        return row

    def forget(self, frame: int, target: str | None = None) -> None:
        """Removes a target, or all of them, from a frame on."""
        with self._lock:
            for number in [number for number in self._rows if number >= frame]:
                _, row = self._rows[number]
                kept = {} if target is None else dict(row.cells)
                kept.pop(target or "", None)
                self._set(row._replace(cells=kept))

    def row(self, frame: int) -> Row | None:
        with self._lock:
            return self._rows[frame][1] if frame in self._rows else None

    def since(self, version: int, most: int) -> tuple[list[Row], int]:
        """Returns the rows that have changed since then, in that order, and the version reached.

        Args:
          most: of them; the others come with the next call.
        """
        with self._lock:
            changed = []
            for then, row in reversed(self._rows.values()):
                if then <= version:
                    break
                changed.append((then, row))
            changed = changed[::-1][:most]
            return [row for _, row in changed], changed[-1][0] if changed else version

    def __iter__(self) -> Iterator[Row]:
        """Yields the rows that have boxes, by their frames."""
        with self._lock:
            rows = [self._rows[number][1] for number in sorted(self._rows)]
        return (row for row in rows if row.cells)

    def targets(self) -> list[str]:
        """Returns all targets that have boxes somewhere, by their numbers."""
        return sorted({name for row in self for name in row.cells}, key=int)

    def _set(self, row: Row) -> None:
        self._version += 1
        self._rows[row.frame] = self._version, row
        self._rows.move_to_end(row.frame)

    def _drop_maps(self, number: int) -> None:
        if number not in self._rows or number in self._with_maps:  # it was found again
            return
        version, row = self._rows[number]
        cells = {name: cell._replace(response=None) for name, cell in row.cells.items()}
        self._rows[number] = version, row._replace(cells=cells)


def _cell(seen: Observation, target: int, given: bool) -> Cell:
    response = search = None
    if seen.response is not None and seen.search_boxes is not None:
        strength = np.clip(np.nan_to_num(np.asarray(seen.response[target], np.float32)), 0, 1)
        response = np.rint(255 * strength).astype(np.uint8)
        search = _box(seen.search_boxes[target])
    return Cell(
        _box(seen.boxes[target]),
        float(seen.confidence[target]),
        bool(seen.lost[target]),
        given,
        response,
        search,
    )


def _box(values: np.ndarray) -> Box:
    x, y, w, h = (round(float(value), 3) for value in values)
    return x, y, w, h
