"""Compiled programs are kept on disk between runs, by JAX's own cache.

The folder is `$DSLT_CACHE/compiled/<machine>`, otherwise `~/.cache/dslt_jax/compiled/<machine>`;
it may be deleted at any time. Nothing is kept unless a program asks for it, as the command line
does.
"""

import functools
import hashlib
import os
import platform
import warnings
from pathlib import Path

import filelock
import jax

from dslt_jax.weights import store

MAX_BYTES = 512 * 2**20  # of a folder; what was not used for longest goes first
LOCK_SECONDS = 2.0


@functools.cache
def keep() -> str | None:
    """Keeps the programs that this process compiles, and takes those that were kept before.

    Any number of processes may share the folder. A folder that cannot be used and programs that do
    not fit on the disk cost time only. Where JAX's cache has been set up
    (JAX_COMPILATION_CACHE_DIR) or switched off (JAX_ENABLE_COMPILATION_CACHE=false) it stays so.

    Returns:
      a sentence where the folder cannot be used, else None.
    """
    now = jax.config.values
    if now["jax_compilation_cache_dir"] or not now["jax_enable_compilation_cache"]:
        return None
    folder = store.cache_dir() / "compiled" / _machine()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_halves(folder)
    except OSError as error:
        return f"compiled programs are not kept for the next run: {folder}: {error.strerror}"
    # A full disk, or an entry that was damaged: the program is compiled, and runs.
    for what in ("reading", "writing"):
        warnings.filterwarnings("ignore", f"Error {what} persistent compilation cache")
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    jax.config.update("jax_compilation_cache_max_size", MAX_BYTES)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    return None


def cores() -> int | None:
    """Returns how many of the machine's cores this process may use; None where nobody knows."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _machine() -> str:
    """Names what XLA compiles for and JAX's keys leave out: the processor, and its threads."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0].splitlines()
        names = ("vendor_id", "cpu family", "model", "model name", "flags", "Features")
        processor = "\n".join(line for line in lines if line.partition(":")[0].strip() in names)
    except OSError:
        processor = platform.processor()
    threads = os.environ.get("NPROC") or cores()
    digest = hashlib.sha256(f"{processor}\n{threads}".encode()).hexdigest()
    return f"{platform.machine()}-{threads}-{digest[:12]}"


def _remove_halves(folder: Path) -> None:
    """Removes entries that a kill or a power cut left unfinished: JAX would stumble over them.

    JAX writes an entry as KEY-cache and then, when that is whole, KEY-atime, both under a lock.
    """
    with filelock.FileLock(folder / ".lockfile", timeout=LOCK_SECONDS):
        whole = {path.name.removesuffix("-atime") for path in folder.glob("*-atime")}
        for path in folder.glob("*-cache"):
            if path.name.removesuffix("-cache") not in whole or not path.stat().st_size:
                path.unlink()
