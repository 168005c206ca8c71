"""Reads named arrays from the weights files of several frameworks, and never runs what they hold.

The content decides what a file is, not its name. Each reader returns the arrays under the names
that the file gives them; `convert` knows what the names mean. Dense layers (2-D arrays) are left
out where they would have to be copied: no backbone has any. Sizes are checked against `MAX_BYTES`
before anything is decompressed.
"""

import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from dslt_jax.weights import caffemodel, matfile

MAX_BYTES = 2 << 30  # VGG-16 with its dense layers is 0.55 GB

Arrays = dict[str, np.ndarray]


class WeightsError(ValueError):
    """A weights file that cannot be used; the text says what, where and what to do."""


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
        kind = _kind(path)
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
        raise WeightsError(f"{path} cannot be read as {kind}: {reason}") from None


def _kind(path: Path) -> str:
    """Names the file's format by its first bytes."""
    with path.open("rb") as file:
        head = file.read(128)
    if not head:
        raise WeightsError(f"{path} is empty")
    if head.startswith(b"PK"):
        return _kind_of_zip(path)
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return "h5"
    if head.startswith(b"MATLAB 5.0 MAT-file"):
        return "mat"
    if head.startswith(b"MATLAB 7.3"):
        raise WeightsError(f"{path} is a MATLAB 7.3 file: save it again with save(..., '-v7')")
    if head.startswith(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"):  # PyTorch before 1.6
        return "pth"
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05":
        raise WeightsError(f"{path} is a Python pickle, which is never loaded: it can run code")
    if head.startswith(b"\x93NUMPY"):
        raise WeightsError(f"{path} is a single .npy array: weights are many, save them as .npz")
    if len(head) > 8 and head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] < MAX_BYTES:
        return "safetensors"
    if head.startswith(b"version https://git-lfs"):
        raise WeightsError(
            f"{path} is a pointer of Git LFS, not the file itself: run `git lfs pull`, or download "
            "the file from its page"
        )
    if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise WeightsError(
            f"{path} is a web page, saved in place of the weights: follow its own download link"
        )
    if head[:1] in b"\x0a\x12" or head[:2] == b"\xa2\x06":  # the net's name, or its first layer
        return "caffemodel"
    raise WeightsError(
        f"{path} is no weights file: it begins with {head[:12]!r}, "
        f"not as any of {', '.join(_READERS)} does"
    )


def _kind_of_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except Exception:  # BadZipFile and others, as the damage falls
        raise WeightsError(f"{path} is a damaged or incomplete zip archive") from None
    if any(name.endswith("data.pkl") for name in names):
        return "pth"
    if names and all(name.endswith(".npy") for name in names):
        return "npz"
    raise WeightsError(f"{path} is a zip archive, but neither .npz nor PyTorch's .pth")


def _safetensors(path: Path) -> Arrays:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def _npz(path: Path) -> Arrays:
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        _check_size(path, sum(member.file_size for member in archive.infolist()))
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
            _check_size(path, sum(member.file_size for member in archive.infolist()))
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        if "weights_only" not in str(error):
            raise
        raise WeightsError(
            f"{path} holds more than tensors, which is never loaded: it can run code. "
            "Save it again with torch.save(model.state_dict(), path)"
        ) from None
    for key in ("state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict):
        raise WeightsError(f"{path} holds a {type(state).__name__}, not a state_dict of tensors")
    tensors = {
        name.removeprefix("module."): value
        for name, value in state.items()
        if isinstance(name, str) and isinstance(value, torch.Tensor) and value.dim() != 2
    }
    _check_size(path, sum(t.numel() * t.element_size() for t in tensors.values()))
    return {name: tensor.detach().numpy() for name, tensor in tensors.items()}


def _h5(path: Path) -> Arrays:
    import h5py

    datasets = {}

    # visititems follows neither soft nor external links, so nothing outside the file is read.
    def keep(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim != 2:
            if item.external or item.is_virtual:
                raise WeightsError(f"{path}: dataset '{name}' points to another file")
            datasets[name] = item

    with h5py.File(path, "r") as file:
        file.visititems(keep)
        _check_size(path, sum(item.nbytes for item in datasets.values()))
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


def _check_size(path: Path, total: int) -> None:
    if total > MAX_BYTES:
        raise WeightsError(
            f"{path} would take {total} bytes of memory; a backbone's weights end at {MAX_BYTES}"
        )
