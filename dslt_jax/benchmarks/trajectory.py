"""What a run on one sequence leaves behind: a region or a code a frame, times and confidences."""

import dataclasses

import numpy as np

from dslt_jax.boxes import Array

# VOT's codes of frames without a region.
UNKNOWN, INITIALIZATION, FAILURE = 0, 1, 2
TRACKED = -1


@dataclasses.dataclass(frozen=True)
class Trajectory:
    """One run over the N frames of a sequence.

    Attributes:
        regions: (N, 4) boxes or (N, 8) polygons, NaN in frames without one; the frame of a start
            may hold the box of the start.
        codes: (N,) int8, TRACKED where there is a region, else INITIALIZATION (the tracker was
            started here), FAILURE (it was lost here), UNKNOWN (it was not running).
        seconds: (N,) time of each frame, NaN where it is not known.
        confidence: (N,) the tracker's own, NaN where it is not known.
    """

    regions: Array
    codes: np.ndarray
    seconds: Array
    confidence: Array

    def __len__(self) -> int:
        return len(self.regions)

    @property
    def failures(self) -> int:
        """How many times the tracker was lost."""
        return int((self.codes == FAILURE).sum())

    def same_regions(self, other: "Trajectory") -> bool:
        """Whether two runs gave the same regions and codes, whatever their times."""
        return np.array_equal(self.codes, other.codes) and np.array_equal(
            self.regions, other.regions, equal_nan=True
        )


def empty(length: int, width: int = 4) -> Trajectory:
    """Returns a trajectory of `length` frames in which nothing ran yet."""
    return Trajectory(
        regions=np.full((length, width), np.nan),
        codes=np.full(length, UNKNOWN, np.int8),
        seconds=np.full(length, np.nan),
        confidence=np.full(length, np.nan),
    )


def from_regions(regions: Array, seconds: Array | None = None) -> Trajectory:
    """Returns the trajectory of one pass over regions (N, 4) or (N, 8), the first one the start.

    Raises ValueError where there is none.
    """
    if np.ndim(regions) != 2 or not len(regions):
        raise ValueError(f"regions have shape {np.shape(regions)}, need (N, 4) or (N, 8), N >= 1")
    trajectory = empty(len(regions), regions.shape[1])
    trajectory.regions[:] = regions
    present = ~np.any(np.isnan(trajectory.regions), axis=1)
    trajectory.codes[present] = TRACKED
    trajectory.codes[0] = INITIALIZATION
    if seconds is not None:
        trajectory.seconds[:] = seconds
    return trajectory
