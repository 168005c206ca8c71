"""The scoring policies of four toolkits: small choices that move a score by up to a point.

Every score is printed with the name of the policy that made it.
"""

import dataclasses

import numpy as np

from dslt_jax import boxes
from dslt_jax.boxes import Array

DISTANCES = np.arange(51.0)  # pixels
NORMALIZED_DISTANCES = np.arange(51) / 100  # of the target's width and height
MOST_THRESHOLDS = 10_001  # of a success curve: steps of 1e-4
# The toolkits ask for x, y > 0 in 1-based pixels, ours are 0-based.
ONE_BASED = 1.0


@dataclasses.dataclass(frozen=True)
class Policy:
    """How a toolkit turns boxes into success and precision.

    Attributes:
        name: wu, got10k, pysot or vot.
        thresholds: number of overlap thresholds from 0 to 1.
        strict: whether a frame succeeds at overlap > t; otherwise at overlap >= t.
        truth: what an annotated frame is: "positive", all of x, y, w, h > 0 in 1-based
            coordinates; "sized", w and h > 0 for overlap and a center > 0 for precision; "present",
            no NaN.
        drop: whether frames without truth are left out; otherwise they fail success and pass
            precision, as the toolkits' overlap and distance of -1 have it.
        first_is_truth: whether the first result is replaced by the ground truth.
        repeat_invalid: whether a result with NaN or without area is replaced by the one before;
            otherwise it fails.
    """

    name: str
    thresholds: int = 21
    strict: bool = True
    truth: str = "positive"
    drop: bool = False
    first_is_truth: bool = True
    repeat_invalid: bool = False

    @property
    def overlaps(self) -> np.ndarray:
        """The overlap thresholds (T,), rounded as numpy's linspace does in the toolkits."""
        return np.linspace(0, 1, self.thresholds)

    def describe(self) -> str:
        """Returns one line that says what the policy does."""
        absent = {
            "positive": "frames whose truth is not x, y, w, h > 0",
            "sized": "frames whose truth has no size",
            "present": "frames without truth",
        }[self.truth]
        fate = "are left out" if self.drop else "fail success and pass precision"
        return "; ".join(
            [
                f"policy {self.name}: {self.thresholds} thresholds",
                f"overlap {'>' if self.strict else '>='} t",
                f"{absent} {fate}",
                f"first box is the {'truth' if self.first_is_truth else 'result'}",
                f"invalid results {'repeat the last' if self.repeat_invalid else 'fail'}",
            ]
        )


POLICIES = {
    # Wu's v1.0 code: calcSeqErrRobust, perfPlot.
    "wu": Policy("wu", repeat_invalid=True),
    # got-10k/toolkit: ExperimentOTB, ExperimentUAV123.
    "got10k": Policy("got10k", truth="present", drop=True),
    # STVIR/pysot: OPEBenchmark. Its LaSOT drops frames marked absent.
    "pysot": Policy("pysot", truth="sized", first_is_truth=False),
    # votchallenge/toolkit: unsupervised run, success plot of 100 thresholds.
    "vot": Policy("vot", thresholds=100, truth="present", drop=True, first_is_truth=False),
}


def by_name(name: str, thresholds: int | None = None) -> Policy:
    """Returns a policy, with another number of thresholds if given; raises ValueError."""
    if name not in POLICIES:
        raise ValueError(f"there is no policy '{name}': choose one of {', '.join(POLICIES)}")
    policy = POLICIES[name]
    if thresholds is None or thresholds == policy.thresholds:
        return policy
    if not 2 <= thresholds <= MOST_THRESHOLDS:
        raise ValueError(
            f"a success curve needs 2 to {MOST_THRESHOLDS} thresholds, not {thresholds}"
        )
    return dataclasses.replace(policy, thresholds=thresholds)


def frame_errors(
    policy: Policy, truth: Array, result: Array, starts: np.ndarray, given: np.ndarray
) -> tuple[Array, Array, Array, np.ndarray]:
    """Returns each frame's overlap, center distance, normalised distance, and whether it counts.

    Args:
        policy: the choices to apply.
        truth: (M, 4) ground truth of all sequences' frames, one after the other.
        result: (M, 4) a tracker's boxes.
        starts: (S,) the index of each sequence's first frame.
        given: (M,) False where the tracker has no row at all, which nothing repeats.

    Returns:
        Four arrays (M,): overlap, -1 where the frame must fail; distance in pixels and distance in
        target sizes, -1 where the frame must pass and inf where it must fail; True where it counts.
    """
    # An infinite box has no center: it is no truth, as one of NaN.
    truth = np.where(np.isfinite(truth).all(axis=1, keepdims=True), truth, np.nan)
    result = np.where(given[:, None], _replaced(policy, truth, result, starts), np.nan)
    overlap = boxes.iou(result, truth)
    distance = boxes.center_distance(result, truth)
    # Divided before subtracted, in the files' coordinates: ties fall as they do in pysot.
    size = np.where(truth[:, 2:] == 0, 1e-16, truth[:, 2:])
    offset = _file_center(result) / size - _file_center(truth) / size
    normalized = np.linalg.norm(offset, axis=1)

    sized, centred = _has_truth(policy, truth)
    overlap = np.where(sized, np.nan_to_num(overlap, nan=-1), -1)
    distance = np.where(centred, np.nan_to_num(distance, nan=np.inf), -1)
    normalized = np.where(centred, np.nan_to_num(normalized, nan=np.inf), -1)
    counts = sized if policy.drop else np.ones(len(truth), bool)
    return overlap, distance, normalized, counts


def _replaced(policy: Policy, truth: Array, result: Array, starts: np.ndarray) -> Array:
    result = result.copy()
    if policy.repeat_invalid:
        valid = np.all(np.isfinite(result), axis=1) & np.all(result[:, 2:] > 0, axis=1)
        result[starts] = np.where(valid[starts, None], result[starts], truth[starts])
        valid[starts] = True
        result = result[np.maximum.accumulate(np.where(valid, np.arange(len(result)), 0))]
    if policy.first_is_truth:
        result[starts] = truth[starts]
    return result


def _has_truth(policy: Policy, truth: Array) -> tuple[np.ndarray, np.ndarray]:
    if policy.truth == "present":
        present = ~np.any(np.isnan(truth), axis=1)
        return present, present
    sized = np.all(truth[:, 2:] > 0, axis=1)
    if policy.truth == "positive":
        positive = sized & np.all(truth[:, :2] + ONE_BASED > 0, axis=1)
        return positive, positive
    return sized, np.all(_file_center(truth) > 0, axis=1)


def _file_center(values: Array) -> Array:
    """Returns x + (w - 1) / 2 and y + (h - 1) / 2 in 1-based pixels, as the toolkits write them."""
    return boxes.center(values) + ONE_BASED - 0.5
