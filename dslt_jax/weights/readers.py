"""Reads named arrays from the weights files of several frameworks, and never runs what they hold.

The content decides what a file is, not its name. Each reader returns the arrays under the names
that the file gives them; `convert` knows what the names mean. Dense layers (2-D arrays) are left
out where they would have to be copied: no backbone has any. Sizes are checked against `MAX_BYTES`
before anything is decompressed.
"""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from dslt_jax.weights import caffemodel, matfile
from dslt_jax.weights.kinds import MAX_BYTES, WeightsError, kind_of

Arrays = dict[str, np.ndarray]

MAX_LOADED = 1 << 29  # bytes of what is no dense layer; VGG-16 has 0.06 GB of it


def read(path: str | os.PathLike) -> tuple[str, Arrays]:
    """Returns what kind of file `path` is (a key of the table below) and its arrays.

    Raises:
      WeightsError: the file is missing, too large, damaged, of no known kind, or holds code.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise WeightsError(f"{path} is no file: give the path of one weights file")
        if size > MAX_BYTES:
            raise WeightsError(f"{path} has {size} bytes; weights files end at {MAX_BYTES}")
        kind = kind_of(path)
    except OSError as error:
        raise WeightsError(f"{path} cannot be opened: {error.strerror}") from None
    try:
        return kind, _READERS[kind](path)
    except WeightsError:
        raise
    except ImportError as error:
        raise WeightsError(
            f"{path} is a {kind} file, which needs {error.name}: pip install 'dslt-jax[convert]'"
        ) from None
    except Exception as error:  # parsers of other people's formats raise anything on damaged bytes
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise WeightsError(f"{path} cannot be read as {kind}: {reason[:200]}") from None


def _safetensors(path: Path) -> Arrays:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def _npz(path: Path) -> Arrays:
    arrays, loaded = {}, 0
    with zipfile.ZipFile(path) as archive:
        _check_size(path, sum(member.file_size for member in archive.infolist()), MAX_BYTES)
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            with archive.open(member) as file:
                shape, dtype = _npy_header(file)
            if dtype.hasobject:
                raise WeightsError(
                    f"{path}: array '{name}' is a pickle of Python objects, which is never loaded: "
                    "it can run code. Save plain float32 arrays"
                )
            # numpy allocates what the array's own header says, so the header must not lie.
            if np.prod(shape, dtype=object) * dtype.itemsize > member.file_size:
                raise WeightsError(f"{path}: array '{name}' says more than the archive holds")
            if len(shape) != 2:
                loaded += member.file_size
                _check_size(path, loaded, MAX_LOADED)
                with archive.open(member) as file:
                    arrays[name] = np.lib.format.read_array(file, allow_pickle=False)
    return arrays


def _npy_header(file: Any) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    return shape, dtype


def _pth(path: Path) -> Arrays:
    import torch

    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            _check_size(path, sum(member.file_size for member in archive.infolist()), MAX_BYTES)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        if "weights_only" not in str(error):
            raise
        raise WeightsError(
            f"{path} holds more than tensors, which is never loaded: it can run code. "
            "Save it again with torch.save(model.state_dict(), path)"
        ) from None
    if not isinstance(state, dict):
        raise WeightsError(f"{path} holds a {type(state).__name__}, not a state_dict of tensors")
    tensors = {name: t for name, t in _flat(state) if isinstance(t, torch.Tensor) and t.dim() != 2}
    _check_size(path, sum(t.numel() * t.element_size() for t in tensors.values()), MAX_LOADED)
    return {name: _to_numpy(tensor.detach()) for name, tensor in tensors.items()}


def _to_numpy(tensor: Any) -> np.ndarray:
    import torch

    if tensor.dtype == torch.bfloat16:  # NumPy has none, JAX brings it one
        return tensor.contiguous().view(torch.int16).numpy().view(jnp.bfloat16)
    return tensor.numpy()


def _flat(state: dict, prefix: str = "", depth: int = 8) -> Iterator[tuple[str, Any]]:
    """Yields the values of nested dicts under dotted names, as a checkpoint nests its parts."""
    for name, value in state.items():
        if isinstance(value, dict) and depth:
            yield from _flat(value, f"{prefix}{name}.", depth - 1)
        else:
            yield f"{prefix}{name}", value


def _h5(path: Path) -> Arrays:
    import h5py

    datasets = {}

    # visititems follows neither soft nor external links, so nothing outside the file is read.
    def keep(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim != 2 and item.dtype.kind in "fiu":
            if item.external or item.is_virtual:
                raise WeightsError(f"{path}: dataset '{name}' points to another file")
            datasets[name] = item

    with h5py.File(path, "r") as file:
        file.visititems(keep)
        _check_size(path, sum(item.nbytes for item in datasets.values()), MAX_LOADED)
        return {name: item[()] for name, item in datasets.items()}


def _mat(path: Path) -> Arrays:
    layers = matfile.read(np.memmap(path, mode="r").data, MAX_BYTES).get("layers")
    if not isinstance(layers, list):
        raise WeightsError(f"{path} has no cell array 'layers': it is no MatConvNet SimpleNN model")
    arrays = {}
    for layer in layers:
        record = layer[0] if isinstance(layer, list) and layer else layer
        if not isinstance(record, dict):
            continue
        # Models of 2014 have fields filters and biases, later ones a cell with both.
        weights = record.get("weights")
        if not isinstance(weights, list):
            weights = [record.get("filters"), record.get("biases")]
        for suffix, array in zip("wb", weights, strict=False):
            if isinstance(array, np.ndarray) and array.size:
                array = array if suffix == "w" else array.ravel()
                arrays[f"{record.get('name')}/{suffix}"] = array
    return arrays


def _caffemodel(path: Path) -> Arrays:
    # Mapped, not read: the half gigabyte of dense layers never leaves the disk.
    return caffemodel.read(np.memmap(path, mode="r").data)


_READERS = {
    "safetensors": _safetensors,
    "npz": _npz,
    "pth": _pth,
    "h5": _h5,
    "mat": _mat,
    "caffemodel": _caffemodel,
}


def _check_size(path: Path, total: int, limit: int) -> None:
    if total > limit:
        raise WeightsError(
            f"{path} would take {total} bytes of memory; a backbone's weights end at {limit}"
        )
