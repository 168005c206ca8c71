"""Follows a target through a video, a folder of images or a camera.

    dslt track --input clip.mp4 --box 159,82,56,65
    dslt track --input frames/ --gui --output out/
    dslt track --input 'frames/*.png' --box_file box.txt --preset googlenet --set scale_step=1.01
    dslt track --input 0 --gui                    (the first camera, until Ctrl-C)
    dslt track --input clip.mp4 --targets boxes.txt     (several targets at once)

A box is x,y,w,h in pixels of the first frame; x,y is its top-left corner, counted from 0.

It writes to the output folder: boxes.csv (frame,x,y,w,h,confidence,lost,milliseconds), boxes.txt
(x,y,w,h a line), overlay.mp4 (or .webp without the extra `video`) and summary.json (settings,
versions, times). A box is written as soon as it is there, before the tracker learns from it, and
the milliseconds are those until then; the frames a second count both. With --targets there are a
boxes_<name>.csv and .txt for each. Ctrl-C, a full disk or damage in the video end the run early
and keep what is done.

Exit status: 0 all done; 1 something was not, such as a frame that cannot be read (the last box is
repeated there, as lost); 2 wrong flags; 130 Ctrl-C.
"""

import contextlib
import itertools
import os
import platform
import sys
from collections.abc import Callable, Generator, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
from absl import flags
from tqdm import tqdm

from dslt_jax import settings
from dslt_jax.app import compiled, loop, sinks
from dslt_jax.cli import common, targets
from dslt_jax.cli.main import UserError
from dslt_jax.media import select
from dslt_jax.media.frames import DamagedFrame, Frame, FramesError, Image, Source, open_frames
from dslt_jax.types import Tracker
from dslt_jax.version import __version__
from dslt_jax.weights.store import WeightsError

DEFAULT_FPS = 25.0  # of the overlay video where the input does not say

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    "input",
    None,
    "a video file, a folder of images, a quoted glob of images, or a camera's number",
    flag_values=FLAGS,
)
flags.DEFINE_string("box", None, "the target on the first frame: x,y,w,h", flag_values=FLAGS)
flags.DEFINE_string("box_file", None, "a file whose first line is the box", flag_values=FLAGS)
flags.DEFINE_boolean("gui", False, "drag the box in a window", flag_values=FLAGS)
flags.DEFINE_string(
    "targets",
    None,
    "a file of several boxes, followed at once: x,y,w,h and perhaps a name a line",
    flag_values=FLAGS,
)
flags.DEFINE_string("output", "out", "the folder to write to", flag_values=FLAGS)
flags.DEFINE_boolean("video", True, "write the overlay video", flag_values=FLAGS)
flags.DEFINE_integer(
    "max_frames", None, "stop after so many frames", lower_bound=1, flag_values=FLAGS
)
common.define_tracker_flags(FLAGS)


def main(values: flags.FlagValues, arguments: list[str]) -> int:
    """Tracks and writes; returns the exit status."""
    if arguments:
        raise UserError(f"'{arguments[0]}' belongs to no flag: the input is --input PATH")
    if values.input is None:
        raise UserError("what is to be tracked? --input VIDEO, FOLDER, 'GLOB' or CAMERA NUMBER")
    spec, tracker = common.tracker_from_flags(values)
    common.check_device()
    wanted = _targets_from_flags(values)
    try:
        source = open_frames(values.input)
        for note in source.notes:
            _say(note)
        with contextlib.closing(iter(source)) as frames:
            first, image = _first(frames)
            height, width = image.shape[:2]
            wanted = wanted or [_select(image)]
            _check(wanted, tracker, width, height)
            folder = _make_folder(Path(values.output))
            if values.keep_compiled and (problem := compiled.keep()):
                _say(problem)
            session = spec.build()
            rest = itertools.islice(itertools.chain([first], frames), values.max_frames)
            records = loop.follow(rest, session, [target.box for target in wanted])
            asked = {
                "input": values.input,
                "targets": [target._asdict() for target in wanted],
                "preset": values.preset,
                "weights": values.weights,
                "seed": values.seed,
                "config": settings.describe(tracker),
            }
            return _run(records, source, folder, values, [t.name for t in wanted], asked)
    except (FramesError, targets.TargetError, WeightsError, select.SelectError) as error:
        raise UserError(str(error)) from None


