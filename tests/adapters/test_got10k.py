"""The got10k toolkit runs our tracker, and finds the scores that `dslt benchmark` finds."""

import json
import subprocess

import numpy as np
import pytest
import toolkits
from PIL import Image

from dslt_jax.benchmarks import datasets, metrics, runs
from dslt_jax.cli.main import main as dslt
from dslt_jax.media import synthetic


def otb_folder(folder, count=12):
    """Two sequences in OTB's layout, one of them grey."""
    for name, mode in (("Deer", "RGB"), ("Jumping", "L")):
        clip = synthetic.beetle_clip(60, 240, 180, seed=len(name))
        (folder / name / "img").mkdir(parents=True)
        for i, frame in zip(range(count), clip.source, strict=False):
            picture = Image.fromarray(np.asarray(frame.image)).convert(mode)
            picture.save(folder / name / "img" / f"{i + 1:04d}.jpg", quality=95)
        rows = np.round(clip.boxes[:count] + np.array([1, 1, 0, 0]))
        np.savetxt(folder / name / "groundtruth_rect.txt", rows, "%d", ",")
    return folder


@pytest.mark.slow
def test_its_experiment_runs_ours_unchanged(tmp_path):
    if not toolkits.PYTHON.exists():
        pytest.skip("got10k and vot-toolkit are not installed")
    root, output = otb_folder(tmp_path / "otb"), tmp_path / "theirs"
    script = toolkits.ROOT / "tests" / "adapters" / "run_got10k.py"
    command = [toolkits.PYTHON, script, root, output, "mosse"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "ours"
    command = ["dslt", "benchmark", "--dataset=otb", f"--root={root}", f"--output={run}"]
    assert dslt([*command, "--preset=mosse", "--nokeep_compiled"]) == 0
    dataset = datasets.load("otb", root)
    found = runs.read(run, dataset).boxes
    for name in dataset.names:
        (path,) = output.rglob(f"{name}.txt")
        theirs = np.loadtxt(path, delimiter=",") - np.array([1, 1, 0, 0])
        np.testing.assert_allclose(theirs, found[name], atol=2e-3)
    (report,) = output.rglob("performance.json")
    overall = json.loads(report.read_text())["ours"]["overall"]
    ours = metrics.evaluate(dataset, found, metrics.by_name("got10k")).summary()
    assert overall["success_score"] == pytest.approx(ours["auc"], abs=1e-6)
