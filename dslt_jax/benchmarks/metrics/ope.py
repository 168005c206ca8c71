"""Success, precision and their summaries over one pass of each sequence (OPE and its relatives)."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from dslt_jax.benchmarks.datasets import Dataset, Sequence
from dslt_jax.benchmarks.metrics import got10k, units
from dslt_jax.benchmarks.metrics import policy as policy_lib
from dslt_jax.benchmarks.metrics.scores import Scores
from dslt_jax.boxes import Array


def is_test_split(sequences: Iterable[Sequence]) -> bool:
    """Returns whether nothing but the first boxes is known of them: a server scores results."""
    truths = [sequence.ground_truth for sequence in sequences]
    return all(len(truth) > 1 and np.isnan(truth[1:]).all() for truth in truths)


def evaluate(
    dataset: Dataset | Iterable[Sequence] | Sequence,
    results: Mapping[str, Array],
    policy: policy_lib.Policy | str = "wu",
    tracker: str = "",
) -> Scores:
    """Scores a tracker's boxes on the sequences that have results.

    Args:
        dataset: the sequences with their ground truth, or one.
        results: sequence name -> (N, 4) boxes, 0-based pixel edges. Rows that are missing at the
            end fail, rows too many are cut; `problems` says so.
        policy: a policy or the name of one.
        tracker: a name to keep with the scores.

    Raises:
        ValueError: no sequence has results, or a result is not (N, 4).
    """
    if not isinstance(policy, policy_lib.Policy):
        policy = policy_lib.by_name(policy)
    if not isinstance(results, Mapping):
        raise ValueError(
            f"results are a {type(results).__name__}, not boxes by sequence: {{name: boxes}}"
        )
    dataset = [dataset] if isinstance(dataset, Sequence) else dataset
    sequences = [sequence for sequence in dataset if sequence.name in results]
    if not sequences:
        raise ValueError(f"{tracker or 'the tracker'} has no results on any of the sequences")
    if is_test_split(sequences):
        raise ValueError(
            "nothing but first boxes is known of these sequences, as of a test split: the "
            "benchmark's own server scores results on it"
        )
    problems, aligned, given = [], [], []
    for sequence in sequences:
        if not len(sequence):
            raise ValueError(f"{sequence.name} has no frame")
        rows = _rows_of(sequence, results[sequence.name])
        boxes, problem = align(sequence, rows)
        aligned.append(boxes)
        given.append(np.arange(len(sequence)) < len(rows))
        said = (problem, units.doubt(sequence, rows))
        problems += [f"{sequence.name}: {line}" for line in said if line]
        invalid = int((~np.isfinite(rows)).any(axis=1).sum())
        if invalid:
            fate = "repeat the row before" if policy.repeat_invalid else "count as failures"
            problems.append(f"{sequence.name}: {invalid} rows are not numbers and {fate}")

    lengths = np.array([len(sequence) for sequence in sequences])
    starts = np.cumsum(lengths) - lengths
    owner = np.repeat(np.arange(len(sequences)), lengths)
    truth, result = np.concatenate([s.boxes for s in sequences]), np.concatenate(aligned)
    overlap, distance, normalized, counts = policy_lib.frame_errors(
        policy, truth, result, starts, np.concatenate(given)
    )
    absent = np.concatenate([s.tags.get("absent", np.zeros(len(s), bool)) for s in sequences])
    pooled = got10k.pooled(truth, result, starts, absent, sequences)
    if policy.name == "pysot":
        counts = counts & ~absent
    overlap, distance, normalized, owner = (
        values[counts] for values in (overlap, distance, normalized, owner)
    )
    frames = np.bincount(owner, minlength=len(sequences))
    if not frames.all():
        empty = sequences[int(np.argmin(frames))].name
        raise ValueError(f"{empty} has no frame with ground truth that policy {policy.name} counts")

    def share_over(values: Array, thresholds: Array) -> Array:
        return _share_over(values, thresholds, policy.strict, owner, frames)

    def share_within(values: Array, thresholds: Array) -> Array:
        return 1 - _share_over(values, thresholds, True, owner, frames)

    op = share_over(overlap, np.array([0.5, 0.75]))
    return Scores(
        tracker=tracker,
        dataset=getattr(dataset, "name", ""),
        policy=policy,
        names=tuple(sequence.name for sequence in sequences),
        attributes=tuple(tuple(sequence.attributes) for sequence in sequences),
        frames=frames,
        success=share_over(overlap, policy.overlaps),
        precision=share_within(distance, policy_lib.DISTANCES),
        normalized_precision=share_within(normalized, policy_lib.NORMALIZED_DISTANCES),
        ao=np.bincount(owner, np.maximum(overlap, 0)) / frames,
        op50=op[:, 0],
        op75=op[:, 1],
        pooled=pooled,
        problems=tuple(problems),
    )


def align(sequence: Sequence, boxes: Array) -> tuple[Array, str | None]:
    """Returns boxes with a row for each frame, and a sentence when they did not fit.

    Results that also hold the rows which the protocol skips (Tiger1) lose them. A row with a number
    that is not finite is NaN throughout.
    """
    boxes = _rows_of(sequence, boxes)
    boxes = np.where(np.isfinite(boxes).all(axis=1, keepdims=True), boxes, np.nan)
    count, given = len(sequence), len(boxes)
    if sequence.skipped and given == count + sequence.skipped:
        return boxes[sequence.skipped :], None
    if given > count:
        return boxes[:count], f"{given} rows for {count} frames, the last {given - count} ignored"
    if given < count:
        missing = np.full((count - given, 4), np.nan)
        return np.concatenate([boxes, missing]), (
            f"{given} rows for {count} frames, the missing {count - given} count as failures"
        )
    return boxes, None


def _rows_of(sequence: Sequence, boxes: Any) -> Array:
    """Returns results as (N, 4) float64; raises ValueError where they are something else."""
    name = f"results of {sequence.name}"
    try:
        rows = np.ma.filled(np.ma.asarray(boxes, np.float64), np.nan)  # what is masked is missing
    except (TypeError, ValueError) as error:  # rows of unlike length, or anything else
        raise ValueError(f"{name} are no array of boxes (N, 4): {error}") from None
    if rows.ndim != 2 or rows.shape[1] != 4:
        raise ValueError(f"{name} have shape {rows.shape}, need (N, 4)")
    return rows


def _share_over(
    values: Array, thresholds: Array, strict: bool, owner: np.ndarray, frames: np.ndarray
) -> Array:
    """Returns (S, T): the share of each sequence's frames with values over each threshold."""
    passed = np.searchsorted(thresholds, values, side="left" if strict else "right")
    width = len(thresholds) + 1
    counts = np.bincount(owner * width + passed, minlength=len(frames) * width)
    # A frame that passes k thresholds is over the first k.
    over = counts.reshape(-1, width)[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    return over / frames[:, None]
