"""ECO-HC: ECO on hand-crafted features.

Source and constants: see `trackers.factorized`. fHOG, colour names and levels of grey are projected
onto 10, 3 and 3 channels. What differs beyond that: the colour names are ours (`ops.features`), and
levels of grey are there in colour, too, as colour names are without.
"""

from typing import Any

import jax

from dslt_jax.learners.factorized import Blocks
from dslt_jax.ops import features, hog
from dslt_jax.parts import static
from dslt_jax.trackers.factorized import Factorized


class EcoHc(Factorized):
    """The tracker's settings."""

    hog_cell: int = static(6)  # of fHOG, in pixels; `cell` is that of the other features
    channels: int = static(10)  # that fHOG is projected onto
    colours: int = static(3)  # that colour names are projected onto, and levels of grey

    def check(self) -> None:
        super().check()
        self.require("hog_cell", lambda n: n >= 1, "at least 1")
        if self.size % self.hog_cell or self.size < 2 * self.hog_cell:
            raise ValueError(
                f"size={self.size} must be whole cells of hog_cell={self.hog_cell}, 2 or more"
            )
        self.require("channels", lambda n: 1 <= n <= 31, "from 1 to 31")
        self.require("colours", lambda n: 1 <= n <= 6, "from 1 to 6")

    @property
    def widths(self) -> tuple[int, ...]:
        return self.channels, self.colours, self.colours

    def blocks(self, params: Any, patch: jax.Array) -> Blocks:
        """Returns fHOG, colour names and levels of grey."""
        return (
            hog.fhog(patch, cell=self.hog_cell),
            features.colour_names(patch, self.cell),
            features.levels(patch, self.cell),
        )


def eco_hc() -> EcoHc:
    """Hand-crafted features; no network."""
    return EcoHc()
