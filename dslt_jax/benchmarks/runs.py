"""A benchmark run on disk: stop it at any moment, start it again, end with the same bytes.

    run.json                       settings, versions, and the hash of both
    Deer.txt                       ope, realtime: x, y, w, h a line, in the benchmark's coordinates
    Deer_confidence.value          the tracker's own confidence, a line a frame
    times/Deer_time.txt            seconds, a line a frame
    tre/Deer/Deer_001.txt ...      tre, sre: a file a start, in the order of `execute.starts`
    baseline/Deer/Deer_001.txt     supervised, and unsupervised/...: VOT's files, one a repetition
    failed/Deer.txt                the traceback of a sequence that failed; gone once it is done

Files appear whole and the last one of a sequence last, so what has a result is done. All but the
files with `_time` in their names are the same bytes however often the run was stopped; `realtime`
is not, because its simulated clock is moved by measured times.
"""

import os
import shutil
from collections.abc import Sequence as SequenceABC
from pathlib import Path
from typing import IO, Any

import numpy as np

from dslt_jax.benchmarks import execute, trajectory
from dslt_jax.benchmarks import results as results_lib
from dslt_jax.benchmarks import settings as settings_lib
from dslt_jax.benchmarks.datasets import Dataset, Sequence
from dslt_jax.benchmarks.execute import Failure, Protocol
from dslt_jax.benchmarks.results.base import shifted
from dslt_jax.benchmarks.settings import RunError
from dslt_jax.benchmarks.trajectory import Trajectory
from dslt_jax.boxes import Array

try:
    import fcntl
except ImportError:  # Windows has no such lock
    fcntl = None  # type: ignore[assignment]

# Protocols whose sequences have a folder each, and the folder of those folders.
FOLDERS = {"tre": "tre", "sre": "sre", "supervised": "baseline", "unsupervised": "unsupervised"}


class Run:
    """A run's directory, open for writing; one process at a time has it."""

    def __init__(
        self,
        path: str | Path,
        protocol: Protocol,
        settings: dict[str, Any],
        about: dict[str, Any] | None = None,
    ):
        """Opens a directory: new, without results yet, or of a run with the same settings.

        Args:
          path: the directory; made when missing.
          protocol: it decides the files.
          settings: all that decides the results, as JSON values; versions are added.
          about: what else is worth keeping, such as where the dataset lay; it may change.

        Raises:
          RunError: another process writes there, it holds a run with other settings (they are
            named) or something else, or it cannot be written.
        """
        self.path, self.protocol = Path(path), protocol
        settings = settings | {"protocol": protocol.describe()}
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(self.path)
        except OSError as error:
            raise RunError(f"cannot write to {self.path}: {error.strerror}") from None
        try:
            self._begin(settings, about or {})
            self._tidy()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets another process have the directory."""
        self._lock.close()

    def done(self, name: str) -> bool:
        """Whether a sequence has its result."""
        return (self.path / self._entries(name)[-1]).exists()

    def save(self, sequence: Sequence, group: SequenceABC[Trajectory]) -> None:
        """Writes a sequence's result; it is there whole or not at all.

        Raises:
          RunError: it cannot be written, e.g. the disk is full.
        """
        files = _contents(sequence, group, self.protocol)
        self._place(files, self._entries(sequence.name))
        self._forget_failure(sequence.name)

    def fail(self, name: str, failure: Failure) -> None:
        """Writes down why a sequence has no result; raises RunError when it cannot be written."""
        entry = f"failed/{name}.txt"
        self._place({entry: f"{failure.reason}\n\n{failure.traceback}"}, [entry])

    def _begin(self, settings: dict[str, Any], about: dict[str, Any]) -> None:
        """Checks the settings of a run that has results; of any other, writes them."""
        there = {path.name for path in self.path.iterdir() if not path.name.startswith(".")}
        results = sorted(there - {settings_lib.FILE, "failed"})
        if results and settings_lib.FILE not in there:
            raise RunError(
                f"{self.path} holds {', '.join(results[:3])} but no run: choose another directory"
            )
        if results:
            settings_lib.refuse_other(self.path, settings)
        text = settings_lib.dump(settings, about)
        self._place({settings_lib.FILE: text}, [settings_lib.FILE])

    def _tidy(self) -> None:
        """Takes away what a killed process had begun."""
        shutil.rmtree(self.path / ".unfinished", ignore_errors=True)
        for file in (self.path / "failed").glob("*.txt"):
            if self.done(file.stem):
                self._forget_failure(file.stem)

    def _entries(self, name: str) -> list[str]:
        """What a sequence's result is made of, in the order in which it appears."""
        if self.protocol.name in FOLDERS:
            return [f"{FOLDERS[self.protocol.name]}/{name}"]
        return [f"times/{name}_time.txt", f"{name}_confidence.value", f"{name}.txt"]

    def _place(self, files: dict[str, str], entries: list[str]) -> None:
        """Writes files beside the run and then renames `entries`, files or folders, into it."""
        staging = self.path / ".unfinished"
        try:
            shutil.rmtree(staging, ignore_errors=True)
            for name, text in files.items():
                _write_through(staging / name, text)
            for entry in entries:
                (self.path / entry).parent.mkdir(parents=True, exist_ok=True)
                (staging / entry).replace(self.path / entry)
        except OSError as error:
            raise RunError(
                f"cannot write {self.path / entries[-1]}: {error.strerror}. What is done is kept: "
                "the same command goes on from there"
            ) from None
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _forget_failure(self, name: str) -> None:
        folder = self.path / "failed"
        (folder / f"{name}.txt").unlink(missing_ok=True)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def read(path: str | Path, dataset: Dataset) -> results_lib.Results:
    """Returns a run's trajectories, of whatever protocol, with their times and confidences.

    Raises:
      RunError: it is no run.
      results.ResultsError: it has no result of the dataset's sequences.
    """
    name = settings_lib.read(path)["settings"]["protocol"]["name"]
    return results_lib.read(path, dataset, experiment=FOLDERS.get(name, "baseline"))


