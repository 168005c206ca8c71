"""JAX as people set it up: the same boxes in every mode, or one sentence."""

import functools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
import small
from PIL import Image

import dslt_jax as dslt
from dslt_jax import runtime

STRICT = {
    "JAX_ENABLE_X64": "1",
    "JAX_DEBUG_NANS": "1",
    "JAX_NUMPY_DTYPE_PROMOTION": "strict",
    "JAX_NUMPY_RANK_PROMOTION": "raise",
    "JAX_TRANSFER_GUARD": "disallow",
    "JAX_TRACEBACK_FILTERING": "off",
}
# One mode at a time: variables of the environment.
ALONE = {name: {name: value} for name, value in STRICT.items()} | {
    "named device": {"JAX_DEFAULT_DEVICE": "cpu"},
    "no leaks": {"JAX_CHECK_TRACER_LEAKS": "1"},
    "without jit": {"JAX_DISABLE_JIT": "1"},
}
SECOND = "jax.config.update('jax_default_device', jax.devices()[1])"
RUN = """
import json, jax
{setup}
import test_jax_modes
print(json.dumps(test_jax_modes.follow({names})))
"""


def tracker(name):
    if name != "compact":
        return dslt.presets.by_name(name)
    return small.tracker("region.target=16", "region.search=64", "size.crop=32", "augment=false")


def follow(names):
    """The boxes of each tracker on three frames, and the devices where its last state is."""
    frames, truth = small.clip(4)
    found = {}
    for name in names:
        params = dslt.load_params(tracker(name))
        state, boxes = dslt.init(tracker(name), params, frames[0], truth[0]), []
        for frame in frames[1:]:
            state, out = dslt.step(tracker(name), params, state, frame)
            boxes.append(np.asarray(out.box).tolist())
        found[name] = boxes, [device.id for device in state.center.devices()]
    return found


@functools.cache
def ordinary(name):
    return follow([name])[name][0]


def check(found, device):
    """Compares what a process found with the boxes that come in the ordinary mode."""
    for name, (boxes, devices) in found.items():
        np.testing.assert_allclose(boxes, ordinary(name), atol=1e-2)
        assert devices == [device]


def run(words, **environment):
    """Runs Python in a process whose JAX is set up by `environment` alone."""
    variables = small.environment(JAX_NUM_CPU_DEVICES="2", PYTHONPATH=str(Path(__file__).parent))
    return subprocess.run(
        [sys.executable, *words], env=variables | environment, capture_output=True, text=True
    )


def found_by(names, setup="", **environment):
    done = run(["-c", RUN.format(setup=setup, names=names)], **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def track(folder, *flags, **environment):
    """Runs `dslt track` by mosse on the small clip."""
    frames, truth = small.clip(4)
    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{index}.png")
    box = ",".join(map(str, truth[0]))
    words = f"-m dslt_jax track --preset=mosse --input={folder} --box={box}".split()
    return run([*words, f"--output={folder}/out", "--nokeep_compiled", *flags], **environment)


@pytest.mark.slow
def test_all_that_is_strict_at_once_and_another_device():
    check(found_by(["mosse", "compact"], SECOND, **STRICT), device=1)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ALONE)
def test_one_mode_alone(mode):
    names = ["mosse"] if mode == "without jit" else ["mosse", "kcf", "compact"]
    check(found_by(names, **ALONE[mode]), device=0)


def test_the_command_where_all_is_strict(tmp_path):
    done = track(tmp_path, **STRICT)
    assert done.returncode == 0, done.stderr
    boxes = np.loadtxt(tmp_path / "out" / "boxes.txt", delimiter=",")
    check({"mosse": (boxes[1:], [0])}, device=0)


@pytest.mark.slow
def test_the_command_without_jit(tmp_path):
    done = track(tmp_path, JAX_DISABLE_JIT="1")
    assert done.returncode == 0, done.stderr
    boxes = np.loadtxt(tmp_path / "out" / "boxes.txt", delimiter=",")
    check({"mosse": (boxes[1:], [0])}, device=0)


def test_a_platform_that_is_not_there_is_one_sentence_of_the_command(tmp_path):
    done = track(tmp_path, JAX_PLATFORMS="nonsense")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("dslt track: JAX cannot use nonsense here: JAX_PLATFORMS=cpu")
    assert "'nonsense' is not in the list of known backends" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.fixture
def fresh(monkeypatch):
    """A process that has not used JAX yet, as the package sees it."""
    runtime._started_in.cache_clear()
    yield monkeypatch
    runtime._started_in.cache_clear()


def test_a_platform_that_is_not_there_is_told_by_whatever_needs_it(fresh):
    def devices():
        raise AssertionError  # as JAX does for cuda without its plugin

    fresh.setattr(jax, "devices", devices)
    frames, truth = small.clip(1)
    for call in (
        lambda: dslt.init(dslt.presets.mosse(), {}, frames[0], truth[0]),
        lambda: dslt.load_params(dslt.presets.compact()),
    ):
        with pytest.raises(RuntimeError, match=r"JAX cannot use .*\(AssertionError\)"):
            call()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_is_told_and_does_not_hang():
    frames, truth = small.clip(1)
    runtime.check()
    with pytest.warns(match="fork"):
        child = os.fork()
        if not child:
            signal.alarm(30)
            try:
                dslt.init(dslt.presets.mosse(), {}, frames[0], truth[0])
            except RuntimeError as error:
                os._exit(0 if "spawn" in str(error) else 1)
            finally:
                os._exit(2)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JAX_ENABLE_X64", "maybe"),
        ("JAX_DEFAULT_MATMUL_PRECISION", "foo"),
        ("JAX_NUM_CPU_DEVICES", "x"),
        ("JAX_DEFAULT_DEVICE", "foo"),
    ],
)
def test_a_value_that_jax_does_not_take_is_one_sentence_of_the_command(name, value):
    done = run(["-m", "dslt_jax", "track"], **{name: value})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"dslt track: JAX cannot use {name}={value}: unset it\n"


@pytest.mark.parametrize("name", ["JAX_DEFAULT_DEVICE", "JAX_PLATFORM_NAME"])
def test_the_variable_that_asks_for_a_platform_is_named(name):
    code = "from dslt_jax import runtime; runtime.check()"
    done = run(["-c", code], **{name: "gpu"})
    assert f"RuntimeError: JAX cannot use gpu here: {name}=cpu runs on the CPU" in done.stderr
    assert run(["-c", code], **{name: "cpu"}).returncode == 0
