"""Turns tracks into other tools' files, so that tracking labels a video.

    dslt convert out --to cvat                    out/cvat.xml, to upload as "CVAT 1.1"
    dslt convert out --to labelstudio --label car --url /data/upload/1/clip.mp4
    dslt convert out --to mot                     out/mot.txt, for TrackEval and py-motmetrics
    dslt convert annotations.xml --to truth       what CVAT gives back, as x,y,w,h a line
    dslt convert gt.txt --to cvat --size 1920x1080

What is read: the folder of a run of `dslt track`, or one of its boxes.csv; MOTChallenge's text; an
annotations.xml of "CVAT for video 1.1". What is written: cvat and labelstudio, to look at and
correct; mot, a line a box; truth, a line a frame, nan where the target is not seen, which `dslt
benchmark --dataset generic` reads.

Labellers move keyframes, so only those are written that a box needs which moves in straight lines:
--tolerance says by how many pixels an edge may lie beside them, 0 keeps all. A lost target is
hidden until it is found again. cvat and labelstudio cut boxes to the frame.

Exit status: 0 all done; 1 it could not be read or written; 2 wrong flags.
"""

import math
import os
import re
import sys
from pathlib import Path

import numpy as np
from absl import flags

from dslt_jax.adapters import cvat, label_studio, mot
from dslt_jax.app.tracks import Tracks, TracksError, read_run
from dslt_jax.cli import paths
from dslt_jax.cli.main import UserError
from dslt_jax.media import missing

FILES = {
    "cvat": "cvat.xml",
    "labelstudio": "labelstudio.json",
    "mot": "mot.txt",
    "truth": "groundtruth.txt",
}

# flag -> the formats that it says something of; any other flag is for all of them.
CONCERNS = {
    "label": ("cvat", "labelstudio"),
    "tolerance": ("cvat", "labelstudio"),
    "size": ("cvat", "labelstudio"),
    "frames": ("cvat", "labelstudio", "truth"),
    "fps": ("labelstudio",),
    "url": ("labelstudio",),
    "origin": ("mot",),
}

FLAGS = flags.FlagValues()
FLAGS.set_gnu_getopt(True)  # flags behind the input
flags.DEFINE_enum("to", None, list(FILES), "the format", flag_values=FLAGS)
paths.define(
    "output",
    None,
    "the file, or - for standard output; otherwise a new one beside the input",
    FLAGS,
    pipe=True,
)
flags.DEFINE_list("only", None, "only the targets of these names", flag_values=FLAGS)
flags.DEFINE_string(
    "label", None, "the label of all targets; otherwise their names", flag_values=FLAGS
)
flags.DEFINE_float(
    "tolerance", 1.0, "pixels beside the line between keyframes", lower_bound=0, flag_values=FLAGS
)
flags.DEFINE_string(
    "size", None, "of a frame, WIDTHxHEIGHT, where the input does not say", flag_values=FLAGS
)
flags.DEFINE_float(
    "fps",
    None,
    "frames a second, where the input does not say",
    lower_bound=1e-3,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "frames", None, "how many the video has, where it goes on", lower_bound=1, flag_values=FLAGS
)
flags.DEFINE_string("url", None, "labelstudio: the video's address there", flag_values=FLAGS)
flags.DEFINE_float(
    "origin", 0.0, "mot: coordinate of the first pixel, 1 for MOTChallenge's", flag_values=FLAGS
)


def main(values: flags.FlagValues, arguments: list[str]) -> int:
    """Reads, writes and prints; returns the exit status."""
    if len(arguments) > 1:
        raise UserError(f"one input becomes one file: convert {arguments[1]} by itself")
    if not arguments or values.to is None:
        raise UserError("what is to become what? dslt convert INPUT --to " + "|".join(FILES))
    source = Path(paths.local(arguments[0]))
    _check_flags(source, values)
    beside = source if source.is_dir() else source.parent
    output = Path(values.output or beside / FILES[values.to])
    try:
        tracks = _select(_read(source, values), values)
        text = _text(tracks, values)
        if output.exists() and source.exists() and output.samefile(source):
            raise UserError(f"{output} is the input: choose another --output")
        if not values.output and output.exists():  # somebody may have worked on it since
            raise UserError(f"{output} is there already: --output {output} replaces it")
        apart = sys.stderr if paths.is_stdout(str(output)) else sys.stdout  # from the file's text
        paths.write(str(output), text)
    except TracksError as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(f"cannot write {output}: {error.strerror}") from None
    for track in tracks.tracks:
        name = f" of {track.name}" if track.name else ""
        print(f"{len(track.frames)} frames{name}, lost in {int(track.lost.sum())}", file=apart)
    print(f"wrote {output}, {tracks.length} frames", file=apart)
    if values.to == "cvat":
        labels = sorted({cvat.label_of(track, values.label) for track in tracks.tracks})
        print(f"CVAT's task needs these labels: {', '.join(labels)}", file=apart)
    if values.to == "labelstudio":
        interface = label_studio.config(tracks, label=values.label)
        print(f"Label Studio's labelling interface:\n{interface}", file=apart)
    return 0


