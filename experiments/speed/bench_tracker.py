"""Frames a second of the whole tracker: beside OpenCV's CSRT or KCF, and with many targets at once.

    python experiments/speed/bench_tracker.py
    python experiments/speed/bench_tracker.py --targets 1,8 --sizes 640x480 --repeat 3
    python experiments/speed/bench_tracker.py --preset kcf --rival KCF

Both trackers follow the same clip of our own making, at every --sizes, in turn: a stretch of frames
ours, the same stretch the rival, round after round (A B A B). A frame's time is from the decoded
picture to the box on the host, its learning included; reading, compiling and the first frame are
left out. The overlap with the truth tells whether both still follow it. The rivals need OpenCV with
its contrib modules (pip install opencv-contrib-python-headless).

Then --targets targets in one frame, followed from call to call between two frames to and fro, so
that frames that teach and frames that do not (`online.every`) both come: the time of a frame that
teaches every target, of a frame on average, target-frames a second, and what that is to one target
in the same rounds. On 2 cores about four minutes.
"""

import itertools
import pathlib
import time
from typing import Any

import jax
import numpy as np
import timing
from absl import app, flags, logging

import dslt_jax as dslt
from dslt_jax import boxes as box_math
from dslt_jax.app import sinks
from dslt_jax.app.session import Session
from dslt_jax.media import synthetic

FLAGS = flags.FLAGS
flags.DEFINE_string("preset", "compact", "which tracker")
flags.DEFINE_multi_string("set", [], "a setting to change in it")
flags.DEFINE_enum("rival", "CSRT", ["CSRT", "KCF"], "which of OpenCV's trackers")
flags.DEFINE_list("sizes", ["320x240", "480x360", "640x480"], "of the clip's frames")
flags.DEFINE_list("targets", ["1", "8", "64"], "numbers of targets in one program")
flags.DEFINE_integer("repeat", 8, "rounds of measurement", lower_bound=1)
flags.DEFINE_integer("frames", 20, "frames in a round", lower_bound=2)
flags.DEFINE_string("json", None, "also write the numbers to this file")


class Ours:
    """Our tracker, a frame at a time as an application calls it."""

    def __init__(self, tracker: dslt.Tracker, params, frame: np.ndarray, box: np.ndarray):
        self.tracker, self.params = tracker, params
        self.state = dslt.init(tracker, params, frame, box)

    def follow(self, frame: np.ndarray) -> np.ndarray:
        self.state, out = dslt.step(self.tracker, self.params, self.state, frame, donate=True)
        jax.block_until_ready(self.state)
        return jax.device_get(out.box)


class Rival:
    """A tracker of OpenCV's; raises ImportError where it is missing."""

    def __init__(self, kind: str, frame: np.ndarray, box: np.ndarray):
        import cv2

        name = f"Tracker{kind}_create"
        create = getattr(cv2, name, None) or getattr(getattr(cv2, "legacy", None), name, None)
        if create is None:
            raise ImportError(f"this OpenCV has no {kind}")
        self.version = cv2.__version__
        self.tracker = create()
        self.tracker.init(_bgr(frame), tuple(int(value) for value in box.round()))

    def follow(self, frame: np.ndarray) -> np.ndarray:
        return np.array(self.tracker.update(frame)[1])


def compare_rival(assignments: list[str], size: str) -> dict[str, Any]:
    """Returns milliseconds a frame of ours and of the rival (if there is one) at a size.

    Of a round it is the mean over its frames, as not every frame costs the same; then the median
    and the minimum over rounds, and the median of the rounds' ratios.
    """
    tracker = dslt.override(dslt.presets.by_name(FLAGS.preset), assignments)
    _, params = timing.load(tracker)
    width, height = map(int, size.split("x"))
    # Slow motion, for a tracker that has lost its target is no measure of speed.
    count = FLAGS.repeat * FLAGS.frames + 3
    clip = synthetic.beetle_clip(max(600, count), width, height)
    pictures = [frame.image for frame, _ in zip(clip.source, range(count), strict=False)]
    runs = {"ours": (Ours(tracker, params, pictures[0], clip.boxes[0]), iter(pictures[1:]))}
    version, other = None, FLAGS.rival.lower()
    try:
        rival = Rival(FLAGS.rival, pictures[0], clip.boxes[0])
        runs[other] = rival, iter([_bgr(picture) for picture in pictures[1:]])
        version = rival.version
    except ImportError:
        pass
    found: dict[str, list[np.ndarray]] = {name: [] for name in runs}

    def stretch(name: str, length: int) -> float:
        follower, frames = runs[name]
        start = time.perf_counter()
        found[name] += [follower.follow(frame) for frame in itertools.islice(frames, length)]
        return 1e3 * (time.perf_counter() - start) / length

    for name in runs:
        stretch(name, 2)  # compiles
    rounds = [{name: stretch(name, FLAGS.frames) for name in runs} for _ in range(FLAGS.repeat)]
    times = {name: np.array([one[name] for one in rounds]) for name in runs}
    overlap = {
        name: float(box_math.iou(np.stack(rows), clip.boxes[1 : 1 + len(rows)]).mean())
        for name, rows in found.items()
    }
    return {
        "size": size,
        "opencv": version,
        "overlap": overlap,
        "median_ms": {name: float(np.median(values)) for name, values in times.items()},
        "min_ms": {name: float(values.min()) for name, values in times.items()},
        "ratio": float(np.median(times[other] / times["ours"])) if other in runs else None,
    }


