"""Targets followed by a thread, from one frame on until someone stops it."""

import collections
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dslt_jax.app import loop
from dslt_jax.app.session import Session
from dslt_jax.app.spec import Spec
from dslt_jax.media.source import FramesError
from dslt_jax.ui.book import Book, Box
from dslt_jax.ui.clip import Clip, Live
from dslt_jax.weights.store import WeightsError

UNSEEN = 60.0  # seconds after which a camera is not followed on, if nobody looks
RECENT = 30  # frames over which the speed is measured
AT_HAND = 8  # frames that are kept for the page

ERRORS = (FramesError, WeightsError, ValueError, OSError, RuntimeError)


class Sessions:
    """Sessions that have compiled their programs, the last two of them; of one thread."""

    def __init__(self) -> None:
        self._kept: collections.OrderedDict[Spec, Session] = collections.OrderedDict()

    def get(self, spec: Spec) -> Session:
        """Returns the session of a tracker; raises as `Spec.build`."""
        if spec not in self._kept:
            self._kept[spec] = spec.build()
        self._kept.move_to_end(spec)
        while len(self._kept) > 2:
            self._kept.popitem(last=False)
        return self._kept[spec]


class Job:
    """Follows targets.

    Args:
      clip: what they are in; spec: the tracker.
      frame: the number of the first frame; boxes: target -> its box there.
      book: where the rows go.
      sinks: what else takes the records.
      changed: called when there is something new.
      keep: called with a status, and whether it is to be kept at once.
      looked: when somebody last looked, on `time.monotonic`.

    Attributes:
      state: preparing, tracking, done, stopped or failed.
      text: a sentence where something is to be said.
      records: the last ones, by the numbers of their frames.
    """

    def __init__(
        self,
        clip: Clip | Live,
        spec: Spec,
        frame: int,
        boxes: Mapping[str, Box],
        book: Book,
        *,
        sinks: Sequence[loop.Sink] = (),
        changed: Callable[[], None],
        keep: Callable[[str, bool], None],
        looked: Callable[[], float],
    ):
        self.spec, self.targets = spec, list(boxes)
        self.state, self.text = "preparing", ""
        self.frame, self.dropped = frame, 0
        self.latency: float | None = None
        self.seconds: float | None = None
        self.records: dict[int, loop.Record] = {}
        self._clip, self._book, self._sinks = clip, book, sinks
        self._boxes = np.array(list(boxes.values()), np.float32)
        self._changed, self._keep, self._looked = changed, keep, looked
        self._ends: collections.deque[float] = collections.deque(maxlen=RECENT)
        self._stopped = False

    @property
    def running(self) -> bool:
        return self.state in ("preparing", "tracking")

    @property
    def fps(self) -> float | None:
        """Frames a second, of the last ones."""
        ends = list(self._ends)
        return (len(ends) - 1) / (ends[-1] - ends[0]) if len(ends) > 1 else None

    def stop(self) -> None:
        self._stopped = True

    def run(self, sessions: Sessions) -> None:
        """Follows to the end; what goes wrong is `text`."""
        state, text = "failed", ""
        try:
            session = sessions.get(self.spec)
            with contextlib.closing(self._clip.frames(self.frame)) as frames:
                records = loop.follow(frames, session, self._boxes)
                loop.run(_until(records, self._ends_now), [*self._sinks, _Into(self)])
            state = "stopped" if self._stopped else "done"
            if state == "done" and isinstance(self._clip, Clip):
                self._clip.count = self.frame + 1
        except ERRORS as error:
            text = str(error) or type(error).__name__
        except Exception as error:
            text = f"a fault of dslt_jax, please report it: {type(error).__name__}: {error}"
        finally:
            self._keep("interrupted" if state == "stopped" else state, True)
            self.state, self.text = state, text or self.text
            self._changed()

    def _ends_now(self) -> bool:
        if self._clip.live and time.monotonic() - self._looked() > UNSEEN:
            self._stopped = True
            self.text = f"nobody looked for {UNSEEN:g} seconds: the camera is not followed on"
        return self._stopped

    def take(self, record: loop.Record) -> None:
        """Notes a record: first of all its boxes, then what the page shows beside them."""
        given = self.state == "preparing"
        self._book.put(record, self.targets, given)
        self.records[record.frame.index] = record
        while len(self.records) > AT_HAND:
            del self.records[next(iter(self.records))]
        if not given:
            self.dropped += record.frame.index - self.frame - 1
        self.frame, self.latency, self.seconds = (
            record.frame.index,
            record.latency,
            record.seconds,
        )
        self._ends.append(time.perf_counter())
        self.state = "tracking"
        self._changed()
        self._keep("running", False)


class _Into:
    """A job as a sink."""

    def __init__(self, job: Job):
        self.write = job.take

    def close(self) -> None:
        pass


def _until(records: Any, ends: Callable[[], bool]) -> Any:
    """The records up to the first behind which it ends."""
    with contextlib.closing(records):
        for record in records:
            yield record
            if ends():
                return
