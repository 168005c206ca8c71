"""What a file is by its first bytes, and what to do about one that holds no weights as it is."""

import struct
import zipfile
from pathlib import Path

from dslt_jax.stand_ins import HEAD, PAGE, first_match, not_the_file

MAX_BYTES = 2 << 30  # VGG-16 with its dense layers is 0.55 GB


class WeightsError(ValueError):
    """A weights file that cannot be used; the text says what, where and what to do."""


_HDF5 = b"\x89HDF\r\n\x1a\n"
_TORCH = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"  # PyTorch before 1.6

# first bytes -> what wraps the file, and the command that unwraps it
_PACKED = {
    b"\x1f\x8b": ("gzip-compressed", "gunzip"),
    b"BZh": ("bzip2-compressed", "bunzip2"),
    b"\xfd7zXZ\x00": ("xz-compressed", "unxz"),
    b"\x28\xb5\x2f\xfd": ("zstd-compressed", "unzstd"),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "7z x"),
    b"Rar!\x1a\x07": ("a RAR archive", "unrar x"),
}
# pattern at the beginning -> what it is and what to do
_OTHER = {
    rb"MATLAB 7\.3": "is a MATLAB 7.3 file: save it again with save(..., '-v7')",
    rb"\x80[\x02-\x05]": "is a Python pickle, which is never loaded: it can run code",
    rb"\x93NUMPY": "is a single .npy array: weights are many, save them as .npz",
    rb"\s*<(!|\?|[a-zA-Z])": PAGE,  # no weights begin so, however damaged the page is
    rb'\s*(name|layer|layers|input)\s*[:{]\s*["{]?\w*': (
        "describes a network and holds no weights: these are in the .caffemodel beside it"
    ),
    rb"\x08.{0,32}(pytorch|onnx|tf2onnx|keras)": (
        "is an ONNX model, which is not read: take the framework's own file that it was made from"
    ),
    rb"\x00{128}": "begins with zeros: its download did not end, get it again",
}


def kind_of(path: Path) -> str:
    """Returns the format of a weights file, a key of `readers`' table.

    Raises:
      WeightsError: it is none, and why.
      OSError: it cannot be opened.
    """
    with path.open("rb") as file:
        head = file.read(HEAD).removeprefix(b"\xef\xbb\xbf")
    if not head:
        raise WeightsError(f"{path} is empty")
    if head.startswith(b"PK"):
        return _kind_of_zip(path)
    if head.startswith(_HDF5):
        return "h5"
    if head.startswith(b"MATLAB 5.0 MAT-file"):
        return "mat"
    if head.startswith(_TORCH):
        return "pth"
    if len(head) > 8 and head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] < MAX_BYTES:
        return "safetensors"
    for start, (wrapped, command) in _PACKED.items():
        if head.startswith(start):
            raise WeightsError(f"{path} is {wrapped}: unpack it first ({command} {path.name})")
    if head[257:262] == b"ustar":
        raise WeightsError(f"{path} is a tar archive: unpack it first (tar xf {path.name})")
    if says := not_the_file(head) or first_match(_OTHER, head):
        raise WeightsError(f"{path} {says}")
    if head[:1] in b"\x0a\x12" or head[:2] == b"\xa2\x06":  # the net's name, or its first layer
        return "caffemodel"
    raise WeightsError(f"{path} is no weights file: {_beginning(head)}")


def _kind_of_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except Exception:  # BadZipFile and others, as the damage falls
        raise WeightsError(f"{path} is a damaged or incomplete zip archive") from None
    if any(name.endswith("data.pkl") for name in names):
        return "pth"
    if names and all(name.endswith(".npy") for name in names):
        return "npz"
    shown = ", ".join(names[:3]) or "nothing"
    raise WeightsError(
        f"{path} is a zip archive, but neither .npz nor PyTorch's .pth: it holds {shown}. "
        f"Unpack it first (unzip {path.name}) and take the weights file in it"
    )


def _beginning(head: bytes) -> str:
    """Says how a file begins: as text where it is one."""
    text = head.decode("utf-8", "replace")
    whole = text[:-3] if len(head) == HEAD else text  # it may be cut within a letter
    if "\ufffd" not in whole and "".join(text.split()).isprintable():
        return f"it is text that begins '{text.strip().splitlines()[0][:60]}'"
    return f"it begins with {head[:12]!r}, as no format of weights does"
