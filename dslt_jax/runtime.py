"""Whether JAX works in this process: its platform is there, and so are its threads."""

import functools
import os

import jax


def check() -> None:
    """Starts JAX on the platform that it is to use.

    Raises:
      RuntimeError: the platform is not there; or the process was forked from one that used JAX
        here, whose threads stay in the parent: the child would wait for ever.
    """
    if _started_in() != os.getpid():
        raise RuntimeError(
            "this process was forked from one that uses JAX, which cannot work in it: start it "
            "with multiprocessing.get_context('spawn')"
        )


@functools.cache
def _started_in() -> int:
    """The process that started JAX."""
    values, asked = jax.config.values, "jax_platform_name"
    try:
        jax.devices()
        asked = "jax_default_device"  # a platform's name, or a device that is there
        if isinstance(values[asked], str):
            jax.local_devices(backend=values[asked])
    except Exception as error:  # a platform's plugin may raise anything
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        if values[asked] in (None, "", "cpu"):
            asked = "jax_platforms"
        raise RuntimeError(
            f"JAX cannot use {values[asked] or 'the default platform'} here: "
            f"{asked.upper()}=cpu runs on the CPU, "
            f"pip install 'jax[cuda12]' brings NVIDIA's GPUs ({reason})"
        ) from None
    return os.getpid()
