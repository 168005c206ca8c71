"""What DSLT carries from frame to frame, and what it has found in one."""

from typing import Any, NamedTuple

import flax.struct
import jax

from dslt_jax.learners import Samples


class Head(NamedTuple):
    """What is learned: the kernels, where they count, and their learner's state."""

    kernel: Any  # (C, K, K), branch conv_a first
    mask: jax.Array  # (K, K) the target's extent
    optimizer: Any  # of the online learner


class State(flax.struct.PyTreeNode):
    """All that is carried from frame to frame."""

    center: jax.Array  # (2,) x, y of the target in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels
    cells: jax.Array  # (2,) width, height of the target in feature cells, as on the first frame
    reductions: Any  # of the fusion, fixed on the first frame
    sizing: Any  # what the sizing remembers
    usual: jax.Array  # () response of the frames that teach, a running mean
    missing: jax.Array  # () frames that the position was held for
    limits: jax.Array  # (2,) width, height of the last frame
    head: Head
    samples: Samples


class Sight(NamedTuple):
    """What was found in one frame."""

    spectrum: jax.Array  # (C, size // 2 + 1, size) of the search region's features
    position: jax.Array  # (2,) x, y of the peak on the response map
    center: jax.Array  # (2,) x, y of the target in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels
    height: jax.Array  # () of the response there
    confidence: jax.Array  # () that the target is there
    held: jax.Array  # () bool, too little responds: the position stays
    lost: jax.Array  # () bool, that, or something else is there
    sure: jax.Array  # () bool, to measure the size by it
    teaches: jax.Array  # () bool
    sizing: Any  # as in State
    response: jax.Array  # (grid, grid)
    limits: jax.Array  # (2,) width, height of the frame
