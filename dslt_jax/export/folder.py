"""What an export leaves on disk, and its check in a process that knows nothing else.

init.jaxexport, locate.jaxexport, learn.jaxexport   of `programs`, for `jax.export.deserialize`
params.npz      the frozen networks' arrays
settings.json   the numbers that are inputs, by name; edited there they count in the next run
tracker.py      the runner
export.json     which tracker, by which versions, and whether all is written
"""

import io
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jaxlib
import numpy as np

from dslt_jax.app.session import Session
from dslt_jax.app.sinks import part_of
from dslt_jax.arrays import random_key
from dslt_jax.export import programs
from dslt_jax.media import synthetic
from dslt_jax.types import Params, Tracker
from dslt_jax.version import __version__

ABOUT = "export.json"
RUNNER = Path(__file__).with_name("runner.py")
CHECK_FRAMES = 20

# The runner as a script, where nothing of ours can be imported.
ALONE = """
import runpy, sys
sys.modules.update(dict.fromkeys(["dslt_jax", "flax", "optax"]))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""

# What JAX promises of what `jax.export` writes (docs.jax.dev, "Compatibility guarantees").
WINDOW = (
    f"for JAX whose jaxlib was released up to 6 months after jaxlib {jaxlib.__version__}, or up "
    "to 3 weeks before it"
)


class ExportError(ValueError):
    """An export cannot be written or does not do what it must; the text says why."""


def write(path: Path, tracker: Tracker, params: Params, about: Mapping[str, Any]) -> list[str]:
    """Writes a tracker as files that run without this package.

    Args:
      path: the folder; it is made if need be, and an export that is there is replaced.
      tracker: of one target; params: of `load_params`, a dictionary of arrays.
      about: JSON values on the tracker, for export.json.

    Returns:
      the names of the files.

    Raises:
      ExportError: the folder holds something else or cannot be written to, flatbuffers is not
        installed, the params are not a dictionary of arrays, or JAX cannot export the tracker.
    """
    if not isinstance(params, dict) or not jax.tree_util.all_leaves(params.values()):
        raise ExportError("params must be a dictionary of arrays, so that they go into params.npz")
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()) and not (path / ABOUT).exists():
            raise ExportError(f"{path} holds other files: choose another folder")
        files = _files(tracker, params)
        _describe(path, {"status": "unfinished"})
        for name, data in files.items():
            _replace(path / name, data)
        described = {"status": "done", **about, "versions": _versions()}
        described |= {"platforms": programs.PLATFORMS, "compatibility": WINDOW}
        _describe(path, {**described, "files": list(files)})
    except OSError as error:
        raise ExportError(f"cannot write {error.filename or path}: {error.strerror}") from None
    return [*files, ABOUT]


def check(path: Path, tracker: Tracker, params: Params, seed: int = 0) -> float:
    """Follows the demo's clip by an export in a process without this package, and by the library.

    Args:
      path: the export's folder.
      tracker, params: as they were exported; seed: of export.json, 0 where it has none.

    Returns:
      the largest difference of a box's number, in pixels.

    Raises:
      ExportError: the process failed.
    """
    clip = synthetic.beetle_clip()
    images = [np.asarray(frame.image) for frame in itertools.islice(clip.source, CHECK_FRAMES)]
    with tempfile.TemporaryDirectory() as folder:
        np.save(file := Path(folder) / "clip.npy", np.stack(images))
        box = ",".join(map(str, clip.boxes[0]))
        done = subprocess.run(
            [sys.executable, "-c", ALONE, path / "tracker.py", file, box],
            capture_output=True,
            text=True,
            # Two processes share a GPU's memory here.
            env=os.environ | {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
        )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise ExportError(f"the export in {path} does not run: {reason}")
    session = Session(tracker, params, key=random_key(seed))
    session.init(images[0], clip.boxes[:1])
    ours = np.stack([session.step(image).boxes[0] for image in images[1:]])
    theirs = np.array([line.split(",") for line in done.stdout.splitlines()], float)
    return float(np.abs(theirs - ours).max())


def _files(tracker: Tracker, params: Params) -> dict[str, bytes]:
    try:
        found = programs.programs(tracker, params)
    except Exception as error:  # what a tracker of one's own does, JAX may refuse in any words
        reason = str(error).strip().partition("\n")[0]
        raise ExportError(f"JAX cannot export this tracker: {reason}") from error
    try:
        files = {f"{name}.jaxexport": bytes(one.serialize()) for name, one in found.items()}
    except ImportError:
        raise ExportError("an export needs flatbuffers: pip install 'dslt-jax[export]'") from None
    arrays = io.BytesIO()
    np.savez(arrays, **{name: np.asarray(value) for name, value in params.items()})  # type: ignore[arg-type]
    numbers = json.dumps(programs.settings(tracker), indent=2)
    files |= {"params.npz": arrays.getvalue(), "settings.json": f"{numbers}\n".encode()}
    return files | {"tracker.py": RUNNER.read_bytes()}


def _versions() -> dict[str, str]:
    return {"dslt_jax": __version__, "jax": jax.__version__, "jaxlib": jaxlib.__version__}


def _describe(path: Path, content: dict[str, Any]) -> None:
    _replace(path / ABOUT, f"{json.dumps(content, indent=2)}\n".encode())


def _replace(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all."""
    part_of(path).write_bytes(data)
    os.replace(part_of(path), path)
