"""The frames of a run of `dslt track`: all of them, or with --realtime the newest ones."""

from collections.abc import Generator, Iterator

import numpy as np

from dslt_jax.app.session import Session
from dslt_jax.media import realtime
from dslt_jax.media.frames import DamagedFrame, Frame, FramesError, Image, Source


def stream(source: Source, newest: bool) -> Generator[Frame, None, None]:
    """Returns the frames of a source, closed by its user."""
    return realtime.newest(source) if newest else iter(source)


def first_of(frames: Iterator[Frame]) -> tuple[Frame, Image]:
    """Returns the next frame and its image; raises FramesError where there is none."""
    first = next(frames, None)
    if first is None:
        raise FramesError("the input has no frames")
    if isinstance(first.image, DamagedFrame):
        raise FramesError(
            f"the first frame cannot be read, and the target is learnt there: {first.image.reason}"
        )
    return first, first.image


def first_after_compiling(
    frames: Iterator[Frame], session: Session, image: Image, targets: int
) -> tuple[Frame, Image]:
    """Returns what a camera sees once the session is ready for that many targets.

    Compiling takes many seconds, and what is to be learned must not be so old. `image` is of the
    same camera.

    Raises:
      FramesError: as `first_of`.
    """
    height, width = image.shape[:2]
    middle = np.array([width, height, width, height]) * [0.4, 0.4, 0.2, 0.2]
    session.warm_up(image, np.tile(middle, (targets, 1)))
    return first_of(frames)
