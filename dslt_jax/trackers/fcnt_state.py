"""What FCNT carries from frame to frame, and what it has found in one."""

from typing import Any, NamedTuple

import flax.struct
import jax

from dslt_jax.trackers.fcnt_networks import Net


class Surest(NamedTuple):
    """The frame that SNet learns from, and how sure it was."""

    maps: jax.Array  # (G, G, C) of SNet
    label: jax.Array  # (G, G)
    heat: jax.Array  # () mean in the box


class State(flax.struct.PyTreeNode):
    """All that is carried from frame to frame."""

    center: jax.Array  # (2,) x, y of the target in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels; the aspect ratio stays
    key: jax.Array  # data of the key of all random choices
    frames: jax.Array  # () int32 in which the target was followed
    lowest: jax.Array  # () mean heat in the box so far
    zooms: jax.Array  # () bool, the size is measured
    chosen: tuple[jax.Array, jax.Array]  # (C,) int32 channels of SNet and GNet
    specific: Net
    momentum: Any  # of SNet's learner
    general: Net
    first: tuple[jax.Array, jax.Array]  # (G, G, C) maps of SNet and (G, G) label, first frame
    surest: Surest


class Sight(NamedTuple):
    """What was found in one frame."""

    center: jax.Array  # (2,) x, y of the target in frame pixels
    size: jax.Array  # (2,) width, height in frame pixels
    heat: jax.Array  # () mean in the box
    lost: jax.Array  # () bool
    distracted: jax.Array  # () bool, SNet's map is hot outside of GNet's box
    maps: jax.Array  # (G, G, C) of SNet
    label: jax.Array  # (G, G) of the box found
