"""Follows a target through a video, a folder of images or a camera.

    dslt track --input clip.mp4 --box 159,82,56,65
    dslt track --input clip.mp4 --start 1:30 --end 2:00 --box 10%,20%,15%,15%
    dslt track --input frames/ --gui --output out/
    dslt track --input 'frames/*.png' --box_file box.txt --preset googlenet --set size.step=1.01
    dslt track --input 0 --gui --realtime         (the first camera, until Ctrl-C)
    dslt track --input clip.mp4 --targets boxes.txt     (several targets at once)
    dslt track --input clip.mp4 --box 159,82,56,65 --resume    (goes on after an early end)

The input may stand alone, `dslt track clip.mp4 --box ...`. A box is x,y,w,h in pixels of the start
frame; x,y is its top-left corner, counted from 0. In a file of boxes a first line such as
id,x1,y1,x2,y2 names the columns.

It writes to the output folder: boxes.csv (frame,x,y,w,h,confidence,lost,milliseconds,time),
boxes.txt (x,y,w,h a line), overlay.mp4 (or .webp without the extra `video`) and summary.json
(status, settings, versions, times). Frames are numbered from 0 in the whole video; the time is that
of the frame in it, in seconds. A box is written as soon as it is there, before the tracker learns
from it, and the milliseconds are those until then; the frames a second count both. With --targets
there are a boxes_<name>.csv and .txt for each. The files of the run before are replaced.

Ctrl-C, SIGTERM, SIGHUP, a full disk or damage in the video end the run early and keep what is done;
after a kill the rows are in boxes.csv.part. --resume goes on from the last frame in which the
target was followed, also behind the --end or --max_frames of a run that came to it; what the
tracker had learned is not kept, and the overlay goes on in overlay_2.mp4.

With --realtime each frame is the newest there is: those for which there was no time are dropped
and counted, and the latency is shown, from the frame in memory to its box. A file is played at its
rate.

Exit status: 0 all done; 1 something was not, such as a frame that cannot be read (the last box is
repeated there, as lost); 2 wrong flags; 130 Ctrl-C; 143 SIGTERM; 129 SIGHUP.
"""

import contextlib
import hashlib
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags

from dslt_jax import settings
from dslt_jax.app import compiled, loop, resume
from dslt_jax.app.folder import SUMMARY, Folder, FolderError, read_summary
from dslt_jax.cli import box_text, common, paths, targets, track_frames, track_run
from dslt_jax.cli.main import UserError
from dslt_jax.cli.track_run import say
from dslt_jax.media import select
from dslt_jax.media.frames import Frame, FramesError, local_path, open_frames
from dslt_jax.weights.store import WeightsError

ERRORS = (
    box_text.BoxError,
    FolderError,
    FramesError,
    resume.ResumeError,
    select.SelectError,
    WeightsError,
)

# Flags that decide the results, beside the input and the boxes.
ASKED = ("start", "end", "max_frames", "preset", "weights", "seed")

# Of a run that came to the end of its input: what resuming it returns.
WHOLE = {"done": 0, "incomplete": 1}

FLAGS = flags.FlagValues()
FLAGS.set_gnu_getopt(True)  # flags behind the words of --box 20 40 28 24
flags.DEFINE_multi_string(
    "input",
    None,
    "a video file, a folder of images, a quoted glob of images, a camera's number, an address, "
    "or - for a pipe",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "start", None, "begin at this frame, e.g. 120, or time, e.g. 12.5s or 1:30", flag_values=FLAGS
)
flags.DEFINE_string("end", None, "stop before this frame or time", flag_values=FLAGS)
flags.DEFINE_multi_string(
    "box",
    None,
    "the target on the start frame: x,y,w,h in pixels, or in percent of the frame as 10%,20%,5%,5%",
    flag_values=FLAGS,
)
paths.define("box_file", None, "a file whose first line is the box", FLAGS)
flags.DEFINE_boolean("gui", False, "drag the box in a window", flag_values=FLAGS)
paths.define(
    "targets",
    None,
    "a file of several boxes, followed at once: x,y,w,h and perhaps a name a line",
    FLAGS,
)
flags.DEFINE_enum(
    "box_format",
    None,
    list(box_text.FORMATS),
    "what the four numbers of a box are: xywh, if it is not said; xyxy, two corners; cxcywh, the "
    "middle and the size",
    flag_values=FLAGS,
)
paths.define("output", "out", "the folder to write to", FLAGS)
flags.DEFINE_boolean(
    "realtime",
    False,
    "always take the newest frame, and drop those for which there was no time",
    flag_values=FLAGS,
)
flags.DEFINE_boolean("video", True, "write the overlay video", flag_values=FLAGS)
flags.DEFINE_integer(
    "max_frames", None, "stop after so many frames", lower_bound=1, flag_values=FLAGS
)
flags.DEFINE_boolean(
    "resume",
    False,
    "go on with the run in --output that ended early, asked for with the same flags",
    flag_values=FLAGS,
)
common.define_tracker_flags(FLAGS)


