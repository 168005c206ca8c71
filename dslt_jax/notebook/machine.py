"""Where a notebook runs, and how it says what goes wrong."""

import contextlib
import glob
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator

import jax

from dslt_jax import runtime


class NotebookError(ValueError):
    """Something the user can mend; a notebook shows its text alone."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for this
        return textwrap.wrap(str(self), 90)


@contextlib.contextmanager
def sentences() -> Iterator[None]:
    """Turns what the library refuses with into NotebookError; a decorator too."""
    try:
        yield
    except NotebookError:
        raise
    except OSError as error:
        raise NotebookError(f"cannot use {error.filename}: {error.strerror}") from error
    except ValueError as error:
        raise NotebookError(str(error)) from error


def in_colab() -> bool:
    return "google.colab" in sys.modules


def device() -> str:
    """Returns a sentence on what JAX computes on here, and on what else there is.

    Raises:
      NotebookError: the platform that JAX is to use is not there.
    """
    try:
        runtime.check()
    except RuntimeError as error:
        raise NotebookError(str(error)) from None
    found = jax.devices()[0]
    if found.platform != "cpu":
        return f"JAX {jax.__version__} on {jax.device_count()} x {found.device_kind}."
    text = f"JAX {jax.__version__} on the CPU, {os.cpu_count()} cores: all of this works here."
    if shutil.which("nvidia-smi"):
        return f"{text} There is an NVIDIA GPU, which pip install 'jax[cuda12]' lets JAX use."
    if glob.glob("/dev/accel*") or glob.glob("/dev/vfio/[0-9]*"):
        return f"{text} There seems to be a TPU, which pip install 'jax[tpu]' lets JAX use."
    if in_colab():
        return f"{text} For a GPU or TPU: Runtime > Change runtime type."
    return text
