"""A TraX client follows by `dslt vot trax`, in the toolkits' environment."""

import json
import os
import subprocess

import numpy as np
import pytest
import small
import toolkits

from dslt_jax.app.spec import Spec


def run(*command):
    if not toolkits.PYTHON.exists():
        pytest.skip("got10k and vot-toolkit are not installed")
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    return subprocess.run(
        [toolkits.PYTHON, *command],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.slow
def test_a_client_follows_boxes_polygons_and_masks(tmp_path):
    frames, _ = small.clip(2)
    np.save(tmp_path / "frames.npy", frames)
    script = toolkits.ROOT / "tests" / "adapters" / "run_trax.py"
    done = run(script, tmp_path / "frames.npy")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    session = Spec("mosse").build()
    session.init(frames[0], [40, 30, 24, 20])
    (expected,) = session.step(frames[1]).boxes
    np.testing.assert_allclose(told["found"], [expected], atol=1e-2)
    np.testing.assert_allclose(told["regions"], [expected, expected, [90, 60, 30, 30]], atol=1e-2)
    assert told["name"] == "dslt-mosse" and told["status"] == [0, 1]
    assert "lies outside the 160 x 120 frame" in told["said"]
    assert "Traceback" not in told["said"] and "refused" in told


def test_without_a_client_it_says_so():
    done = run("-m", "dslt_jax", "vot", "trax", "--preset=mosse", "--nokeep_compiled")
    assert done.returncode == 1
    assert "no TraX client answers" in done.stderr and "Traceback" not in done.stderr
