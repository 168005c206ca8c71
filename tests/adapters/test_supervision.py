"""supervision's own annotators draw what our tracker gives, in the toolkits' environment."""

import json
import subprocess

import numpy as np
import pytest
import small
import toolkits

from dslt_jax import boxes
from dslt_jax.app.spec import Spec


def test_detections_with_ids_and_classes(tmp_path):
    script = toolkits.ROOT / "tests" / "adapters" / "run_supervision.py"
    if not toolkits.PYTHON.exists():
        pytest.skip("supervision is not installed")
    frames, _ = small.clip(4)
    np.save(tmp_path / "frames.npy", np.ascontiguousarray(frames[..., ::-1]))
    command = [toolkits.PYTHON, script, tmp_path / "frames.npy"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if "No module named 'supervision'" in done.stderr:
        pytest.skip("supervision is not installed")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    session = Spec("mosse").build()
    session.init(frames[0], [[40, 30, 24, 20], [90, 60, 30, 30]])
    for frame, xyxy, ids in zip(frames[1:], told["xyxy"][1:], told["ids"][1:], strict=True):
        seen = session.step(frame)
        np.testing.assert_allclose(xyxy, boxes.to_corners(seen.boxes[~seen.lost]), atol=1e-3)
        assert ids == [i for i in (1, 2) if not seen.lost[i - 1]]
    assert told["classes"] == [{1: 5, 2: 7}[i] for i in told["ids"][-1]]
    np.testing.assert_allclose(told["confidence"], seen.confidence[~seen.lost], rtol=1e-4)
    assert told["starts"] == [[3], [1]] and told["lost"] == 0
    assert "no detection to follow" in told["refused"]
    assert "corners x1, y1, x2, y2 (N, 4), got array([[  5," in told["refused"]
