"""How a tracker is run over a sequence: OPE, TRE, SRE, VOT's two experiments, real time.

A protocol is a description (`Run`: where to start, with which box) and a driver that plays a
session through it, `app.session.Session` or what has its `init`, `step` and `wait`. What a frame
teaches is learned before the next one comes, and belongs to its seconds.
"""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dslt_jax import boxes as boxes_lib
from dslt_jax.benchmarks import trajectory as trajectory_lib
from dslt_jax.benchmarks.datasets import Sequence
from dslt_jax.benchmarks.metrics.raster import raster_iou
from dslt_jax.benchmarks.trajectory import Trajectory
from dslt_jax.boxes import Array
from dslt_jax.media.images import read_image

if TYPE_CHECKING:  # it brings JAX, which scores and reports do not need
    from dslt_jax.app.session import Session

PROTOCOLS = {
    "ope": "one pass from the first frame",
    "tre": "20 starts spread over the sequence, each run to the end",
    "sre": "12 shifted and scaled starts in the first frame",
    "supervised": "VOT: started again 5 frames after each failure",
    "unsupervised": "VOT: one pass without help",
    "realtime": "one pass in which frames that come while the tracker is busy are lost",
}


@dataclasses.dataclass(frozen=True)
class Run:
    """One start of the tracker: its name, frames start .. stop - 1, and the first box (4,)."""

    name: str
    start: int
    stop: int
    box: Array


def ope(sequence: Sequence) -> list[Run]:
    """Returns the one run from the first frame to the last."""
    return [Run("ope", 0, len(sequence), sequence.boxes[0])]


def tre(sequence: Sequence, segments: int = 20, shortest: int = 20) -> list[Run]:
    """Returns up to `segments` runs whose starts are spread evenly, each to the end (Wu: TRE).

    A start has a positive ground truth and at least `shortest` frames left.
    """
    positive = np.all(sequence.boxes[:, 2:] > 0, axis=1)
    positive &= np.all(sequence.boxes[:, :2] + 1 > 0, axis=1)
    frames = np.flatnonzero(positive)
    frames = frames[len(sequence) - frames >= shortest]
    if not len(frames):
        return [dataclasses.replace(ope(sequence)[0], name="tre01")]
    # 1-based positions floor(1 : M / (S - 1) : M) and M, as the toolkit spreads them.
    count = len(frames)
    spread = np.floor(1 + np.arange(segments - 1) * count / max(segments - 1, 1))
    chosen = np.unique(np.append(np.minimum(spread, count), count).astype(int)) - 1
    return [
        Run(f"tre{i + 1:02d}", int(start), len(sequence), sequence.boxes[start])
        for i, start in enumerate(frames[chosen])
    ]


def sre(sequence: Sequence) -> list[Run]:
    """Returns 12 runs whose first box is wrong by 10 % or 20 % (Wu: SRE), cut to the image."""
    x, y, w, h = sequence.boxes[0]
    dx, dy = 0.1 * w, 0.1 * h
    variants = {
        "left": (x - dx, y, w, h),
        "right": (x + dx, y, w, h),
        "up": (x, y - dy, w, h),
        "down": (x, y + dy, w, h),
        "topleft": (x - dx, y - dy, w + dx, h + dy),
        "topright": (x, y - dy, w + dx, h + dy),
        "bottomleft": (x - dx, y, w + dx, h + dy),
        "bottomright": (x, y, w + dx, h + dy),
    }
    for percent in (80, 90, 110, 120):
        grown = np.array([w, h]) * percent / 100
        corner = np.array([x, y]) + (np.array([w, h]) - grown) / 2
        variants[f"scale{percent}"] = (*corner, *grown)
    width, height = sequence.frame_size
    return [
        Run(name, 0, len(sequence), boxes_lib.clip(np.array(box), width, height))
        for name, box in variants.items()
    ]


def follow(
    session: "Session",
    sequence: Sequence,
    run: Run,
    load: Callable[[Path], np.ndarray] = read_image,
    clock: Callable[[], float] = time.perf_counter,
) -> Trajectory:
    """Plays a session through one run; the trajectory has run.stop - run.start frames.

    Reading the frames is not part of the seconds.
    """
    result = trajectory_lib.empty(run.stop - run.start)
    result.codes[:] = trajectory_lib.TRACKED
    result.codes[0] = trajectory_lib.INITIALIZATION
    result.regions[0] = run.box
    for i, path in enumerate(sequence.frames[run.start : run.stop]):
        frame = load(path)
        begin = clock()
        if i == 0:
            session.init(frame, run.box[None])
        else:
            result.regions[i], result.confidence[i] = _step(session, frame)
        result.seconds[i] = clock() - begin
    return result


