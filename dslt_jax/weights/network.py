"""One weights file: which network it holds, checked; whether it is the published one; written."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dslt_jax import backbones
from dslt_jax.backbones import vgg16, winograd
from dslt_jax.weights import convert, readers, sources
from dslt_jax.weights.readers import WeightsError


class Network(NamedTuple):
    """What a weights file holds."""

    backbone: str
    params: dict[str, np.ndarray]  # in the package's form
    remarks: list[str]  # sentences on what is unusual in the file


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


def check_complete(
    path: str | os.PathLike, backbone: str, params: Mapping[str, np.ndarray], needed: Mapping
) -> None:
    """Raises WeightsError where `params`, of the file `path`, lack what is `needed`."""
    missing = [key for key in needed if key not in params]
    if missing:
        raise WeightsError(f"{path} lacks arrays that {backbone} needs: {_names(missing)}")


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


def _names(names: list[str], shown: int = 6) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
