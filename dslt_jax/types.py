"""What a tracker is, what it looks at, and what it gives."""

from typing import Any, NamedTuple, Protocol

import flax.struct
import jax
import numpy as np

Params = Any  # pytree of a frozen network; {} where a tracker has none
State = Any  # pytree of a tracker's own, carried from frame to frame
Sight = Any  # pytree of a tracker's own: what it found in a frame and may learn from


class Look(flax.struct.PyTreeNode):
    """Regions to cut from a frame around one centre: all that a tracker knows of frames."""

    center: jax.Array  # (2,) x, y in frame pixels
    sides: jax.Array  # (S,) in frame pixels, or (S, 2) widths and heights; S > 1: a pyramid
    size: int = flax.struct.field(pytree_node=False)  # side of each crop in pixels


class Output(NamedTuple):
    """What a tracker says of one frame; never carried."""

    box: jax.Array  # (4,) x, y, w, h in frame pixels
    confidence: jax.Array  # () about 1 when sure, 0 when there is nothing
    lost: jax.Array  # () bool: the target was not found, or something else in its place
    response: jax.Array  # (G, G) response map over the search region
    search_box: jax.Array  # (4,) x, y, w, h of the search region in frame pixels
    extra: dict[str, jax.Array]  # of this tracker alone; after `learn` what it says of learning


class Tracker(Protocol):
    """A tracker: a frozen pytree of settings, and pure functions of one target.

    `tracking` cuts what `look` asks for, calls the stages in this order, and knows nothing else.
    `patches` are (S, size, size, 3) float32 RGB 0..255, `limits` (2,) the frame's width and height.
    """

    @property
    def backbone(self) -> Any:
        """The network whose weights `load_params` brings, or None."""

    def first_look(self, box: jax.Array) -> Look:
        """What to see of the first frame, whose target is in `box` (4,)."""

    def init(self, params: Params, key: jax.Array, patches: jax.Array, box: jax.Array) -> State:
        """Learns the target in the first frame."""

    def look(self, state: State) -> Look:
        """What to see of the next frame."""

    def locate(
        self, params: Params, state: State, patches: jax.Array, limits: jax.Array
    ) -> tuple[Sight, Look | None]:
        """Finds the target, and says what else must be seen to measure it."""

    def measure(
        self,
        params: Params,
        state: State,
        sight: Sight,
        patches: jax.Array | None,
        limits: jax.Array,
    ) -> tuple[Sight, Output]:
        """Measures the target in what it asked for; `patches` is None where that was nothing."""

    def learn(
        self, params: Params, state: State, sight: Sight
    ) -> tuple[State, dict[str, jax.Array]]:
        """Moves on to what was seen, and learns from it."""


class Observation(NamedTuple):
    """What is known of N targets in one frame, in NumPy."""

    boxes: np.ndarray  # (N, 4) x, y, w, h in frame pixels
    confidence: np.ndarray  # (N,)
    lost: np.ndarray  # (N,) bool
    response: np.ndarray | None = None  # (N, G, G) over the search region
    search_boxes: np.ndarray | None = None  # (N, 4) of the search region; may exceed the frame