def main(values: flags.FlagValues, arguments: list[str]) -> int:
    """Tracks and writes; returns the exit status."""
    try:
        inputs, arguments = _inputs(values, arguments)
        wanted = targets.from_flags(values, arguments)
        if not inputs:
            raise UserError("what is to be tracked? --input VIDEO, FOLDER, 'GLOB' or CAMERA NUMBER")
        if len(inputs) > 1:
            raise UserError(
                f"--input was given {len(inputs)} times: a run follows one video, start one "
                "for each"
            )
        return _track(values, inputs[0], wanted)
    except ERRORS as error:
        raise UserError(str(error)) from None


def _inputs(values: flags.FlagValues, arguments: list[str]) -> tuple[list[str], list[str]]:
    """What --input says, or the one file, folder or address that stands alone; the other words."""
    words = [word for word in arguments if not targets.is_number(word)]
    alone = [word for word in words if "://" in word or os.path.lexists(local_path(word))]
    if values.input is not None or len(alone) != 1:
        return values.input or [], arguments
    return alone, [word for word in arguments if word != alone[0]]


def _track(values: flags.FlagValues, video: str, wanted: list[targets.Wanted] | None) -> int:
    spec, tracker = common.tracker_from_flags(values)
    common.check_device()
    path = Path(values.output)
    if values.keep_compiled and (problem := compiled.keep()):
        say(problem)
    before = _run_before(path) if values.resume else None
    if before is not None and (values.realtime or before.get("realtime")):
        raise resume.ResumeError(
            "a run with --realtime cannot be resumed: the frames that it missed have no boxes"
        )
    source = open_frames(video, values.start, values.end)
    for note in source.notes:
        say(note)
    with contextlib.closing(track_frames.stream(source, values.realtime)) as stream:
        first, image = track_frames.first_of(stream)
        session = spec.build()
        if values.realtime and source.live:
            count = len(wanted) if wanted else 1
            first, image = track_frames.first_after_compiling(stream, session, image, count)
        if wanted is not None:
            followed, notes = targets.settle(wanted, tracker, image)
            notes += [] if source.live else targets.frame_note(wanted, first.index)
            for note in notes:
                say(note)
        else:
            followed = _targets_of(before) or [targets.ask(image, window=values.gui)]
        names = [target.name for target in followed]
        boxes = np.array([target.box for target in followed])
        frames: Iterator[Frame] = itertools.chain([first], stream)
        frames = itertools.islice(frames, values.max_frames)
        asked = {
            "input": source.name,
            **{name: values[name].value for name in ASKED},
            **({"realtime": True} if values.realtime else {}),
            "targets": [target._asdict() for target in followed],
            "config": settings.describe(tracker),
            "start_image": hashlib.sha256(image.tobytes()).hexdigest(),
        }
        asked = json.loads(json.dumps(asked))  # as a summary gives it back
        kept = None
        if before is not None:
            resume.check(before, asked)
            if before["status"] in WHOLE and resume.same_end(before, asked):
                say(f"the run in {path} came to its end: there is nothing to resume")
                return WHOLE[before["status"]]
            kept = resume.read(path, names, before)
            if kept is None:
                say(f"the run in {path} has no frame that is kept: this one begins at the start")
            else:
                frames, boxes = resume.go_on(kept, frames)
        inputs = (local_path(video), values.box_file, values.targets, values.weights)
        with Folder(path, [name for name in inputs if name]) as folder:
            total = min(filter(None, (source.count, values.max_frames)), default=None)
            records = loop.follow(frames, session, boxes)
            return track_run.run(
                records,
                folder,
                names,
                asked,
                fps=source.fps,
                total=total,
                video=values.video,
                kept=kept,
            )


def _run_before(path: Path) -> dict[str, Any] | None:
    """The summary of the run to be resumed; None where there was none."""
    if (summary := read_summary(path)) is not None:
        return summary
    if stray := sorted(file.name for file in path.glob("boxes*.csv*")):
        raise resume.ResumeError(
            f"{path} has {stray[0]} but no {SUMMARY} that says of which run: it cannot be resumed"
        )
    say(f"there is no run in {path} to resume: this one begins at the start")
    return None


def _targets_of(summary: dict[str, Any] | None) -> list[targets.Target]:
    """The targets of a run that is resumed without naming them again."""
    noted = summary.get("targets", []) if summary else []
    return [targets.Target(target["name"], tuple(target["box"])) for target in noted]
