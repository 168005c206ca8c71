"""Renders a clip whose truth is known, follows its target and says how well.

    dslt demo
    dslt demo --output demo_out --preset googlenet --set size.step=1.01

A beetle walks over a forest floor. The camera moves, zooms and is jerked once, grass covers a part
of the beetle, another beetle crosses its way and a cloud passes. Nothing is downloaded: clip and
weights are part of the package. It leaves overlay.mp4 (or .webp without the extra `video`),
boxes.csv, boxes.txt and truth.txt (x,y,w,h a line) in the output folder.

Exit status: 0 all done; 1 something was not; 2 wrong flags; 130 Ctrl-C.
"""

import itertools
import sys
from pathlib import Path

import numpy as np
from absl import flags
from tqdm import tqdm

from dslt_jax.app import compiled, loop, sinks
from dslt_jax.app.folder import Folder, FolderError
from dslt_jax.app.session import Session
from dslt_jax.app.tally import Tally
from dslt_jax.benchmarks import metrics
from dslt_jax.benchmarks.datasets import Sequence
from dslt_jax.cli import common, paths
from dslt_jax.cli.main import UserError
from dslt_jax.media import synthetic
from dslt_jax.weights.store import WeightsError

FLAGS = flags.FlagValues()
paths.define("output", "demo_out", "the folder to write to", FLAGS)
flags.DEFINE_integer(
    "max_frames", None, "stop after so many frames", lower_bound=2, flag_values=FLAGS
)
common.define_tracker_flags(FLAGS)


class Boxes:
    """Keeps the boxes of a run with one target."""

    def __init__(self) -> None:
        self.rows: list[np.ndarray] = []

    def write(self, record: loop.Record) -> None:
        self.rows.append(np.asarray(record.seen.boxes, np.float64)[0])

    def close(self) -> None:
        pass


def main(values: flags.FlagValues, arguments: list[str]) -> int:
    """Renders, tracks and prints; returns the exit status."""
    if arguments:
        raise UserError(f"'{arguments[0]}' belongs to no flag; see `dslt demo --help`")
    spec, _ = common.tracker_from_flags(values)
    common.check_device()
    folder = Path(values.output)
    try:
        if values.keep_compiled and (problem := compiled.keep()):
            print(f"dslt demo: {problem}", file=sys.stderr)
        session = spec.build()
        with Folder(folder) as place:
            return _demo(values.preset, session, place, values.max_frames)
    except (FolderError, WeightsError) as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(f"cannot write {error.filename or folder}: {error.strerror}") from None


def _demo(name: str, session: Session, place: Folder, max_frames: int | None) -> int:
    clip = synthetic.beetle_clip()
    truth = clip.boxes[:max_frames]
    # All frames first: rendering must not take the processor from the tracker whose speed we tell.
    reading = itertools.islice(clip.source, len(truth))
    frames = list(tqdm(reading, "rendering", len(truth), unit=" frames", disable=None))
    height, width, _ = np.shape(frames[0].image)
    print(f"clip: {len(frames)} frames of {width} x {height}, the target is a red beetle")

    place.clear()
    folder = place.path
    truth_file = sinks.RowFile(folder / "truth.txt")
    for box in truth:
        truth_file.write(",".join(f"{value:.3f}" for value in box))
    truth_file.close()
    files, video = sinks.BoxFiles(folder, [""]), sinks.VideoFile(folder, [""], synthetic.FPS)
    tally, found = Tally([""]), Boxes()
    records = loop.follow(
        tqdm(frames, "tracking", unit=" frames", disable=None), session, truth[:1]
    )
    loop.run(records, [files, video, found, tally])

    sequence = Sequence("demo", truth, tuple)
    scores = metrics.evaluate([sequence], {"demo": np.array(found.rows)}, "wu")
    rows = {
        "mean overlap": f"{scores.ao[0]:.3f}",
        "success AUC": f"{scores.auc[0]:.3f}",
        "precision at 20 px": f"{scores.p20[0]:.3f}",
        "lost frames": f"{tally.lost['']} of {tally.frames}",
    }
    if tally.fps:
        rows["frames a second"] = f"{tally.fps:.1f}"
    rows["compiling"] = f"{tally.compile_seconds:.1f} s, once"
    print(f"{name}:")
    for label, text in rows.items():
        print(f"  {label:<20}{text}")
    paths = [*([] if video.problem else [video.path]), *files.paths, truth_file.path]
    print("wrote " + ", ".join(map(str, paths)))
    if video.problem:
        raise UserError(video.problem)
    return 0