def _check_flags(source: Path, values: flags.FlagValues) -> None:
    """Raises UserError for a flag that would do nothing, or whose value is none."""
    for name, formats in CONCERNS.items():
        value = values[name].value
        if values[name].using_default_value:
            continue
        if values.to not in formats and not (name == "origin" and _is_mot(source)):
            raise UserError(f"--{name} says nothing of {values.to}: it is for {', '.join(formats)}")
        if isinstance(value, float) and not math.isfinite(value):
            raise UserError(f"--{name} is {value}, which is no number")
    if values.label and not values.label.isprintable():
        raise UserError(f"--label {values.label!r} has characters that cannot be shown")


def _is_mot(source: Path) -> bool:
    return source.suffix.lower() == ".txt" and not source.is_dir()


def _read(source: Path, values: flags.FlagValues) -> Tracks:
    suffix = source.suffix.lower()
    if source.is_dir() or suffix == ".csv":
        return read_run(source)
    if suffix == ".xml":
        return cvat.read(source)
    if _is_mot(source):
        return mot.read(source, origin=values.origin)
    if not os.path.lexists(source):
        near = missing.nearest(str(source))
        raise TracksError(
            f"there is no file or folder {source}{near and f': did you mean {near}?'}"
        )
    raise TracksError(
        f"{source} is none of what can be read: a run's folder, boxes.csv, MOT's .txt, CVAT's .xml"
    )


def _select(tracks: Tracks, values: flags.FlagValues) -> Tracks:
    """The targets that are asked for, with what the flags know of their video."""
    names = [track.name for track in tracks.tracks]
    if missing := [name for name in values.only or () if name not in names]:
        raise TracksError(f"there is no target '{missing[0]}': choose of {', '.join(names)}")
    chosen = [track for track in tracks.tracks if not values.only or track.name in values.only]
    if values.fps:  # in place of what the rows say
        chosen = [track._replace(times=None) for track in chosen]
    tracks = tracks._replace(tracks=chosen, fps=values.fps or tracks.fps)
    if values.frames:
        tracks = tracks._replace(total=values.frames, goes_on=False)
        if tracks.length > values.frames:
            raise TracksError(
                f"--frames is {values.frames}, but frame {tracks.length - 1} has a box"
            )
    if values.size:
        if not (size := re.fullmatch(r"([1-9]\d*)\s*[xX*,]\s*([1-9]\d*)", values.size)):
            raise TracksError(f"--size is '{values.size}', not WIDTHxHEIGHT such as 640x480")
        tracks = tracks._replace(size=(int(size[1]), int(size[2])))
    return tracks


def _text(tracks: Tracks, values: flags.FlagValues) -> str:
    label, tolerance = values.label, values.tolerance
    match values.to:
        case "cvat":
            return cvat.write(tracks, label=label, tolerance=tolerance)
        case "labelstudio":
            return label_studio.write(tracks, label=label, tolerance=tolerance, url=values.url)
        case "mot":
            return mot.write(tracks, origin=values.origin)
    if len(tracks.tracks) != 1:
        names = ", ".join(track.name for track in tracks.tracks)
        raise TracksError(f"truth is of one target: --only one of {names}")
    (track,) = tracks.tracks
    rows = np.full((tracks.length, 4), np.nan)
    rows[track.frames[~track.lost]] = track.boxes[~track.lost]
    return "".join(",".join(f"{value:.3f}" for value in row) + "\n" for row in rows)
