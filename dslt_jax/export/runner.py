"""Follows targets by the files beside it: pip install jax flatbuffers.

python tracker.py CLIP.npy X,Y,W,H [NAME=VALUE ...]    # (N, H, W, 3) uint8 RGB; prints x,y,w,h
"""

import functools
import json
import os
import sys
from pathlib import Path

import jax
import numpy as np
from jax import export

FOLDER = Path(__file__).parent
SETTINGS = json.loads((FOLDER / "settings.json").read_text(encoding="utf-8"))
SEED = json.loads((FOLDER / "export.json").read_text(encoding="utf-8")).get("seed", 0)


@functools.cache
def program(name):
    data = bytearray((FOLDER / f"{name}.jaxexport").read_bytes())
    return jax.jit(export.deserialize(data).call)


class Tracker:
    """One target; other settings than those of settings.json by name, **{"gates.lost": 0.1}."""

    def __init__(self, **settings):
        if unknown := settings.keys() - SETTINGS.keys():
            raise ValueError(f"there is no setting {unknown}: choose of {', '.join(SETTINGS)}")
        self.settings = {name: np.float32(x) for name, x in (SETTINGS | settings).items()}
        self.params = jax.device_put(dict(np.load(FOLDER / "params.npz")))

    def init(self, frame, box, seed=None):
        """Learns the target; frame (H, W, 3) uint8 RGB, box x, y, w, h in pixels from 0.

        Without a seed of all that is random, it is the one of export.json.
        """
        seed = np.uint32(SEED if seed is None else seed)
        frame, box = np.asarray(frame), np.asarray(box, np.float32)
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            raise ValueError(f"a frame must be (H, W, 3) uint8, got {frame.shape} {frame.dtype}")
        if box.shape != (4,) or not np.isfinite(box).all() or min(box[2:]) <= 1:
            raise ValueError(f"a box must be x,y,w,h in pixels, of more than 1 a side, got {box}")
        height, width = frame.shape[:2]
        if box[0] >= width or box[1] >= height or min(box[:2] + box[2:]) <= 0:
            raise ValueError(f"box {box} must be inside of the {width} x {height} frame")
        self.state = program("init")(self.settings, self.params, frame, box, seed)

    def step(self, frame):
        """Returns a dictionary of what was found in the next frame: box, confidence, lost, ..."""
        sight, out = program("locate")(self.settings, self.params, self.state, frame)
        self.state = program("learn")(self.settings, self.params, self.state, sight)
        return out


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        clip, box = np.load(sys.argv[1], mmap_mode="r"), sys.argv[2].split(",")
        tracker = Tracker(**dict(pair.split("=") for pair in sys.argv[3:]))
        tracker.init(clip[0], [float(number) for number in box])
    except (OSError, ValueError) as error:
        sys.exit(f"tracker.py: {error}")
    try:
        for frame in clip[1:]:
            print(*tracker.step(np.asarray(frame))["box"].tolist(), sep=",", flush=True)
    except BrokenPipeError:  # its reader went away, as `head` does; Python flushes once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
