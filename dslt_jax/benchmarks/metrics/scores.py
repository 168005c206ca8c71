"""The scores of one tracker on the sequences of a benchmark."""

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from dslt_jax.benchmarks.metrics import policy as policy_lib
from dslt_jax.boxes import Array

# key -> how a report calls it
MEASURES = {
    "auc": "AUC",
    "p20": "P20",
    "np20": "NP20",
    "op50": "OP50",
    "op75": "OP75",
    "ao": "AO",
}


@dataclasses.dataclass(frozen=True)
class Scores:
    """A tracker's scores on S sequences.

    Attributes:
        tracker, dataset: names.
        policy: the policy that made them.
        names: the S sequences.
        attributes: the S tuples of attributes.
        frames: (S,) how many frames counted.
        success: (S, T) share of frames over each overlap threshold.
        precision: (S, 51) share of frames within 0 .. 50 pixels.
        normalized_precision: (S, 51) share within 0 .. 0.5 of the target's size.
        ao, op50, op75: (S,) average overlap; share of frames over 0.5 and over 0.75.
        pooled: GOT-10k's way: `ao`, `sr50`, `sr75` over all frames of all sequences but each first.
        problems: sentences about results that did not fit.
    """

    tracker: str
    dataset: str
    policy: policy_lib.Policy
    names: tuple[str, ...]
    attributes: tuple[tuple[str, ...], ...]
    frames: np.ndarray
    success: Array
    precision: Array
    normalized_precision: Array
    ao: Array
    op50: Array
    op75: Array
    pooled: Mapping[str, float]
    problems: tuple[str, ...] = ()

    @property
    def auc(self) -> Array:
        """(S,) mean of each success curve."""
        return self.success.mean(axis=1)

    @property
    def p20(self) -> Array:
        """(S,) precision at 20 pixels."""
        return self.precision[:, 20]

    @property
    def np20(self) -> Array:
        """(S,) normalised precision at 0.2."""
        return self.normalized_precision[:, 20]

    def per_sequence(self) -> dict[str, Array]:
        """Returns every measure of MEASURES as (S,) values."""
        return {key: getattr(self, key) for key in MEASURES}

    def summary(self, names: Iterable[str] | None = None) -> dict[str, float]:
        """Returns the mean of each measure over the sequences, or over `names` among them."""
        rows = self._rows(names)
        return {key: float(values[rows].mean()) for key, values in self.per_sequence().items()}

    def success_curve(self, names: Iterable[str] | None = None) -> Array:
        """Returns the mean success curve (T,)."""
        return self.success[self._rows(names)].mean(axis=0)

    def precision_curve(self, names: Iterable[str] | None = None) -> Array:
        """Returns the mean precision curve (51,)."""
        return self.precision[self._rows(names)].mean(axis=0)

    def by_attribute(self) -> dict[str, tuple[str, ...]]:
        """Returns the names of the sequences with each attribute; `summary` takes them."""
        found = sorted({attribute for group in self.attributes for attribute in group})
        return {
            attribute: tuple(
                name
                for name, group in zip(self.names, self.attributes, strict=True)
                if attribute in group
            )
            for attribute in found
        }

    def only(self, names: Iterable[str]) -> "Scores":
        """Returns the scores of these sequences, in their order; `pooled` stays the whole's."""
        rows = self._rows(names)
        per_row = ("frames", "success", "precision", "normalized_precision", "ao", "op50", "op75")
        return dataclasses.replace(
            self,
            names=tuple(self.names[row] for row in rows),
            attributes=tuple(self.attributes[row] for row in rows),
            **{field: getattr(self, field)[rows] for field in per_row},
        )

    def _rows(self, names: Iterable[str] | None) -> np.ndarray:
        if names is None:
            return np.arange(len(self.names))
        index = {name: row for row, name in enumerate(self.names)}
        asked = [names] if isinstance(names, str) else list(names)
        if unknown := [name for name in asked if name not in index]:
            raise ValueError(
                f"there are no scores of {unknown[0]!r}: choose of {', '.join(self.names)}"
            )
        return np.array([index[name] for name in asked], int)
