"""JAX as people set it up: the same boxes in every mode, or one sentence."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import small

import dslt_jax as dslt

STRICT = {
    "JAX_ENABLE_X64": "1",
    "JAX_DEBUG_NANS": "1",
    "JAX_NUMPY_DTYPE_PROMOTION": "strict",
    "JAX_NUMPY_RANK_PROMOTION": "raise",
    "JAX_TRANSFER_GUARD": "disallow",
    "JAX_TRACEBACK_FILTERING": "off",
}
SECOND = "jax.config.update('jax_default_device', jax.devices()[1])"
# A mode alone: the environment, and what is said in Python.
MODES = {name: ({name: value}, "") for name, value in STRICT.items()}
MODES |= {
    "second device": ({}, SECOND),
    "default device by name": ({"JAX_DEFAULT_DEVICE": "cpu"}, ""),
    "no leaks": ({"JAX_CHECK_TRACER_LEAKS": "1"}, ""),
    "without jit": ({"JAX_DISABLE_JIT": "1"}, ""),
}
RUN = """
import json, jax
{setup}
import test_jax_modes
boxes, devices = test_jax_modes.follow({names})
print(json.dumps([boxes, devices, jax.config.jax_enable_x64]))
"""


def tracker(name):
    if name != "compact":
        return dslt.presets.by_name(name)
    return small.tracker("region.target=16", "region.search=64", "size.crop=32", "augment=false")


def follow(names):
    """Boxes of three frames by each tracker, and where the last state is."""
    frames, truth = small.clip(4)
    found, devices = {}, set()
    for name in names:
        params = dslt.load_params(tracker(name))
        state, boxes = dslt.init(tracker(name), params, frames[0], truth[0]), []
        for frame in frames[1:]:
            state, out = dslt.step(tracker(name), params, state, frame)
            boxes.append(np.asarray(out.box).tolist())
        found[name] = boxes
        devices |= {device.id for device in state.center.devices()}
    return found, sorted(devices)


@pytest.fixture(scope="module")
def ordinary():
    return follow(["mosse", "kcf", "compact"])[0]


def start(words, **environment):
    """A process of its own, with no settings of JAX but these."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith("JAX_")}
    variables |= {"JAX_PLATFORMS": "cpu", "JAX_NUM_CPU_DEVICES": "2"}
    variables["PYTHONPATH"] = str(Path(__file__).parent)
    return subprocess.run(words, env=variables | environment, capture_output=True, text=True)


def boxes_of(names, setup="", **environment):
    done = start([sys.executable, "-c", RUN.format(setup=setup, names=names)], **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_all_that_is_strict_at_once_and_another_device(ordinary):
    found, devices, wide = boxes_of(list(ordinary), SECOND, **STRICT)
    assert (devices, wide) == ([1], True)
    for name, boxes in found.items():
        np.testing.assert_allclose(boxes, ordinary[name], atol=1e-2)
