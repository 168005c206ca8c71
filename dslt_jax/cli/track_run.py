"""A run of `dslt track` on disk: its files, its summary from the start to the end, its report."""

import contextlib
import os
import platform
import sys
from collections.abc import Generator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
from tqdm import tqdm

from dslt_jax.app import loop, sinks
from dslt_jax.app.folder import SUMMARY, Folder
from dslt_jax.app.resume import Kept
from dslt_jax.app.tally import Tally
from dslt_jax.cli import endings
from dslt_jax.cli.main import UserError
from dslt_jax.media.frame_size import SizeWatch
from dslt_jax.media.frames import FramesError
from dslt_jax.media.source import FPS
from dslt_jax.version import __version__


def run(
    records: Generator[loop.Record, None, None],
    folder: Folder,
    names: Sequence[str],
    asked: dict[str, Any],
    *,
    fps: float | None,
    total: int | None,
    video: bool,
    kept: Kept | None,
) -> int:
    """Hands the records to all sinks and writes the summary, however the run ends.

    Args:
      records: of `loop.follow`.
      folder: where the files go.
      names: one a target.
      asked: what the run was asked for, as JSON values; the first part of its summary.
      fps: of the input, frames a second.
      total: how many frames there seem to be.
      video: an overlay is wanted.
      kept: what this run resumes.

    Returns:
      the exit status.

    Raises:
      FolderError: the folder cannot be written to; FramesError, UserError: the target cannot be
        learned. What was there before is left as it is.
    """
    path, records = folder.path, begin(records)
    resumed, overlays = _parts(path, kept)
    stem = f"overlay_{len(resumed) + 1}" if resumed else "overlay"
    drawn = sinks.VideoFile(path, names, fps or FPS, stem) if video else None
    about = {**asked, **_machine(), **({"resumed": resumed} if resumed else {})}
    planned = [f"{sinks.box_stem(name)}{end}" for name in names for end in (".csv", ".txt")]
    planned += [*overlays, *([drawn.path.name] if drawn else [])]
    tally, problems, status, stopped = Tally(names, kept), list[str](), "failed", None
    running = {"status": "running", "problems": [], **about, "damaged_frames": tally.damaged}
    folder.begin(running | {"files": planned}, keep=kept is not None)
    if kept is not None:
        _tell(kept, path, drawn)
    bar = Progress(total, kept.count - 1 if kept else 0)
    boxes = None
    try:
        boxes = sinks.BoxFiles(path, names, kept.rows if kept else None)
        loop.run(records, [boxes, *([drawn] if drawn else []), bar, tally])
        status = "done"
    except KeyboardInterrupt as stop:
        status, stopped = "interrupted", endings.signal_of(stop)
    except FramesError as error:
        problems.append(str(error))
    except OSError as error:
        problems.append(f"cannot write {error.filename or path}: {error.strerror}")
    finally:
        if tally.damaged:
            problems.append(f"{len(tally.damaged)} of {tally.frames} frames could not be read")
        if drawn is not None and drawn.problem:
            problems.append(drawn.problem)
        if status == "done" and problems:
            status = "incomplete"
        written = boxes.paths if boxes else []
        written += [path / name for name in overlays]
        written += [drawn.path] if drawn and drawn.finished else []
        ended = {"signal": stopped.name} if stopped else {}
        summary = {"status": status, "problems": problems, **ended, **about}
        summary |= tally.summary(drawn) | {"files": [file.name for file in written]}
        try:
            sinks.write_json(path / SUMMARY, summary)
        except OSError as error:
            problems.append(f"cannot write {path / SUMMARY}: {error.strerror}")
    for problem in problems:
        say(problem)
    _report(tally, path, written, status)
    return 128 + stopped if stopped else int(bool(problems))


def begin(records: Generator[loop.Record, None, None]) -> Generator[loop.Record, None, None]:
    """Returns the records once the first is there, before a file of the run before is removed."""
    try:
        return loop.begun(records)
    except FramesError:
        raise
    except ValueError as error:  # what only this frame and this tracker together tell
        raise UserError(f"the target cannot be learned: {error}") from None


class Progress:
    """A progress bar with frames a second, on a terminal only; and what is said meanwhile."""

    def __init__(self, total: int | None, done: int = 0):
        self._bar = tqdm(
            total=total, initial=done, unit=" frames", disable=None, dynamic_ncols=True
        )
        self._sizes = SizeWatch()
        self._dropped, self._last = 0, -1

    def write(self, record: loop.Record) -> None:
        where = f"frame {record.frame.index}"
        if record.damaged:
            self._say(f"{where}: {record.damaged}")
        elif told := self._sizes.change(record.image, where):
            self._say(f"{told} ({SUMMARY} has all sizes)")
        if record.latency is not None:
            self._dropped += record.frame.index - self._last - 1
            late = f"{1e3 * record.latency:.0f} ms late, {self._dropped} dropped"
            self._bar.set_postfix_str(late, refresh=False)
        self._last = record.frame.index
        self._bar.update()

    def _say(self, text: str) -> None:
        self._bar.clear()
        say(text)

    def close(self) -> None:
        self._bar.close()


def say(text: str) -> None:
    print(f"dslt track: {text}", file=sys.stderr)


def _parts(path: Path, kept: Kept | None) -> tuple[list[dict[str, Any]], list[str]]:
    """The restarts of a run, this one included, and the overlays that those before finished."""
    if kept is None:
        return [], []
    restart = {"frame": kept.frame, "kept_frames": kept.count, "lost_targets": kept.lost_now}
    files = [name for name in kept.summary["files"] if name.startswith("overlay")]
    return [*kept.summary.get("resumed", []), restart], [
        name for name in files if (path / name).exists()
    ]


def _tell(kept: Kept, path: Path, drawn: sinks.VideoFile | None) -> None:
    """Says where a run goes on, and what of the one before is not there."""
    say(
        f"{kept.count} frames are kept. The tracker starts again from the last box, in frame "
        f"{kept.frame}, so that what follows may differ from a run in one piece"
    )
    for name in kept.lost_now:
        say(f"target {name} is lost in frame {kept.frame}: look at its boxes from there on")
    for name in kept.summary["files"]:
        if name.startswith("overlay") and not (path / name).exists():
            sinks.part_of(path / name).unlink(missing_ok=True)
            say(f"{name} was not finished, and cannot be: it is not kept")
    if drawn is not None:
        say(f"{drawn.path.name} shows frame {kept.frame} and what follows")


def _machine() -> dict[str, Any]:
    device = jax.devices()[0]
    packages = ("jax", "jaxlib", "numpy", "pillow", "av")
    versions = {"dslt_jax": __version__, "python": platform.python_version()}
    for package in packages:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return {
        "versions": versions,
        "device": {
            "platform": device.platform,
            "kind": device.device_kind,
            "cpu_cores": os.cpu_count(),
            "system": platform.platform(),
        },
    }


def _report(tally: Tally, folder: Path, written: list[Path], status: str) -> None:
    if not tally.frames:
        return
    speed = f", {tally.fps:.1f} frames a second" if tally.fps else ""
    lost = ", ".join(f"{n} lost{f' ({name})' if name else ''}" for name, n in tally.lost.items())
    names = ", ".join(file.name for file in written)
    late = f", {tally.latency_ms:.0f} ms late, {tally.dropped} dropped" if tally.latency_ms else ""
    print(
        f"{status}: {tally.frames} frames{speed} (compiling took {tally.compile_seconds:.1f} s "
        f"more), {lost}{late}\n{folder}: {names}, {SUMMARY}"
    )
