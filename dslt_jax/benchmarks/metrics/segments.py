"""Scores of protocols with several starts a sequence: TRE and SRE."""

import dataclasses
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as SequenceABC

import numpy as np

from dslt_jax.benchmarks.datasets import Dataset, Sequence
from dslt_jax.benchmarks.metrics.ope import evaluate
from dslt_jax.benchmarks.metrics.policy import Policy
from dslt_jax.benchmarks.metrics.scores import Scores
from dslt_jax.boxes import Array

# sequence name -> (first frame, 0-based; boxes (N, 4) from there on) of each run
Segments = Mapping[str, SequenceABC[tuple[int, Array]]]


def evaluate_segments(
    dataset: Dataset | Iterable[Sequence],
    results: Segments,
    policy: Policy | str = "wu",
    tracker: str = "",
) -> Scores:
    """Scores runs that start in different frames; a sequence pools the frames of its runs (Wu).

    Args:
        dataset: the sequences.
        results: all runs of each sequence.
        policy: a policy or the name of one.
        tracker: a name to keep with the scores.

    Raises:
        ValueError: as `metrics.evaluate`.
    """
    parts: list[Sequence] = []
    boxes: dict[str, Array] = {}
    owners: list[int] = []
    kept: list[Sequence] = []
    for sequence in dataset:
        runs = results.get(sequence.name, ())
        for number, (start, run) in enumerate(runs):
            stop = start + len(run)
            if not 0 <= start < len(sequence):
                raise ValueError(
                    f"run {number + 1} of {sequence.name} starts in frame {start}, it has "
                    f"{len(sequence)}"
                )
            part = dataclasses.replace(
                sequence,
                name=f"{sequence.name} run {number + 1}",
                ground_truth=sequence.ground_truth[start:stop],
                tags={tag: marks[start:stop] for tag, marks in sequence.tags.items()},
                skipped=0,
            )
            parts.append(part)
            boxes[part.name] = run
            owners.append(len(kept))
        if runs:
            kept.append(sequence)
    scores = evaluate(parts, boxes, policy, tracker)
    owner = np.array(owners)
    frames = np.bincount(owner, scores.frames).astype(int)
    share = scores.frames / frames[owner]

    def pool(values: Array) -> Array:
        pooled = np.zeros((len(kept), *values.shape[1:]))
        np.add.at(pooled, owner, values * share.reshape(-1, *[1] * (values.ndim - 1)))
        return pooled

    return dataclasses.replace(
        scores,
        dataset=getattr(dataset, "name", ""),
        names=tuple(sequence.name for sequence in kept),
        attributes=tuple(tuple(sequence.attributes) for sequence in kept),
        frames=frames,
        success=pool(scores.success),
        precision=pool(scores.precision),
        normalized_precision=pool(scores.normalized_precision),
        ao=pool(scores.ao),
        op50=pool(scores.op50),
        op75=pool(scores.op75),
    )
