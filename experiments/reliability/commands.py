"""What the trials of `dslt` itself share: a clip to run it on, its processes, what it leaves."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT, SIDE = 160, 120, 24
PATIENCE = 60.0  # seconds for a process to end that was asked to


def clip(count: int, seed: int = 0) -> tuple[list[np.ndarray], np.ndarray]:
    """Returns frames (H, W, 3) uint8 of a patch that moves to and fro, and its boxes (N, 4)."""
    draw = np.random.default_rng(seed)
    ground = draw.integers(60, 180, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    ground = ground.repeat(8, 0).repeat(8, 1)
    patch = draw.integers(0, 256, (6, 6, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    boxes = np.array(
        [(20 + bounce(2 * i, 90), 20 + bounce(i, 60), SIDE, SIDE) for i in range(count)]
    )
    frames = []
    for x, y, w, h in boxes:
        frames.append(ground.copy())
        frames[-1][y : y + h, x : x + w] = patch
    return frames, boxes.astype(np.float64)


def bounce(step: int, length: int) -> int:
    """Returns a place between 0 and `length`, there and back again."""
    step %= 2 * length
    return min(step, 2 * length - step)


def write_otb(root: Path, count: int, frames: int) -> list[str]:
    """Writes a benchmark in OTB layout, each sequence another clip; returns what names it."""
    for seed in range(count):
        images, boxes = clip(frames, seed)
        folder = root / f"clip{seed:02d}"
        (folder / "img").mkdir(parents=True)
        for i, image in enumerate(images, start=1):
            Image.fromarray(image).save(folder / "img" / f"{i:04d}.bmp")
        truth = boxes + np.array([1, 1, 0, 0])
        np.savetxt(folder / "groundtruth_rect.txt", truth, "%g", ",")
    return ["--dataset=otb", f"--root={root}", "--device=cpu"]


def start(words: list[str], cache: Path, log: Path) -> subprocess.Popen:
    """Starts `dslt` with these words in a group of its own, on the CPU.

    Args:
        words: the command and its flags.
        cache: the folder of its compiled programs.
        log: the file for what it says.
    """
    environment = os.environ | {"DSLT_CACHE": str(cache), "JAX_PLATFORMS": "cpu"}
    with open(log, "w") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "dslt_jax", *words],
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def wait_for_group(leader: int) -> bool:
    """Waits until no process of a group is left; ends them and returns False where some stay."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            os.killpg(leader, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    os.killpg(leader, signal.SIGKILL)
    return False


def contents(folder: Path) -> dict[str, bytes]:
    """Returns the bytes of the files of a benchmark's run but times and hidden ones."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        hidden = any(part.startswith(".") for part in Path(name).parts)
        if path.is_file() and "_time" not in path.name and not hidden:
            found[name] = path.read_bytes()
    return found
