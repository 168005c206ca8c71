"""How a tracker is run over a sequence: one start to its end, VOT's two experiments, real time.

A protocol is where to start (`starts`) and a driver that plays a session through it,
`app.session.Session` or what has its `init`, `step` and `wait`. What a frame teaches is learned
before the next one comes, and belongs to its seconds.
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
from dslt_jax.benchmarks.starts import Run, first_frame, start_box, startable
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
    is exact with `exact`. A frame without truth is no failure, as MATLAB's toolkit has it, and no
    start either: the next one with a box in the image is.
    """
    result = trajectory_lib.empty(len(sequence))
    overlap = boxes_lib.polygon_iou if exact else raster_iou
    present = np.asarray(np.isfinite(sequence.ground_truth).all(axis=1))
    can_start = startable(sequence)
    i, running = 0, False
    while i < len(sequence):
        if not running and not can_start[i]:
            i += 1
            continue
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
        if not present[i] or overlap(box[None], truth, sequence.frame_size)[0] > 0:
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
    """Plays VOT's unsupervised experiment: one pass from the first truth's equal-area box."""
    first = first_frame(sequence)
    run = Run("unsupervised", first, len(sequence), start_box(sequence, first))
    result, part = trajectory_lib.empty(len(sequence)), follow(session, sequence, run, load, clock)
    for field in dataclasses.fields(result):
        getattr(result, field.name)[first:] = getattr(part, field.name)
    return result


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


def _step(session: "Session", frame: np.ndarray) -> tuple[Array, float]:
    """Returns the box (4,) and the confidence of the one target, when the frame is learned."""
    seen = session.step(frame)
    session.wait()
    return np.asarray(seen.boxes[0], np.float64), float(seen.confidence[0])
