"""One sequence under one protocol: a session in, trajectories out.

Frames are decoded ahead in a thread, so that the tracker seldom waits for one.
"""

import dataclasses
import functools
import logging
import traceback
from collections.abc import Callable
from collections.abc import Sequence as SequenceABC
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dslt_jax.benchmarks import datasets, protocols
from dslt_jax.benchmarks import starts as starts_lib
from dslt_jax.benchmarks.datasets import Dataset, DatasetError, Sequence
from dslt_jax.benchmarks.trajectory import Trajectory
from dslt_jax.media.frame_size import SizeWatch
from dslt_jax.media.images import read_image, sequence_depth

if TYPE_CHECKING:  # they bring JAX, which scores and reports do not need
    from dslt_jax.app.session import Session
    from dslt_jax.app.spec import Spec

AHEAD = 4  # frames
SRE_STARTS = 12
LATER = ("tre", "supervised", "unsupervised")  # what can start in a later frame than the first

_LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How to run.

    Attributes:
        name: one of protocols.PROTOCOLS.
        repetitions: of `supervised`, at most; three equal ones suffice.
        fps: of `realtime`.
    """

    name: str = "ope"
    repetitions: int = 15
    fps: float = 20.0

    def __post_init__(self) -> None:
        if self.name not in protocols.PROTOCOLS:
            known = ", ".join(protocols.PROTOCOLS)
            raise ValueError(f"there is no protocol '{self.name}': choose one of {known}")

    def describe(self) -> dict[str, Any]:
        """Returns the name and the settings that this protocol has."""
        settings = {"supervised": {"repetitions"}, "realtime": {"fps"}}.get(self.name, set())
        return {key: getattr(self, key) for key in ("name", *sorted(settings))}


class Task(NamedTuple):
    """A sequence to run, in words that mean the same in another process or on another machine."""

    dataset: str
    root: str
    annotations: str | None
    sequence: str
    protocol: Protocol


class Failure(NamedTuple):
    """Why a task has no result."""

    reason: str
    traceback: str
    fatal: bool = False  # the tracker cannot start, so no other task can do better


def ignore(frames: int) -> None:
    """The progress that nobody watches."""


def perform(
    spec: "Spec", task: Task, progress: Callable[[int], object] = ignore
) -> list[Trajectory] | Failure:
    """Executes a task; whatever goes wrong is returned, not raised.

    The session and the dataset are kept for the next task.
    """
    try:
        session = _built(spec)
    except Exception as error:
        reason = f"the tracker cannot start: {_sentence(error)}"
        return Failure(reason, traceback.format_exc(), fatal=True)
    try:
        sequence = _dataset(task.dataset, task.root, task.annotations)[task.sequence]
        return execute(session, sequence, task.protocol, progress)
    except Exception as error:
        return Failure(_sentence(error), traceback.format_exc())


def execute(
    session: "Session",
    sequence: Sequence,
    protocol: Protocol,
    progress: Callable[[int], object] = ignore,
) -> list[Trajectory]:
    """Runs a tracker over a sequence.

    Args:
        session: it is started anew as often as the protocol says.
        sequence: with its images.
        protocol: what to do.
        progress: called with 1 for each frame read.

    Returns:
        A trajectory for each start (tre, sre) or repetition (supervised), else one. Regions, codes
        and confidences are the same on every call; seconds are not, and so neither is anything
        of `realtime`, whose simulated clock they move.

    Raises:
        DatasetError: an image is missing, or there is no truth to start with.
        media.images.ImageError: an image cannot be decoded.
        what the tracker raises.
    """
    missing = [path for path in sequence.frames if not path.is_file()]
    if missing:
        raise DatasetError(
            f"{sequence.name}: {len(missing)} of {len(sequence)} frames are missing, "
            f"the first is {missing[0]}"
        )
    first = starts_lib.first_frame(sequence) if protocol.name in LATER else 0
    if np.isnan(sequence.boxes[first]).any():
        raise DatasetError(
            f"{sequence.name}: the ground truth of the first frame is NaN, and {protocol.name} "
            "starts there"
        )
    # Pictures of 12 bits in 16 keep their upper 8, as `track` has it.
    read = functools.partial(read_image, depth=sequence_depth(sequence.frames))
    with Reader(sequence.frames, progress, read) as load:
        session.warm_up(load(sequence.frames[first]), starts_lib.start_box(sequence, first)[None])
        if protocol.name == "supervised":
            return protocols.repeat(
                lambda: protocols.supervised(session, sequence, load=load), protocol.repetitions
            )
        if protocol.name == "unsupervised":
            return [protocols.unsupervised(session, sequence, load)]
        if protocol.name == "realtime":
            return [protocols.realtime(session, sequence, protocol.fps, load)]
        return [
            protocols.follow(session, sequence, start, load) for start in starts(sequence, protocol)
        ]


def starts(sequence: Sequence, protocol: Protocol) -> list[starts_lib.Run]:
    """Returns where ope, tre or sre start the tracker, in the order of their trajectories."""
    plans = {"ope": starts_lib.ope, "tre": starts_lib.tre, "sre": starts_lib.sre}
    return plans[protocol.name](sequence)


def expected_frames(sequence: Sequence, protocol: Protocol) -> int:
    """Returns how many frames a run will read: exact for one pass, else about."""
    if protocol.name == "tre":
        return sum(run.stop - run.start for run in starts_lib.tre(sequence))
    times = {"sre": SRE_STARTS, "supervised": min(3, protocol.repetitions)}
    return len(sequence) * times.get(protocol.name, 1)


class Reader:
    """Loads frames, some of them before they are asked for; warns where their size changes."""

    def __init__(
        self,
        paths: SequenceABC[Path],
        progress: Callable[[int], object] = ignore,
        load: Callable[[Path], np.ndarray] = read_image,
    ):
        self._paths, self._progress, self._load = paths, progress, load
        self._position = {path: i for i, path in enumerate(paths)}
        self._pending: dict[int, Future[np.ndarray]] = {}
        self._pool = ThreadPoolExecutor(1, "decode")
        self._sizes = SizeWatch()

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def __call__(self, path: Path) -> np.ndarray:
        """Returns a frame (H, W, 3) uint8 and has the next ones decoded meanwhile."""
        first = self._position[path]
        wanted = range(first, min(first + 1 + AHEAD, len(self._paths)))
        for i in [i for i in self._pending if i not in wanted]:
            self._pending.pop(i).cancel()
        for i in wanted:
            if i not in self._pending:
                self._pending[i] = self._pool.submit(self._load, self._paths[i])
        frame = self._pending.pop(first).result()
        self._progress(1)
        if told := self._sizes.change(frame, path):
            _LOG.warning("%s", told)
        return frame


@functools.lru_cache(maxsize=1)
def _built(spec: "Spec") -> "Session":
    return spec.build()


@functools.lru_cache(maxsize=1)
def _dataset(name: str, root: str, annotations: str | None) -> Dataset:
    return datasets.load(name, root, annotations)


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
