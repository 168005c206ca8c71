"""Scores of known trackers, each with its source, to set beside one's own.

`published` values were printed in a paper or a table that names them. `measured` ones were computed
from public raw results with Wu's protocol, 21 thresholds. Nothing here is from memory.
"""

import csv
import functools
from importlib import resources
from typing import NamedTuple


class Reference(NamedTuple):
    """One number.

    Attributes:
        tracker: the tracker's usual name.
        dataset: as in `datasets.LAYOUTS`.
        measure: auc, p20, op50, eao or accuracy.
        value: between 0 and 1.
        kind: "published" or "measured".
        source: where the number or the raw results are from.
    """

    tracker: str
    dataset: str
    measure: str
    value: float
    kind: str
    source: str


@functools.cache
def everything() -> tuple[Reference, ...]:
    """Returns all numbers."""
    data = resources.files("dslt_jax.benchmarks").joinpath("data", "reference.csv")
    text = data.read_text(encoding="utf-8")
    _, *rows = csv.reader(text.splitlines())
    return tuple(
        Reference(tracker, dataset, measure, float(value), kind, source)
        for tracker, dataset, measure, value, kind, source in rows
    )


def find(dataset: str, tracker: str | None = None) -> dict[str, dict[str, Reference]]:
    """Returns tracker -> measure -> number on a dataset, of all trackers or of one."""
    found: dict[str, dict[str, Reference]] = {}
    for reference in everything():
        if reference.dataset == dataset and tracker in (None, reference.tracker):
            found.setdefault(reference.tracker, {})[reference.measure] = reference
    return found
