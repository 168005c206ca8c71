"""Kills `dslt track` and `dslt benchmark` at random moments, and looks at what they leave.

    python experiments/reliability/kill.py
    python experiments/reliability/kill.py --kills 10 --preset kcf

SIGKILL, SIGTERM and SIGINT in turn, some while the program starts, most while it works. The same
command is then started again, with --resume for `track`, and killed again, until it comes to its
end, and then anew. After each kill: every file without .part is whole, rows that were there are
there still, a status tells how the run ended, no worker is left over. All that `benchmark` has
written, and `track` before its first restart, has the bytes of a run that nobody disturbed; the
tracker of `track` starts again from the last box, so that only as many rows are asked for after
that. The exit status is 1 where something was wrong.
"""

import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import commands
from absl import app, flags

from dslt_jax.app.sinks import HEADER
from dslt_jax.media.frames import DamagedFrame, FramesError, open_frames

FLAGS = flags.FLAGS
flags.DEFINE_integer("kills", 100, "how many, half of each command", lower_bound=2)
flags.DEFINE_integer("seed", 0, "of the moments")
flags.DEFINE_string("preset", "mosse", "which tracker; one whose weights are here")
flags.DEFINE_integer("frames", 600, "of the clip to track", lower_bound=10)
flags.DEFINE_integer("sequences", 12, "of the benchmark, a tenth of the frames each", lower_bound=2)

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
EARLY = 0.3  # of the kills come while the program starts
TICK = 0.005  # seconds

_ROW = re.compile(r"\d+(,-?\d+\.\d+){5},[01],\d+\.\d+,(\d+\.\d+)?")
_PLAIN = re.compile(r"-?\d+\.\d+(,-?\d+\.\d+){3}")


class Trial:
    """A command that is killed again and again; it writes to `run` in `place`.

    Its subclasses know how far a run is (`progress`), what one leaves that nobody disturbed
    (`keep_truth`) and what is wrong with another (`look`).
    """

    def __init__(self, name: str, words: list[str], place: Path):
        self.counts, self.faults = Counter[str](), list[str]()
        self._name, self._run, self._place = name, place / "run", place
        flags = [f"--preset={FLAGS.preset}", f"--output={self._run}"]
        self._words = [name, *words, *flags]
        self._starting = self._undisturbed()
        self._end = self.progress()
        self.keep_truth()
        shutil.rmtree(self._run)

    def _undisturbed(self) -> float:
        """Runs to the end, and returns the seconds until there was something."""
        for _ in range(2):  # the first one compiles
            shutil.rmtree(self._run, ignore_errors=True)
            begin, process = time.monotonic(), self._start()
            while process.poll() is None and not self.progress():
                time.sleep(TICK)
            first = time.monotonic()
            if process.wait():
                raise SystemExit(f"kill: dslt {self._name} failed: {self._said()}")
        return first - begin

    def kill(self, number: signal.Signals, chance: random.Random) -> None:
        """Starts the command, kills it, and looks at what is there."""
        begin, wait = time.monotonic(), chance.uniform(0, self._starting)
        goal = chance.uniform(self.progress(), self._end)
        early, process = chance.random() < EARLY, self._start()
        while process.poll() is None:
            if time.monotonic() > begin + wait if early else self.progress() > goal:
                break
            time.sleep(TICK)
        if process.poll() is None:
            # Ctrl-C goes to the workers too.
            send = os.killpg if number == signal.SIGINT else os.kill
            send(process.pid, number)
        self._judge(number, process.wait(commands.PATIENCE))
        if not commands.wait_for_group(process.pid):
            self._fault(number.name, "a worker was left over")

    def finish(self) -> None:
        """Lets the command come to its end, and looks at all of it."""
        status = self._start().wait()
        self._judge(None, status)
        if status:
            self._fault("at its end", f"it did not go on: {self._said()}")

    def _judge(self, number: signal.Signals | None, status: int) -> None:
        what = number.name if number else "at its end"
        for fault in self.look(whole=status == 0):
            self._fault(what, fault)
        if status == 0:
            self.counts["runs that came to their end"] += 1
            shutil.rmtree(self._run)
        elif number:
            self.counts[number.name] += 1
            # A process that is told to end before it listens ends by the signal, as any does.
            if status not in (-number, 128 + number) or "Traceback" in self._said():
                self._fault(what, f"status {status}: {self._said()}")
            self.counts["left something to go on from"] += bool(self.progress())

    def _start(self):
        return commands.start(self._words, self._place / "cache", self._place / "log.txt")

    def _said(self) -> str:
        return (self._place / "log.txt").read_text()[-500:]

    def _fault(self, what: str, text: str) -> None:
        self.faults.append(f"{self._name}, {what}: {text}")