def check_starts(path: str | Path, dataset: Dataset) -> None:
    """Raises RunError where a result of one pass does not begin with its sequence's first box.

    Then it is of another video of that name, or the box has been corrected since.
    """
    for name, boxes in read(path, dataset).boxes.items():
        first = dataset[name].boxes[0]
        if len(boxes) and np.abs(boxes[0] - first).max() > 0.1:  # the files have four decimals
            came, now = (",".join(f"{number:g}" for number in box) for box in (boxes[0], first))
            raise RunError(
                f"{path} holds a result of {name} that begins with the box {came}, and it is {now} "
                f"here: choose another directory, or delete {name}.txt to have it done again"
            )


def segments(path: str | Path, dataset: Dataset) -> dict[str, list[tuple[int, Array]]]:
    """Returns what `metrics.evaluate_segments` takes of a tre or sre run.

    Returns:
      sequence name -> (first frame, boxes (N, 4) from there on) of each start.

    Raises:
      as `read`.
    """
    protocol = Protocol(settings_lib.read(path)["settings"]["protocol"]["name"])
    found = {}
    for name, group in read(path, dataset).runs.items():
        plan = execute.starts(dataset[name], protocol)
        if len(plan) != len(group):
            raise RunError(f"{name} has {len(group)} files of results for {len(plan)} starts")
        pairs = zip(plan, group, strict=True)
        found[name] = [(start.start, one.regions) for start, one in pairs]
    return found


def _contents(
    sequence: Sequence, group: SequenceABC[Trajectory], protocol: Protocol
) -> dict[str, str]:
    """Returns the text of each file of a sequence's result, by its path in the run."""
    name, codes = sequence.name, protocol.name in ("supervised", "unsupervised")
    if protocol.name not in FOLDERS:
        (one,) = group
        return {
            f"{name}.txt": _regions(one, sequence.origin, codes),
            f"{name}_confidence.value": _column(one.confidence),
            f"times/{name}_time.txt": _column(one.seconds),
        }
    files = {}
    for number, one in enumerate(group, start=1):
        stem = f"{FOLDERS[protocol.name]}/{name}/{name}_{number:03d}"
        files[f"{stem}.txt"] = _regions(one, sequence.origin, codes)
        files[f"{stem}_confidence.value"] = _column(one.confidence)
        files[f"{stem}_time.value"] = _column(one.seconds)
    return files


def _regions(one: Trajectory, origin: float, codes: bool) -> str:
    lines = [",".join(f"{v:.4f}" for v in row) for row in shifted(one.regions, origin)]
    if codes:
        special = np.flatnonzero(one.codes != trajectory.TRACKED)
        for i in special:
            lines[i] = str(int(one.codes[i]))
    return "\n".join(lines) + "\n"


def _column(values: Array) -> str:
    return "".join("\n" if np.isnan(value) else f"{value:.8f}\n" for value in values)


def _write_through(path: Path, text: str) -> None:
    """Writes a file and waits until it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _lock(path: Path) -> IO[str]:
    """Returns an open file that is locked until it is closed or the process ends, however."""
    file = open(path / ".lock", "w", encoding="utf-8")  # noqa: SIM115
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise RunError(
                f"another process is writing to {path}: wait for it, or choose another directory"
            ) from None
    return file
