"""Strict JAX: broadcasting over a missing axis is an error."""

import os
import tempfile

import jax
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_num_cpu_devices", 2)  # for what is sharded
jax.config.update("jax_disable_most_optimizations", True)  # most is compiled often, runs seldom


def pytest_configure(config):
    """The processes of one run share what they compile: nearly all of its time goes there."""
    if not hasattr(config, "workerinput"):
        folder = tempfile.TemporaryDirectory(prefix="dslt_jax_tests_")
        config.add_cleanup(folder.cleanup)
        os.environ["DSLT_TESTS_COMPILED"] = folder.name
    jax.config.update("jax_compilation_cache_dir", os.environ["DSLT_TESTS_COMPILED"])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)


@pytest.fixture(scope="module", autouse=True)
def free_programs():
    """Every compiled program holds some of the memory maps that a process may have (65,530)."""
    yield
    jax.clear_caches()
