"""Follows a target for 100,000 frames in one run and watches the memory of the process.

    python experiments/reliability/soak.py
    python experiments/reliability/soak.py --frames 1000000 --preset kcf --novideo

A short clip is played to and fro through the run loop of `dslt track`, with all that it writes: the
tables of boxes and the overlay video. The resident memory is printed after 1,000 frames and at
every tenth of the run; growth after that of more than 2 % and 8 MiB makes the exit status 1.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import commands
import numpy as np
import sandbox
from absl import app, flags, logging

from dslt_jax.app import loop, sinks
from dslt_jax.app.spec import Spec
from dslt_jax.app.tally import Tally
from dslt_jax.media.source import Frame

FLAGS = flags.FLAGS
flags.DEFINE_integer("frames", 100_000, "how many", lower_bound=20)
flags.DEFINE_string("preset", "mosse", "which tracker; one whose weights are here")
flags.DEFINE_boolean("video", True, "write the overlay too")

WARM = 1000  # frames until all that is kept for good is there
SHARE, MORE = 0.02, 8 << 20  # growth that is allowed: a part, and bytes


def played(count: int) -> Iterator[Frame]:
    """Yields so many frames of a short clip that is played to and fro."""
    images, _ = commands.clip(180)
    for index in range(count):
        image = images[commands.bounce(index, len(images) - 1)]
        yield Frame(index, f"frame {index}", image, 0.0, index / 25)


class Memory:
    """A sink that notes and prints the resident memory at some frames."""

    def __init__(self, frames: set[int]):
        self.resident: list[int] = []  # bytes
        self._frames, self._begin = frames, time.monotonic()

    def write(self, record: loop.Record) -> None:
        number = record.frame.index + 1
        if number in self._frames:
            self.resident.append(sandbox.used("VmRSS"))
            seconds = time.monotonic() - self._begin
            print(f"{number:9,} {self.resident[-1] / 2**20:9.1f} {seconds:8.0f}", flush=True)

    def close(self) -> None:
        pass


def soak(spec: Spec, count: int, folder: Path, *, video: bool) -> list[int]:
    """Runs, and returns the memory after the first thousand frames and at every tenth."""
    memory = Memory({min(WARM, count // 10), *(round(count * i / 10) for i in range(1, 11))})
    names = [""]
    drawn = [sinks.VideoFile(folder, names, 25.0)] if video else []
    outputs = [sinks.BoxFiles(folder, names), *drawn, Tally(names), memory]
    box = commands.clip(1)[1]
    loop.run(loop.follow(played(count), spec.build(), box.astype(np.float32)), outputs)
    if problems := [one.problem for one in drawn if one.problem]:
        raise SystemExit(f"soak: {problems[0]}")
    return memory.resident


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    logging.set_verbosity(logging.WARNING)
    if not sandbox.used("VmRSS"):
        raise SystemExit("soak: resident memory is read from /proc, which is not here")
    print(f"{'frames':>9} {'MiB':>9} {'seconds':>8}")
    with tempfile.TemporaryDirectory() as name:
        first, *rest = soak(Spec(FLAGS.preset), FLAGS.frames, Path(name), video=FLAGS.video)
        rows = Path(name, "boxes.csv").read_text().count("\n") - 1
    if rows != FLAGS.frames:
        raise SystemExit(f"soak: {rows} rows were written for {FLAGS.frames} frames")
    grown, allowed = max(rest) - first, SHARE * first + MORE
    print(f"grown by {grown / 2**20:.1f} MiB, {allowed / 2**20:.1f} MiB are allowed")
    sys.exit(grown > allowed)


if __name__ == "__main__":
    app.run(main)
