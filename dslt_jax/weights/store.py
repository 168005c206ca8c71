"""Loads, stores and lists the backbones' weights; safetensors is the package's format.

`compact`, `narrow` and `siamfc` are embedded in the package. The others live in the cache,
`$DSLT_CACHE` or `~/.cache/dslt_jax`, once `dslt weights fetch` or `dslt weights import` has put
them there.
"""

import logging
import os
from pathlib import Path
from typing import Any, NamedTuple

import jax

from dslt_jax import arguments, backbones, runtime
from dslt_jax.weights import sources
from dslt_jax.weights.network import check_complete, foreign_note, read_network, save
from dslt_jax.weights.readers import WeightsError

EMBEDDED = ("compact", "narrow", "siamfc")
FOLDER = Path(__file__).parent  # where they are

_LOG = logging.getLogger(__name__)


class Installed(NamedTuple):
    """What is known of one backbone's weights."""

    backbone: str
    path: Path  # where they are, or would be
    size: int | None  # bytes of the file; None when it is not there
    state: str  # a few words: verified, other weights, not here, damaged


def cache_dir() -> Path:
    """Returns the folder of fetched and imported weights: `$DSLT_CACHE` or ~/.cache/dslt_jax."""
    return Path(os.environ.get("DSLT_CACHE") or "~/.cache/dslt_jax").expanduser()


def stored_path(backbone: str) -> Path:
    """Returns where `load_params` looks for a backbone's weights."""
    folder = FOLDER if backbone in EMBEDDED else cache_dir()
    return folder / f"{backbone}.safetensors"


def files(tracker: Any, path: str | os.PathLike | None = None) -> dict[str, Path]:
    """Returns the weights file of each network of a tracker by its name, the backbone's first.

    Args:
      path: of the backbone's; None is the embedded or the cached one, as for other networks.
    """
    if tracker.backbone is None:
        return {}
    names = [network.name for network in arguments.networks_of(tracker)]
    others = {name: stored_path(name) for name in names[1:] if name != names[0]}
    return {names[0]: stored_path(names[0]) if path is None else Path(path)} | others


def load_params(tracker: Any, path: str | os.PathLike | None = None) -> dict[str, jax.Array]:
    """Returns the parameters of a tracker's networks; {} for a tracker without one.

    Args:
      tracker: its backbone and layers say which arrays are needed.
      path: a .safetensors, .npz, .pth, .h5, .mat or .caffemodel file of its backbone; None takes
        the embedded or the cached weights, as for what other networks it has.

    Returns:
      The arrays of `backbone.param_shapes()`, float32; on a CPU also kernels made of them, as
      NAME/winograd, which the network then reads in place of NAME/w: who changes or trains weights
      takes the arrays of `param_shapes()` alone, or calls `prepare` on them again.

    Raises:
      WeightsError: there are no weights, or they are not this network's, damaged or not finite.
      ValueError: it is no tracker.
      RuntimeError: JAX does not work in this process: `runtime.check`.
    """
    runtime.check()
    arguments.require_tracker(tracker, "backbone")
    backbone = tracker.backbone
    if backbone is None:
        if path is not None:
            raise WeightsError(f"{path}: this tracker has no network that weights could be for")
        return {}
    params = _load_network(backbone, path)
    for network in arguments.networks_of(tracker)[1:]:
        if network == backbone:
            continue
        more = _load_network(network, None)
        if shared := params.keys() & more.keys():
            raise WeightsError(
                f"{backbone.name} and {network.name} cannot be used together: both call an array "
                f"'{min(shared)}'"
            )
        params |= more
    return params


def _load_network(backbone: Any, path: str | os.PathLike | None) -> dict[str, jax.Array]:
    if backbone.name not in backbones.NAMES:
        raise WeightsError(f"the backbone '{backbone.name}' has no weights here: bring its params")
    needed = backbone.param_shapes()
    source = stored_path(backbone.name) if path is None else Path(path)
    if path is None and not source.exists():
        raise WeightsError(_absent(backbone.name, source))
    _, params, remarks = read_network(source, backbone.name)
    check_complete(source, backbone.name, params, needed)
    if path is not None and (note := foreign_note(backbone.name, params, remarks)):
        _LOG.warning("%s: %s", path, note)
    return prepare(backbone, jax.device_put({key: params[key] for key in needed}))


def prepare(backbone: Any, params: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Returns the parameters with what the network computes from them once, where that pays."""
    if jax.default_backend() != "cpu" or not hasattr(backbone, "prepare"):
        return params
    return jax.jit(backbone.prepare)(params)


def install(
    path: str | os.PathLike, backbone: str | None = None, preprocessing: str | None = None
) -> tuple[Path, str | None]:
    """Converts a weights file and stores it in the cache, replacing what is there.

    Returns:
      The stored file, and a sentence when these are not the published weights as published.

    Raises:
      WeightsError: as `read_network`, or the cache cannot be written.
    """
    backbone, params, remarks = read_network(path, backbone, preprocessing)
    if backbone in EMBEDDED:
        raise WeightsError(f"{backbone}'s weights are embedded: use others by --weights FILE")
    if preprocessing and backbone != "vgg16":
        raise WeightsError(f"{backbone} has one preprocessing only, the choice is vgg16's")
    check_complete(path, backbone, params, backbones.TABLE[backbone].param_shapes())
    target = stored_path(backbone)
    save(target, params, {"backbone": backbone, "source": Path(path).name})
    return target, foreign_note(backbone, params, remarks)


def installed() -> list[Installed]:
    """Returns what is embedded and what is in the cache, every file read and verified."""
    entries = []
    for backbone in backbones.NAMES:
        path = stored_path(backbone)
        if not path.exists():
            entries.append(Installed(backbone, path, None, _absent(backbone, path)))
            continue
        try:
            params = read_network(path, backbone).params
        except WeightsError as error:
            state = f"damaged: {error}"
        else:
            if backbone not in sources.SOURCES:
                state = "embedded, every array checked"
            elif note := foreign_note(backbone, params):
                state = note
            else:
                count = len(sources.digests(backbone, params))
                state = f"verified: the {sources.SOURCES[backbone].title} weights, {count} digests"
        entries.append(Installed(backbone, path, path.stat().st_size, state))
    return entries


def _absent(backbone: str, path: Path) -> str:
    if backbone not in sources.SOURCES:
        return f"the package lacks {path.name}: install it again, or give a weights file"
    return (
        f"{backbone}'s weights are not in {path.parent}: run `dslt weights fetch {backbone}`, "
        f"or `dslt weights import FILE` if you have them"
    )
