"""The trials of settings on development sequences: what is kept is of one variant alone."""

import json
import subprocess
import sys
from pathlib import Path

import development
import numpy as np
import pytest
import small
from PIL import Image

from dslt_jax.benchmarks import datasets
from dslt_jax.media import synthetic

SCRIPT = Path(__file__).parents[2] / "experiments" / "accuracy" / "development.py"


@pytest.mark.slow
def test_what_is_kept_of_one_preset_is_not_told_of_another(tmp_path):
    clip = synthetic.beetle_clip(60, 240, 180)
    folder = tmp_path / "otb" / "Beetle"
    (folder / "img").mkdir(parents=True)
    for i, frame in zip(range(3), clip.source, strict=False):
        Image.fromarray(np.asarray(frame.image)).save(folder / "img" / f"{i + 1:04d}.jpg")
    np.savetxt(folder / "groundtruth_rect.txt", np.add(clip.boxes[:3], [1, 1, 0, 0]), "%.2f", ",")

    def run(preset):
        command = [sys.executable, SCRIPT, f"--otb={tmp_path / 'otb'}", "--clips="]
        command += [f"--output={tmp_path / 'out'}", f"--preset={preset}"]
        environment = small.environment(DSLT_CACHE=str(tmp_path))
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        return done.returncode, done.stdout, done.stderr

    code, table, said = run("mosse")
    assert code == 0, said
    kept = json.loads((tmp_path / "out" / "preset_0.json").read_text())
    auc, p20 = kept["otb/Beetle"]
    assert f"{auc:.3f}/{p20:.3f}" in table
    assert run("mosse")[:2] == (0, table)
    code, _, said = run("kcf")
    assert code == 1 and "is of another variant: give this one a new name" in said


def test_several_starts_lie_on_both_ways_where_the_target_is_seen():
    boxes = np.arange(320.0).reshape(80, 4) + 1
    boxes[20:23] = np.nan
    files = tuple(f"{i}.jpg" for i in range(80))
    parts = development.parts(datasets.Sequence("Walk", boxes, lambda: files), 4)
    first = {part.name: (part.frames[0], len(part)) for part in parts}
    assert first == {
        "Walk 0": ("0.jpg", 80),
        "Walk 1": ("23.jpg", 57),
        "Walk 2": ("40.jpg", 40),
        "Walk 3": ("60.jpg", 20),
        "Walk back 0": ("79.jpg", 80),
        "Walk back 1": ("59.jpg", 60),
        "Walk back 2": ("39.jpg", 40),
        "Walk back 3": ("19.jpg", 20),
    }
    for part in parts:
        row = int(part.frames[0].removesuffix(".jpg"))
        np.testing.assert_array_equal(part.boxes[0], boxes[row])
