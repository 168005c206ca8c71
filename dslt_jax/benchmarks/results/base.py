"""What a tracker's results are, whatever files they come from."""

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as SequenceABC
from pathlib import Path

import numpy as np

from dslt_jax.benchmarks import trajectory as trajectory_lib
from dslt_jax.benchmarks.trajectory import Trajectory
from dslt_jax.boxes import Array, bounding_box

FORMATS = ("otb", "otb_mat", "got10k", "pysot", "vot")
EXPERIMENTS = ("baseline", "supervised", "unsupervised")


class ResultsError(ValueError):
    """A folder of results is not as it must be; the text says where."""


@dataclasses.dataclass(frozen=True)
class Results:
    """A tracker's results on a dataset.

    Attributes:
        tracker: its name.
        runs: the dataset's sequence name -> trajectories of the repetitions, 0-based pixel edges.
        problems: sentences about sequences whose file is missing or cannot be read.
        format: the one they were read from.
        path: the folder that they were read from.
        resets: whether they are of VOT's experiment with resets, even if there was no failure.
    """

    tracker: str
    runs: Mapping[str, SequenceABC[Trajectory]]
    problems: tuple[str, ...] = ()
    format: str = "otb"
    path: Path | None = None
    resets: bool = False

    @property
    def boxes(self) -> dict[str, Array]:
        """Each sequence's first run as (N, 4) boxes: of polygons, the boxes around them."""
        return {name: _boxes(runs[0].regions) for name, runs in self.runs.items()}

    @property
    def supervised(self) -> bool:
        """Whether these are runs that are started again after a failure."""
        runs = [run for group in self.runs.values() for run in group]
        return self.resets or any((run.codes == trajectory_lib.FAILURE).any() for run in runs)


def key(name: str) -> str:
    """Returns a sequence's name as one can compare it: Jogging.1, jogging-1 and Jogging_1 agree.

    A separator stays one: UAV123 has both car1_1 and car11.
    """
    return re.sub(r"[-._]+", "-", name.lower())


def common(names: Iterable[Iterable[str]]) -> list[str]:
    """Returns the names that all have, in the first one's order."""
    groups = [list(group) for group in names]
    return [name for name in groups[0] if all(name in group for group in groups[1:])]


def distinct(results: SequenceABC[Results]) -> list[Results]:
    """Returns the results under names that tell them apart.

    Those of one name get as much of their path's end as no other has, a/x and b/x; if that does
    not help, as for a folder given twice, a number.
    """
    named = []
    for result in results:
        rivals = [r for r in results if r is not result and r.tracker == result.tracker]
        name = _tail(result, rivals) if rivals else result.tracker
        name = name.encode(errors="replace").decode()  # a path may hold bytes that are no UTF-8
        named.append(dataclasses.replace(result, tracker=name))
    total, seen = Counter(r.tracker for r in named), Counter[str]()
    for i, result in enumerate(named):
        seen[result.tracker] += 1
        if total[result.tracker] > 1:
            name = f"{result.tracker} ({seen[result.tracker]})"
            named[i] = dataclasses.replace(result, tracker=name)
    return named


def _tail(result: Results, rivals: SequenceABC[Results]) -> str:
    parts, *others = ((r.path or Path()).parts for r in (result, *rivals))
    for count in range(2, len(parts) + 1):
        if all(other[-count:] != parts[-count:] for other in others):
            return Path(*parts[-count:]).as_posix()
    return result.tracker


def shifted(regions: Array, origin: float) -> Array:
    """Returns regions (N, 4) or (N, 8) moved by `origin` in x and y."""
    if regions.shape[1] == 4:
        return regions + np.array([origin, origin, 0, 0])
    return regions + origin


def _boxes(regions: Array) -> Array:
    return regions if regions.shape[1] == 4 else bounding_box(regions)
