"""Strict JAX: broadcasting over a missing axis is an error, every test compiles for itself."""

import jax
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_enable_compilation_cache", False)
jax.config.update("jax_num_cpu_devices", 2)  # for what is sharded


@pytest.fixture(scope="module", autouse=True)
def free_programs():
    """Every compiled program holds some of the memory maps that a process may have (65,530)."""
    yield
    jax.clear_caches()


@pytest.fixture
def quick_compile():
    """For what is compiled often and runs seldom."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