def supervised(
    session: "Session",
    sequence: Sequence,
    skip: int = 5,
    exact: bool = False,
    load: Callable[[Path], np.ndarray] = read_image,
    clock: Callable[[], float] = time.perf_counter,
) -> Trajectory:
    """Plays VOT's supervised experiment: a failure is an overlap of 0, `skip` frames later anew.

    Polygons become boxes of equal area. The overlap is bounded by the image and counts pixels, or
    is exact with `exact`.
    """
    result = trajectory_lib.empty(len(sequence))
    overlap = boxes_lib.polygon_iou if exact else raster_iou
    i, running = 0, False
    while i < len(sequence):
        frame = load(sequence.frames[i])
        begin = clock()
        if not running:
            session.init(frame, start_box(sequence, i)[None])
            result.seconds[i] = clock() - begin
            result.codes[i] = trajectory_lib.INITIALIZATION
            i, running = i + 1, True
            continue
        box, result.confidence[i] = _step(session, frame)
        result.seconds[i] = clock() - begin
        truth = sequence.ground_truth[i : i + 1]
        if overlap(box[None], truth, sequence.frame_size)[0] > 0:
            result.regions[i] = box
            result.codes[i] = trajectory_lib.TRACKED
            i += 1
        else:
            result.codes[i] = trajectory_lib.FAILURE
            i, running = i + skip, False
    return result


def repeat(run: Callable[[], Trajectory], repetitions: int = 15) -> list[Trajectory]:
    """Returns the trajectories of `repetitions` runs, or three when these are the same (VOT)."""
    runs: list[Trajectory] = []
    while len(runs) < repetitions:
        runs.append(run())
        if len(runs) == 3 and all(runs[0].same_regions(other) for other in runs[1:]):
            break
    return runs


def unsupervised(
    session: "Session",
    sequence: Sequence,
    load: Callable[[Path], np.ndarray] = read_image,
    clock: Callable[[], float] = time.perf_counter,
) -> Trajectory:
    """Plays VOT's unsupervised experiment: one pass from the first frame's equal-area box."""
    run = Run("unsupervised", 0, len(sequence), start_box(sequence, 0))
    return follow(session, sequence, run, load, clock)


def realtime(
    session: "Session",
    sequence: Sequence,
    fps: float = 20.0,
    load: Callable[[Path], np.ndarray] = read_image,
    clock: Callable[[], float] = time.perf_counter,
) -> Trajectory:
    """Plays a sequence at `fps` in simulated time: a busy tracker loses frames.

    Frame i comes at i / fps. A free tracker takes the newest frame that has come. A frame's answer
    is the last box that was ready before the next frame came. Time starts when init is done.
    """
    if not fps > 0:
        raise ValueError(f"frames come at a rate above 0, not {fps}")
    count = len(sequence)
    result = trajectory_lib.empty(count)
    result.codes[:] = trajectory_lib.TRACKED
    result.codes[0] = trajectory_lib.INITIALIZATION
    box, frame = start_box(sequence, 0), load(sequence.frames[0])
    begin = clock()
    session.init(frame, box[None])
    result.seconds[0] = clock() - begin
    # What the tracker said, and when it was ready.
    ready, boxes, confidences = [0.0], [box], [np.nan]
    i, slack = 1, 1e-9
    while i < count:
        frame = load(sequence.frames[i])
        begin = clock()
        box, confidence = _step(session, frame)
        result.seconds[i] = clock() - begin
        ready.append(max(i / fps, ready[-1]) + result.seconds[i])
        boxes.append(box)
        confidences.append(confidence)
        i = max(i + 1, int(ready[-1] * fps + slack))
    deadlines = (np.arange(count) + 1) / fps + slack
    answer = np.searchsorted(ready, deadlines, side="right") - 1
    answer[0] = 0
    result.regions[:] = np.array(boxes)[answer]
    result.confidence[:] = np.array(confidences)[answer]
    return result


def start_box(sequence: Sequence, frame: int) -> Array:
    """Returns the box (4,) to start with in a frame: of a polygon, the box of equal area."""
    truth = sequence.ground_truth[frame]
    return truth if truth.shape[-1] == 4 else boxes_lib.equal_area_box(truth)


def _step(session: "Session", frame: np.ndarray) -> tuple[Array, float]:
    """Returns the box (4,) and the confidence of the one target, when the frame is learned."""
    seen = session.step(frame)
    session.wait()
    return np.asarray(seen.boxes[0], np.float64), float(seen.confidence[0])
