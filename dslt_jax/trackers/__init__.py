"""The systems, one file each, all driven by `dslt_jax.tracking`."""
