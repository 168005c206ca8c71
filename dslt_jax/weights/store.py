"""Loads, checks, stores and lists the backbones' weights; safetensors is the package's format.

`compact`, `narrow` and `siamfc` are embedded in the package. The others live in the cache,
`$DSLT_CACHE` or `~/.cache/dslt_jax`, once `dslt weights fetch` or `dslt weights import` has put
them there.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from dslt_jax import arguments, backbones, runtime
from dslt_jax.backbones import vgg16, winograd
from dslt_jax.weights import convert, readers, sources
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


class Network(NamedTuple):
    """What a weights file holds."""

    backbone: str
    params: dict[str, np.ndarray]  # in the package's form
    remarks: list[str]  # sentences on what is unusual in the file


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
    names = [network.name for network in getattr(tracker, "networks", (tracker.backbone,))]
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
    for network in getattr(tracker, "networks", (backbone,))[1:]:
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
    _check_complete(source, backbone.name, params, needed)
    if path is not None and (note := foreign_note(backbone.name, params, remarks)):
        _LOG.warning("%s: %s", path, note)
    return prepare(backbone, jax.device_put({key: params[key] for key in needed}))


def prepare(backbone: Any, params: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Returns the parameters with what the network computes from them once, where that pays."""
    if jax.default_backend() != "cpu" or not hasattr(backbone, "prepare"):
        return params
    return jax.jit(backbone.prepare)(params)


def read_network(
    path: str | os.PathLike, backbone: str | None = None, preprocessing: str | None = None
) -> Network:
    """Returns the network that `path` holds, checked but perhaps without all of its arrays.

    Args:
      path: a file that `readers.read` reads.
      backbone: the one it must be for; None takes any.
      preprocessing: as of `convert.convert`.

    Raises:
      WeightsError: names the file and the arrays that have a wrong name, shape, dtype or value.
    """
    kind, arrays = readers.read(path)
    # Parameters that were loaded and saved bring it along: it is made anew.
    arrays = winograd.plain(arrays)
    try:
        found = convert.recognise(arrays)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    if found is None:
        example = f": it has {', '.join(sorted(arrays)[:3])}" if arrays else ""
        raise WeightsError(f"{path} holds no arrays of {', '.join(backbones.NAMES)}{example}")
    if found != (backbone or found):
        raise WeightsError(f"{path} holds {found} weights, {backbone} weights are needed")
    backbone = found
    if kind == "safetensors" and (extra := convert.unknown(backbone, arrays)):
        raise WeightsError(f"{path} holds arrays that {backbone} does not have: {_names(extra)}")
    try:
        params = convert.convert(backbone, arrays, preprocessing)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    shapes = convert.network_shapes(backbone)
    wrong = [f"{k} {p.shape} for {shapes[k]}" for k, p in params.items() if p.shape != shapes[k]]
    if wrong:
        raise WeightsError(f"{path} holds arrays of a wrong shape: {_names(wrong)}")
    broken = [key for key, array in params.items() if not np.isfinite(array).all()]
    if broken:
        raise WeightsError(f"{path} holds NaN or infinity in {_names(broken)}")
    return Network(backbone, params, convert.remarks(backbone, arrays))


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
    _check_complete(path, backbone, params, backbones.TABLE[backbone].param_shapes())
    target = stored_path(backbone)
    save(target, params, {"backbone": backbone, "source": Path(path).name})
    return target, foreign_note(backbone, params, remarks)


def save(path: Path, params: Mapping[str, np.ndarray], metadata: dict[str, str]) -> None:
    """Writes `params` as safetensors, in one step: the file is whole or it is not there.

    Raises:
      WeightsError: the file cannot be written; what was there before is kept.
    """
    from safetensors.numpy import save_file

    partial = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        contiguous = {key: np.ascontiguousarray(array) for key, array in params.items()}
        save_file(contiguous, partial, metadata)
        partial.replace(path)
    except Exception as error:  # safetensors wraps a full disk in an error of its own
        partial.unlink(missing_ok=True)
        raise WeightsError(f"{path} cannot be written: {error}") from None


def foreign_note(
    backbone: str, params: Mapping[str, np.ndarray], remarks: Sequence[str] = ()
) -> str | None:
    """Returns a sentence when `params` are not the published weights; None when they are.

    `remarks` are of `read_network`; with one there is a sentence in any case.
    """
    if backbone not in sources.SOURCES:
        return "; ".join(remarks) or None
    title, count = sources.SOURCES[backbone].title, len(sources.digests(backbone, params))
    different = sources.differing(backbone, params)
    if different:
        told = (
            f"these are not the {title} weights ({len(different)} of {count} digests differ: "
            f"{_names(different)}); they are used as they are"
        )
    elif backbone == "vgg16" and not np.allclose(params.get("mean", vgg16.MEAN), vgg16.MEAN):
        mean = ", ".join(f"{value:g}" for value in params["mean"])
        told = f"these are the {title} weights but for their mean, which is {mean}"
    elif not remarks:
        return None
    else:
        told = f"now these are the {title} weights, {count} digests agree"
    return "; ".join([*remarks, told])


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


def _check_complete(
    path: str | os.PathLike, backbone: str, params: Mapping[str, np.ndarray], needed: Mapping
) -> None:
    missing = [key for key in needed if key not in params]
    if missing:
        raise WeightsError(f"{path} lacks arrays that {backbone} needs: {_names(missing)}")


def _names(names: list[str], shown: int = 6) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