class Crowd:
    """Several targets in one program, or one, as the command line follows them."""

    def __init__(self, tracker: dslt.Tracker, params, count: int):
        (first, second), boxes = timing.scene(count, 2)
        self.session = Session(tracker, params)
        self.frames = itertools.cycle((second, first))
        self.session.init(first, boxes)

    def __call__(self) -> None:
        self.session.step(next(self.frames))
        self.session.wait()


def compare_targets(assignments: list[str], counts: list[int]) -> dict[str, Any]:
    """Returns milliseconds a frame with each number of targets, medians."""
    tracker = timing.busy_tracker(FLAGS.preset, assignments)
    _, params = timing.load(tracker)
    crowds, first = {}, {}
    for count in counts:
        start = time.perf_counter()
        crowds[str(count)] = Crowd(tracker, params, count)
        first[count] = time.perf_counter() - start
    run = max(2, timing.cycle(tracker))
    rounds = {
        int(name): times.reshape(-1, run)
        for name, times in timing.interleave(crowds, FLAGS.repeat, run=run).items()
    }
    mean = {count: float(np.median(times.mean(axis=1))) for count, times in rounds.items()}
    return {
        "first_s": first,
        "teaching_ms": {n: float(np.median(times.max(axis=1))) for n, times in rounds.items()},
        "mean_ms": mean,
        "targets_per_second": {n: 1e3 * n / ms for n, ms in mean.items()},
    }


def show_rival(result: dict[str, Any]) -> None:
    """Prints the rows of a size."""
    medians, least = result["median_ms"], result["min_ms"]
    for name, median in medians.items():
        print(
            f"{result['size']:<10}{name:<8}{median:>10.2f}{least[name]:>10.2f}{1e3 / median:>10.1f}"
        )
    if result["ratio"]:
        ratio = f"{result['ratio']:.2f}"
        print(f"{'':<10}{FLAGS.rival} takes {ratio} times as long as ours, round by round")
    else:
        print(f"no {FLAGS.rival}: pip install opencv-contrib-python-headless")


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    logging.set_verbosity(logging.WARNING)  # JAX tells of every backend that it does not find
    assignments = list(FLAGS["set"].value)
    try:
        counts = [int(count) for count in FLAGS.targets]
        timing.busy_tracker(FLAGS.preset, assignments)
        if any(len(size.split("x")) != 2 for size in FLAGS.sizes) or min(counts, default=1) < 1:
            raise ValueError("--sizes 640x480,320x240 and --targets 1,8 are how these are written")
    except ValueError as error:
        raise app.UsageError(str(error)) from None
    machine = timing.machine()
    print(f"{machine['device']}; jax {machine['jax']}; {machine['system']}")
    columns = ("median ms", "min ms", "frames/s", "overlap")
    print(f"{FLAGS.preset}, one target\n{'':<18}" + "".join(f"{name:>10}" for name in columns))
    results: dict[str, Any] = {"machine": machine, "sizes": []}
    for size in FLAGS.sizes:
        results["sizes"].append(compare_rival(assignments, size))
        show_rival(results["sizes"][-1])
    if counts:
        results["targets"] = found = compare_targets(assignments, counts)
        columns = ("first frame s", "teaching ms", "mean ms", "target-frames/s", "to one")
        print(f"\n{'targets':<10}" + "".join(f"{name:>17}" for name in columns))
        rates = found["targets_per_second"]
        for count, rate in rates.items():
            ratio = f"{rate / rates[1]:.2f}" if 1 in rates else ""
            times = [found[key][count] for key in ("first_s", "teaching_ms", "mean_ms")]
            cells = "".join(f"{value:>17.2f}" for value in times)
            print(f"{count:<10}{cells}{rate:>17.1f}{ratio:>17}")
    if FLAGS.json:
        sinks.write_json(pathlib.Path(FLAGS.json), results)


def _bgr(picture: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(picture[..., ::-1])


if __name__ == "__main__":
    app.run(main)
