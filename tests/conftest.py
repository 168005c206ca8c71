"""Strict JAX: broadcasting over a missing axis is an error, and every test compiles for itself."""

import jax

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_enable_compilation_cache", False)
