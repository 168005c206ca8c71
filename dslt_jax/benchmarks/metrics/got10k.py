"""GOT-10k's measures: over the frames of all sequences together."""

import numpy as np

from dslt_jax import boxes as boxes_lib
from dslt_jax.benchmarks.datasets import Sequence
from dslt_jax.boxes import Array


def pooled(
    truth: Array,
    result: Array,
    starts: np.ndarray,
    absent: np.ndarray,
    sequences: list[Sequence],
) -> dict[str, float]:
    """Average overlap and success rates over all frames but the first ones.

    Args:
        truth, result: (F, 4) boxes of all frames, one sequence after the other.
        starts: (S,) the first frame of each sequence.
        absent: (F,) bool, frames without the target.
        sequences: the S sequences.

    Returns:
        `ao`, `sr50`, `sr75`; NaN where no frame counts.
    """
    counts = np.asarray(~np.any(np.isnan(truth), axis=1)) & ~absent
    counts[starts] = False
    if not counts.any():
        return {"ao": np.nan, "sr50": np.nan, "sr75": np.nan}
    if all(sequence.image_size for sequence in sequences):
        limit = np.repeat(
            [sequence.image_size for sequence in sequences], [len(s) for s in sequences], axis=0
        )
        truth, result = _bounded(truth, limit), _bounded(result, limit)
    overlap = np.nan_to_num(boxes_lib.iou(result, truth))[counts]
    return {
        "ao": float(overlap.mean()),
        "sr50": float((overlap > 0.5).mean()),
        "sr75": float((overlap > 0.75).mean()),
    }


def _bounded(boxes: Array, limit: np.ndarray) -> Array:
    """Moves corners into the image and then cuts sizes, as GOT-10k's scorer does.

    A box that sticks out at the left is moved, not cut: the scores agree only this way.
    """
    corner = np.clip(boxes[:, :2], 0, limit)
    return np.concatenate([corner, np.clip(boxes[:, 2:], 0, limit - corner)], axis=1)
