"""Runs a benchmark with 24 workers on whatever cores there are, and kills one each minute.

    python experiments/reliability/workers.py
    python experiments/reliability/workers.py --workers 8 --minutes 2 --period 20

A worker that is killed fails its sequence, is replaced, and its sequence is done by the next call
of the same command. Nothing else may be lost: every run ends with the bytes of one that nobody
disturbed, but for measured times. Runs follow one another until the time is over. The exit status
is 1 where something was wrong. A worker needs about 250 MB.
"""

import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import commands
import psutil
from absl import app, flags

FLAGS = flags.FLAGS
flags.DEFINE_integer("workers", 24, "processes at once", lower_bound=1)
flags.DEFINE_float("minutes", 5.0, "how long", lower_bound=0.01)
flags.DEFINE_float("period", 60.0, "seconds from one kill to the next", lower_bound=0.1)
flags.DEFINE_integer("sequences", 48, "of the benchmark", lower_bound=2)
flags.DEFINE_integer("frames", 1500, "of each sequence", lower_bound=2)
flags.DEFINE_string("preset", "mosse", "which tracker; one whose weights are here")
flags.DEFINE_integer("seed", 0, "of the choice of workers")


class Trial:
    """Runs in `place` that are disturbed until the time is over."""

    def __init__(self, place: Path):
        self.counts, self.faults = Counter[str](), list[str]()
        self._place, self._run = place, place / "run"
        self._words = [
            "benchmark",
            *commands.write_otb(place / "data", FLAGS.sequences, FLAGS.frames),
        ]
        self._chance = random.Random(FLAGS.seed)
        if self._call("truth", workers=2):
            raise SystemExit(f"workers: dslt benchmark failed: {self._said()}")
        self._truth = commands.contents(place / "truth")

    def disturb(self) -> None:
        """Runs and kills until the time is over and the last run is done, or there is a fault."""
        now = time.monotonic()
        self._end, self._due = now + 60 * FLAGS.minutes, now + FLAGS.period
        while time.monotonic() < self._end and not self.faults:
            while self._call("run", FLAGS.workers) == 1 and not self.faults:
                pass  # a sequence failed: the same command tries it again
            if not self.faults and commands.contents(self._run) != self._truth:
                self.faults.append("the bytes are not those of an undisturbed run")
            self.counts["runs"] += 1
            shutil.rmtree(self._run, ignore_errors=True)

    def _call(self, output: str, workers: int) -> int:
        """Calls the command and kills workers that are due; returns its status."""
        words = [*self._words, f"--preset={FLAGS.preset}", f"--workers={workers}"]
        words += [f"--output={self._place / output}"]
        process = commands.start(words, self._place / "cache", self._place / "log.txt")
        if output == "truth":
            return process.wait()
        killed = 0
        while process.poll() is None:
            if self._due <= time.monotonic() < self._end and (busy := _workers(process.pid)):
                self._chance.choice(busy).kill()
                killed += 1
                self._due += FLAGS.period
            time.sleep(0.1)
        status, said = process.returncode, self._said()
        self.counts["calls"] += 1
        self.counts["kills"] += killed
        if status not in (0, 1) or (status == 1 and not killed) or "Traceback" in said:
            self.faults.append(f"status {status} after {killed} kills: {said}")
        if (told := said.count("was killed by SIGKILL")) > killed:
            self.faults.append(f"{killed} workers were killed, {told} are told")
        if not commands.wait_for_group(process.pid):
            self.faults.append("a worker was left over")
        return status

    def _said(self) -> str:
        return (self._place / "log.txt").read_text()[-2000:]


def _workers(parent: int) -> list[psutil.Process]:
    """The worker processes of a run."""
    try:
        children = psutil.Process(parent).children()
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    except psutil.Error:  # one has just ended
        return []


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    with tempfile.TemporaryDirectory() as name:
        trial = Trial(Path(name))
        trial.disturb()
    told = ", ".join(f"{count} {what}" for what, count in trial.counts.items())
    print(f"{FLAGS.workers} workers, {told}, {len(trial.faults)} faults")
    for fault in trial.faults:
        print(fault)
    if not trial.counts["kills"]:
        raise SystemExit("workers: nobody was killed: more --minutes or a shorter --period")
    sys.exit(bool(trial.faults))


if __name__ == "__main__":
    app.run(main)
