"""Programs that are kept between runs: shared, bounded, mended, and never in the way."""

import json
import os
import subprocess
import sys

import pytest

from dslt_jax.app import compiled

RUN = """
import functools, json, resource, sys
import dslt_jax, jax
from dslt_jax.cli import benchmark, track
from dslt_jax.app import compiled
from dslt_jax.ops import sampling
assert jax.config.values["jax_compilation_cache_dir"] == {given!r}, "importing switched it on"
resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, resource.RLIM_INFINITY))
count = dict(cache_hits=0, cache_misses=0)
def listen(event, **_):
    name = event.rpartition("/")[2]
    count[name] = count.get(name, 0) + 1
jax.monitoring.register_event_listener(listen)
said = compiled.keep()
x = jax.random.normal(jax.random.key(0), (64, 64))
y = jax.jit(lambda x: jax.numpy.fft.rfft2(x @ x, axes=(0, 1)).real.sum(0))(x)
frame = jax.random.uniform(jax.random.key(1), (80, 70, 3))
cut = jax.jit(functools.partial(sampling.crop, size=16))  # JAX 0.6.0 computes another one from disk
patch = cut(frame, center=jax.numpy.array([30.3, 41.2]), side=jax.numpy.array(22.5))
values = [bytes(memoryview(jax.device_get(x))).hex() for x in (y, patch)]
print(json.dumps([values, count, said]))
"""


def start(cache, room=-1, given=None, **environment):
    variables = {key: value for key, value in os.environ.items() if not key.startswith("JAX_")}
    variables |= {"DSLT_CACHE": str(cache), "NPROC": "1", "JAX_PLATFORMS": "cpu", **environment}
    return subprocess.Popen(
        [sys.executable, "-c", RUN.format(room=room, given=given)],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process):
    """What a process that had nothing to complain about computed, counted and said."""
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    assert error == ""
    values, count, said = json.loads(out)
    return values, count["cache_hits"], count["cache_misses"], said


@pytest.mark.skipif(os.name != "posix", reason="needs limits on files")
def test_processes_share_what_they_compile_and_mend_what_was_broken(tmp_path):
    both = [start(tmp_path), start(tmp_path)]
    (first, *_), (second, *_) = map(ended, both)
    third, hits, misses, said = ended(start(tmp_path))
    assert first == second == third
    assert (misses, said) == (0, None)
    (folder,) = (tmp_path / "compiled").iterdir()
    entries = sorted(folder.glob("*-cache"))
    assert hits == len(entries) > 2

    halved, emptied, damaged, *_ = entries
    whole = halved.stat().st_size
    os.truncate(halved, whole // 2)  # as by kill -9 in the middle of writing
    halved.with_name(halved.name.removesuffix("-cache") + "-atime").unlink()
    emptied.write_bytes(b"")  # as by a power cut
    damaged.write_bytes(b"something else")
    fourth, hits_then, misses, said = ended(start(tmp_path))
    assert (fourth, said) == (first, None)
    assert (hits_then, misses) == (hits - 3, 3)
    assert abs(halved.stat().st_size - whole) < 100  # the time it took is in it
    assert ended(start(tmp_path))[:2] == (first, hits - 1)  # JAX does not replace what is damaged


@pytest.mark.skipif(os.name != "posix", reason="needs limits on files")
def test_a_folder_that_cannot_be_used_or_is_full_costs_time_only(tmp_path):
    (tmp_path / "file").touch()
    processes = [start(tmp_path / "file"), start(tmp_path / "full", room=50)]
    (unusable, _, _, said), (full, _, _, silent) = map(ended, processes)
    assert unusable == full
    assert said.startswith("compiled programs are not kept for the next run: ")
    assert "Not a directory" in said
    assert silent is None
    assert not list(tmp_path.glob("full/compiled/*/*-atime"))


def test_what_the_user_has_set_up_stays(tmp_path):
    off = start(tmp_path / "off", JAX_ENABLE_COMPILATION_CACHE="false")
    own = str(tmp_path / "own")
    elsewhere = start(tmp_path / "there", given=own, JAX_COMPILATION_CACHE_DIR=own)
    assert ended(off)[1:] == (0, 0, None)
    assert ended(elsewhere)[3] is None
    assert not (tmp_path / "off").exists() and not (tmp_path / "there").exists()


def test_programs_are_those_of_a_processor_and_a_number_of_threads(monkeypatch):
    monkeypatch.setenv("NPROC", "1")
    one = compiled._machine()
    assert one == compiled._machine()
    monkeypatch.setenv("NPROC", "2")
    assert compiled._machine() != one
    monkeypatch.delenv("NPROC")
    assert compiled._machine()