def _run(
    records: Generator[loop.Record, None, None],
    source: Source,
    folder: Path,
    values: flags.FlagValues,
    names: list[str],
    asked: dict[str, Any],
) -> int:
    """Runs with all sinks, writes the summary however the run ends and returns the status."""
    tally, problems, status = sinks.Tally(names), list[str](), "failed"
    try:
        boxes = sinks.BoxFiles(folder, names)
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror}") from None
    video = sinks.VideoFile(folder, names, source.fps or DEFAULT_FPS) if values.video else None
    total = min(filter(None, (source.count, values.max_frames)), default=None)
    takers: list[loop.Sink] = [boxes, *([video] if video else []), Progress(total), tally]
    try:
        loop.run(records, takers)
        status = "done"
    except KeyboardInterrupt:
        status = "interrupted"
    except FramesError as error:
        problems.append(str(error))
    except OSError as error:
        problems.append(f"cannot write {error.filename or folder}: {error.strerror}")
    finally:
        if tally.damaged:
            problems.append(f"{len(tally.damaged)} of {tally.frames} frames could not be read")
        if video is not None and video.problem:
            problems.append(video.problem)
        if status == "done" and problems:
            status = "incomplete"
        written = [*boxes.paths, *([video.path] if video and video.finished else [])]
        summary = {"status": status, "problems": problems, **asked, **_machine()}
        summary |= tally.summary(video) | {"files": [path.name for path in written]}
        try:
            sinks.write_json(folder / "summary.json", summary)
        except OSError as error:
            problems.append(f"cannot write {folder / 'summary.json'}: {error.strerror}")
    for problem in problems:
        _say(problem)
    _report(tally, folder, written, status)
    return 130 if status == "interrupted" else int(bool(problems))


class Progress:
    """A progress bar with frames a second; on a terminal only."""

    def __init__(self, total: int | None):
        self._bar = tqdm(total=total, unit=" frames", disable=None, dynamic_ncols=True)

    def write(self, record: loop.Record) -> None:
        if record.damaged:
            self._bar.clear()
            _say(f"frame {record.frame.index}: {record.damaged}")
        self._bar.update()

    def close(self) -> None:
        self._bar.close()


def _targets_from_flags(values: flags.FlagValues) -> list[targets.Target]:
    """The boxes that the flags give; none where a window is to ask for one."""
    ways = ("box", "box_file", "gui", "targets")
    given = [f"--{way}" for way in ways if values[way].value]
    if len(given) != 1:
        came = f"{' and '.join(given)} were given" if given else "none was given"
        raise UserError(
            f"where is the target? One of --box x,y,w,h, --box_file, --gui, --targets: {came}"
        )
    try:
        if values.targets:
            return targets.read_targets(values.targets)
        if values.box_file:
            return [targets.Target("", targets.read_box(values.box_file))]
        return [] if values.gui else [targets.Target("", targets.parse_box(values.box))]
    except targets.TargetError as error:
        raise UserError(str(error)) from None


def _first(frames: Iterator[Frame]) -> tuple[Frame, Image]:
    first = next(frames, None)
    if first is None:
        raise FramesError("the input has no frames")
    if isinstance(first.image, DamagedFrame):
        raise FramesError(
            f"the first frame cannot be read, and the target is learnt there: {first.image.reason}"
        )
    return first, first.image


def _check(wanted: list[targets.Target], tracker: Tracker, width: int, height: int) -> None:
    """Refuses boxes that cannot be followed, and says what of the others cannot be."""
    min_side = getattr(getattr(tracker, "region", None), "min_side", 1.0)
    notes: Callable[[Any], list[str]] = getattr(tracker, "notes", lambda box: [])
    for target in wanted:
        where = f"the box of target {target.name}" if target.name else "the box"
        targets.check_box(target.box, width, height, min_side, where)
        for note in notes(target.box):
            _say(f"{where}: {note}" if target.name else note)


def _select(image: Image) -> targets.Target:
    box = select.select_box(image)
    if box is None:
        raise UserError("no box was dragged: there is nothing to track")
    print("--box " + ",".join(f"{value:.1f}" for value in box))
    return targets.Target("", box)


def _make_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {folder}: {error.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise UserError(f"there is no permission to write to the folder {folder}")
    return folder


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


def _report(tally: sinks.Tally, folder: Path, written: list[Path], status: str) -> None:
    if not tally.frames:
        return
    speed = f", {tally.fps:.1f} frames a second" if tally.fps else ""
    lost = ", ".join(f"{n} lost{f' ({name})' if name else ''}" for name, n in tally.lost.items())
    names = ", ".join(path.name for path in written)
    print(
        f"{status}: {tally.frames} frames{speed} (compiling took {tally.compile_seconds:.1f} s "
        f"more), {lost}\n{folder}: {names}, summary.json"
    )


def _say(text: str) -> None:
    print(f"dslt track: {text}", file=sys.stderr)
