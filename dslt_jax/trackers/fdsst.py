"""fDSST: DSST with compressed features, half of the scales, and a wider region.

Source: Danelljan, Häger, Khan, Felsberg, "Discriminative Scale Space Tracking", PAMI 2017;
constants as its authors' code has them. What differs: the compression is found of the windowed
features, where theirs is of those before the window; the peak is found by a parabola, where they
interpolate the response to pixels; and what `trackers.correlation_filter` and `ops.scale_filter`
say.
"""

from dslt_jax.learners.ridge import CompressedRidge
from dslt_jax.ops.scale_filter import ScaleFilter
from dslt_jax.trackers.dsst import Dsst


def fdsst() -> Dsst:
    """The authors' constants: 18 directions, 17 scales, 33 levels."""
    return Dsst(
        size=192,
        padding=2.0,
        learner=CompressedRidge(rate=0.025, channels=18),
        scale=ScaleFilter(count=17, sigma=33 / 16),
    )
