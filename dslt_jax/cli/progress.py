"""How far a benchmark run is: a bar on a terminal, a line for each sequence everywhere."""

import contextlib
import time
from collections.abc import Callable

import numpy as np
from tqdm import tqdm

from dslt_jax.benchmarks import execute
from dslt_jax.benchmarks.datasets import Dataset, DatasetError
from dslt_jax.benchmarks.execute import Failure, Protocol
from dslt_jax.benchmarks.trajectory import Trajectory


class Progress:
    """A bar over frames with the time to finish, and a line for each sequence that ends."""

    def __init__(
        self,
        dataset: Dataset,
        names: list[str],
        protocol: Protocol,
        say: Callable[[str], None],
    ):
        self._say = say
        self._expected = dict.fromkeys(names, 0)
        for name in names:
            with contextlib.suppress(DatasetError):  # its task fails and says so
                self._expected[name] = execute.expected_frames(dataset[name], protocol)
        self._read = dict.fromkeys(names, 0)
        self._ended, self._begin = 0, time.monotonic()
        total = sum(self._expected.values())
        self._bar = tqdm(total=total, unit=" frames", disable=None, dynamic_ncols=True)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.close()

    def advance(self, name: str, frames: int) -> None:
        """Counts frames, never more than are expected: a repetition may be needed or not."""
        frames = min(frames, self._expected[name] - self._read[name])
        self._read[name] += frames
        self._bar.update(frames)

    def finish(self, name: str, outcome: list[Trajectory] | Failure) -> None:
        """Says how a sequence ended."""
        self.advance(name, self._expected[name])
        self._ended += 1
        if isinstance(outcome, Failure):
            result = f"failed: {outcome.reason}"
        else:
            seconds = np.concatenate([one.seconds for one in outcome])
            count = int(np.isfinite(seconds).sum())
            result = f"{count} frames, {count / np.nansum(seconds):.1f} a second"
        line = f"{name}: {result}; {self._ended} of {len(self._read)} sequences{self._left()}"
        self._bar.clear()
        self._say(line)
        self._bar.refresh()

    def _left(self) -> str:
        done, total = sum(self._read.values()), sum(self._expected.values())
        if not done or done >= total:
            return ""
        seconds = (time.monotonic() - self._begin) * (total - done) / done
        return f", about {tqdm.format_interval(seconds)} left"
