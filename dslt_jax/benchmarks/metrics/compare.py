"""How sure a mean over sequences is: bootstrap intervals and paired comparison of two trackers."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Interval(NamedTuple):
    """A mean over sequences and its confidence interval."""

    mean: float
    low: float
    high: float


class Comparison(NamedTuple):
    """Tracker a against tracker b on the same S sequences.

    Attributes:
        difference: mean of a - b with its bootstrap interval.
        p_value: two-sided, of the paired sign-flip test that the mean difference is 0.
        wins, losses: sequences where a is better, where b is.
        sequences: S.
    """

    difference: Interval
    p_value: float
    wins: int
    losses: int
    sequences: int


def bootstrap(
    values: ArrayLike, level: float = 0.95, samples: int = 10_000, seed: int = 0
) -> Interval:
    """Returns the mean of values (S,) and its percentile bootstrap interval over sequences.

    Sequences are drawn with replacement `samples` times (Efron 1979). The same seed gives the same
    interval. Raises ValueError for no values, no samples or a level outside (0, 1).
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or not values.size:
        raise ValueError(f"bootstrap needs a value a sequence, got shape {values.shape}")
    if not 0 < level < 1:
        raise ValueError(f"the level of an interval lies between 0 and 1, not {level}")
    if samples < 1:
        raise ValueError(f"bootstrap draws 1 or more samples, not {samples}")
    count = len(values)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), samples)
    low, high = np.quantile(drawn @ values / count, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(values.mean()), float(low), float(high))


def paired(
    a: ArrayLike, b: ArrayLike, level: float = 0.95, samples: int = 10_000, seed: int = 0
) -> Comparison:
    """Compares per-sequence values a (S,) and b (S,) of two trackers on the same sequences.

    Raises ValueError when the shapes differ.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"paired values need the same sequences, got {a.shape} and {b.shape}")
    difference = a - b
    interval = bootstrap(difference, level, samples, seed)
    # Under the null hypothesis each difference is as likely as its negative (Fisher 1935).
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (samples, len(difference)))
    extreme = np.abs(signs @ difference) >= np.abs(difference.sum()) - 1e-12
    return Comparison(
        difference=interval,
        p_value=float((extreme.sum() + 1) / (samples + 1)),
        wins=int((difference > 0).sum()),
        losses=int((difference < 0).sum()),
        sequences=len(difference),
    )
