"""The environment variables of a worker: its share of the machine's threads, its GPU, its cache.

They must be set before JAX and NumPy are imported, hence for a new process.
"""

import importlib.util
import itertools
import math
import os
import shutil
import subprocess

# The threads of XLA on the CPU, and of the libraries that NumPy may use.
THREAD_VARIABLES = ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def local(
    workers: int, threads: int, device: str, *, keep_compiled: bool = True
) -> list[dict[str, str]]:
    """Returns the environment variables of each worker: as `environment`, and its GPU in turn."""
    environments = [
        environment(threads, device, keep_compiled=keep_compiled) for _ in range(workers)
    ]
    gpus = visible_gpus() if device == "gpu" else []
    if gpus:
        share = 0.9 / math.ceil(workers / len(gpus))
        for variables, gpu in zip(environments, itertools.cycle(gpus), strict=False):
            variables["CUDA_VISIBLE_DEVICES"] = gpu
            variables["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{share:.2f}"
    return environments


def environment(threads: int, device: str, *, keep_compiled: bool = True) -> dict[str, str]:
    """Returns the environment variables that give a process its threads and its kind of device.

    Without `keep_compiled` JAX's cache of compiled programs is off there.
    """
    variables = dict.fromkeys(THREAD_VARIABLES, str(threads))
    if not keep_compiled:
        variables["JAX_ENABLE_COMPILATION_CACHE"] = "false"
    variables["JAX_PLATFORMS"] = "cuda" if device == "gpu" else "cpu"
    return variables


def default_device() -> str:
    """Returns gpu where there is one that JAX can use and may, else cpu."""
    wanted = os.environ.get("JAX_PLATFORMS", "")
    allowed = not wanted or "cuda" in wanted or "gpu" in wanted
    return "gpu" if allowed and has_gpu() else "cpu"


def has_gpu() -> bool:
    """Whether there are a GPU and JAX's plugin for it; does not start JAX, which would take it."""
    plugin = any(importlib.util.find_spec(f"jax_cuda{v}_plugin") for v in (12, 13))
    return plugin and bool(visible_gpus())


def visible_gpus() -> list[str]:
    """Returns the NVIDIA GPUs that processes started from here may use."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return list(itertools.takewhile(lambda gpu: gpu not in ("", "-1"), chosen.split(",")))
    if shutil.which("nvidia-smi") is None:
        return []
    query = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    listed = subprocess.run(query, capture_output=True, text=True, check=False)
    return listed.stdout.split() if listed.returncode == 0 else []
