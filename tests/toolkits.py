"""The official got10k and vot-toolkit, as they are now: they run in an environment of their own.

Their old and large requirements stay out of `.venv`. `.ci/run` makes the environment.
"""

import subprocess
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv" / "toolkits" / "bin" / "python"


def scores(maker: str, folder: Path) -> dict[str, np.ndarray]:
    """Returns what the script `maker` of tests/goldens stores when it runs beside the toolkits."""
    if not PYTHON.exists():
        pytest.skip("got10k and vot-toolkit are not installed")
    output = folder / "official.npz"
    command = [PYTHON, ROOT / "tests" / "goldens" / maker, output]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return dict(np.load(output))
