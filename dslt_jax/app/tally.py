"""What a run comes to: counts, sizes and times, for its summary."""

import array
import operator
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

from dslt_jax.app.loop import Record
from dslt_jax.app.resume import Kept
from dslt_jax.app.sinks import VideoFile


class Tally:
    """Counts and times a run; the last sink, since it waits until a frame is learned.

    Args:
      names: one a target.
      kept: of the run before that this one resumes: its frames count, and its last one is the
        first of this run.
    """

    def __init__(self, names: Sequence[str], kept: Kept | None = None):
        self.frames = kept.count if kept else 0
        self.damaged = kept.damaged if kept else []
        self.lost = kept.lost if kept else dict.fromkeys(names, 0)
        self.sizes: dict[tuple[int, int], dict[str, int]] = {}  # by width and height
        self.dropped = 0  # frames that nobody had time for
        self.init_seconds = 0.0
        self.compile_seconds = 0.0
        self._begun, self._counted = False, kept is not None
        self._read_ms = array.array("f")
        self._locate_ms = array.array("f")  # of steps that compiled nothing, as the next
        self._learn_ms = array.array("f")
        self._latency_ms = array.array("f")  # of the same steps; none where frames wait
        self._last: int | None = None

    def write(self, record: Record) -> None:
        learning = record.learning()
        self.compile_seconds += record.compile_seconds
        self._read_ms.append(1e3 * record.frame.seconds)
        if not self._begun:
            self._begun = True
            self.init_seconds = learning  # what is compiled meanwhile is not in it
        elif record.damaged is None and record.compile_seconds == 0:
            self._locate_ms.append(1e3 * record.seconds)
            self._learn_ms.append(1e3 * learning)
            if record.latency is not None:
                self._latency_ms.append(1e3 * record.latency)
        if record.frame.captured is not None and self._last is not None:
            self.dropped += record.frame.index - self._last - 1
        self._last = record.frame.index
        height, width = record.image.shape[:2]
        size = {"width": width, "height": height, "first_frame": record.frame.index, "frames": 0}
        self.sizes.setdefault((width, height), size)["frames"] += 1
        if self._counted:
            self._counted = False
            return
        if record.damaged is not None:
            self.damaged.append({"frame": record.frame.index, "reason": record.damaged})
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

    @property
    def latency_ms(self) -> float | None:
        """The median; None where frames wait for the tracker."""
        return statistics.median(self._latency_ms) if self._latency_ms else None

    def summary(self, video: VideoFile | None) -> dict[str, Any]:
        """Returns what summary.json says of counts, sizes and times.

        Of a run that was resumed, sizes and times are those since then.
        """
        lost = self.lost.get("", self.lost)
        stages = {"read": self._read_ms, "locate": self._locate_ms, "learn": self._learn_ms}
        if self._latency_ms:
            stages["latency"] = self._latency_ms
        if video is not None:
            stages |= {"draw": video.draw_ms, "encode": video.encode_ms}
        return {
            "frames": self.frames,
            "lost_frames": lost,
            "damaged_frames": self.damaged,
            **({"dropped_frames": self.dropped} if self._latency_ms or self.dropped else {}),
            "frame_sizes": list(self.sizes.values()),
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
