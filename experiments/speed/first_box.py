"""Seconds from calling `dslt track` until its first found box is on disk, cold and warm.

    python experiments/speed/first_box.py
    python experiments/speed/first_box.py --preset kcf --runs 5

The first run has an empty cache of compiled programs, the others find what it has left there. The
clip is the demo's, written as images, so that a frame costs no decoding worth speaking of.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from absl import app, flags
from PIL import Image

from dslt_jax.media import synthetic

FLAGS = flags.FLAGS
flags.DEFINE_string("preset", "compact", "which tracker; one whose weights are not fetched")
flags.DEFINE_integer("runs", 4, "how often, the cold one included", lower_bound=2)


def measure(folder: Path, box: str) -> tuple[float, float]:
    """Runs the command once; returns seconds to the first found box and to the end."""
    output = folder / "out"
    command = [sys.executable, "-m", "dslt_jax", "track", f"--input={folder / 'frames'}"]
    command += [f"--box={box}", f"--preset={FLAGS.preset}", f"--output={output}"]
    environment = os.environ | {"DSLT_CACHE": str(folder / "cache")}
    for old in output.glob("boxes.csv*"):
        old.unlink()
    start, found = time.perf_counter(), None
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as run:
        while run.poll() is None:
            rows = [path.read_text().count("\n") for path in output.glob("boxes.csv*")]
            if found is None and max(rows, default=0) >= 3:  # the header, the given box, one more
                found = time.perf_counter() - start
            time.sleep(0.01)
    if run.returncode or found is None:
        raise SystemExit(f"first_box: the command ended with status {run.returncode}")
    return found, time.perf_counter() - start


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "frames").mkdir()
        clip = synthetic.beetle_clip()
        for frame, _ in zip(clip.source, range(60), strict=False):
            Image.fromarray(frame.image).save(folder / "frames" / f"{frame.index:04d}.bmp")
        box = ",".join(f"{value:.1f}" for value in clip.boxes[0])
        for i in range(FLAGS.runs):
            found, end = measure(folder, box)
            print(
                f"{'warm' if i else 'cold'}: first box {found:.2f} s, end {end:.2f} s", flush=True
            )


if __name__ == "__main__":
    app.run(main)