class Benchmark(Trial):
    """Every file is there with the bytes of an undisturbed run, or not at all."""

    def progress(self) -> int:
        return len([*self._run.glob("*.txt")])

    def keep_truth(self) -> None:
        self._truth = commands.contents(self._run)

    def look(self, *, whole: bool) -> list[str]:
        found = commands.contents(self._run)
        wrong = [name for name, data in found.items() if self._truth.get(name) != data]
        missing = sorted(self._truth.keys() - found) if whole else []
        return [f"{name} is not that of an undisturbed run" for name in wrong + missing]


class Track(Trial):
    """Rows are written one by one, and what a restart keeps is never written again."""

    def progress(self) -> int:
        return len(self._rows())

    def keep_truth(self) -> None:
        self._truth, self._before = [_box(row) for row in self._rows()], list[str]()

    def look(self, *, whole: bool) -> list[str]:
        faults = []
        for path in sorted(self._run.glob("*")):
            try:
                _check(path)
            except (ValueError, FramesError) as error:
                faults.append(f"{path.name}: {error}")
        now, before = self._rows(), self._before
        if now[: len(before)] != before:
            faults.append(f"{len(before)} rows were there, {len(now)} others are now")
        if not before and [_box(row) for row in now] != self._truth[: len(now)]:
            faults.append("the boxes are not those of an undisturbed run")
        self._before = [] if whole else now
        if whole and (len(now) != FLAGS.frames or self._status() != "done"):
            faults.append(f"{len(now)} rows for {FLAGS.frames} frames, {self._status()}")
        if now and self._status() is None:
            faults.append("there are rows and no summary that says of which run")
        return faults

    def _rows(self) -> list[str]:
        """The whole rows of boxes.csv, or of its .part where these are more."""
        return max(map(_table, self._run.glob("boxes.csv*")), key=len, default=[])

    def _status(self) -> str | None:
        summary = self._run / "summary.json"
        return json.loads(summary.read_text())["status"] if summary.exists() else None


def _check(path: Path) -> None:
    """Raises ValueError or FramesError for a file that is not whole, of a .part but for its end."""
    name = path.name.removesuffix(".part")
    if path.name == "summary.json":
        json.loads(path.read_text())
    elif name == "boxes.csv":
        _table(path)
    elif name == "boxes.txt":
        _lines(path, _PLAIN)
    elif name.startswith("overlay") and path.name == name:
        for frame in open_frames(path):
            if isinstance(frame.image, DamagedFrame):
                raise ValueError(frame.image.reason)


def _table(path: Path) -> list[str]:
    try:
        header, *table = _lines(path, _ROW) or [HEADER]
    except FileNotFoundError:  # it has just got its name
        return []
    if header != HEADER or [int(row.split(",")[0]) for row in table] != list(range(len(table))):
        raise ValueError("it has another header, or its rows are not numbered from 0")
    return table


def _lines(path: Path, pattern: re.Pattern) -> list[str]:
    """The lines of a file, which end but for the last one of a .part."""
    *lines, rest = path.read_text().split("\n")
    wrong = [line for line in lines if not pattern.fullmatch(line) and line != HEADER]
    if wrong or (rest and path.suffix != ".part"):
        raise ValueError(f"a line is '{(wrong or [rest])[0][:60]}'")
    return lines


def _box(row: str) -> str:
    return row.rsplit(",", 2)[0]  # the rest are times


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    # A shell's background job is started deaf to Ctrl-C, and so would its children be.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chance, begin, faults = random.Random(FLAGS.seed), time.monotonic(), list[str]()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        commands.write_otb(place / "one", 1, FLAGS.frames)
        many = commands.write_otb(place / "many", FLAGS.sequences, max(FLAGS.frames // 10, 2))
        box = ",".join(map(str, commands.clip(1)[1][0]))
        one = [f"--input={place / 'one' / 'clip00' / 'img'}", f"--box={box}", "--resume"]
        for command, kind, words in (("track", Track, one), ("benchmark", Benchmark, many)):
            (place / command).mkdir()
            trial = kind(command, words, place / command)
            while (kills := sum(trial.counts[one.name] for one in SIGNALS)) < FLAGS.kills / 2:
                trial.kill(SIGNALS[kills % len(SIGNALS)], chance)
            trial.finish()
            told = ", ".join(f"{count} {what}" for what, count in trial.counts.items())
            print(f"{command}: {told}, {len(trial.faults)} faults", flush=True)
            faults += trial.faults
    for fault in faults:
        print(fault)
    print(f"seed {FLAGS.seed}, {time.monotonic() - begin:.0f} s")
    sys.exit(bool(faults))


if __name__ == "__main__":
    app.run(main)
