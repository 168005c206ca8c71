"""Whatever people hold frames and numbers in, as arrays; what is none says what to do instead."""

import numbers
import os
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

_BOX = "four numbers are needed, [x, y, w, h]"
_TORCH = {".transpose(": ".permute(", "np.stack": "torch.stack", ".astype('uint8')": ".byte()"}
_READ = "np.asarray(PIL.Image.open(path).convert('RGB')) reads an image file"
_HINTS = {
    "frame": _READ,
    "image": _READ,
    "frames": "`dslt track --input PATH` follows a file",
}
# By these NumPy takes an array; without one it would read a whole video, or make an object of it.
_HELD = ("__array__", "__array_interface__", "__array_struct__")


def to_array(name: str, value: Any) -> Any:
    """Returns an array of NumPy or JAX.

    Args:
      name: the argument, as messages call it.
      value: an array, numbers in lists, a Pillow image, a tensor, a buffer, what speaks DLPack or
        has `__array__`, or a list of these, which are stacked.

    Raises:
      ValueError: it is no array, or its parts are not alike.
    """
    if isinstance(value, np.ma.MaskedArray):  # what is hidden would be seen again
        raise ValueError(f"{name} is a masked array: {name}.filled(0), or {name}.data shows all")
    if isinstance(value, np.ndarray | jax.Array):
        return value
    if isinstance(value, list | tuple | deque):
        return _stacked(name, list(value))
    kind, array = type(value).__name__, value
    if value is None:
        raise ValueError(f"{name} is None: readers give that for what they cannot read")
    if isinstance(value, str | bytes | os.PathLike):
        pixels = name.startswith(tuple(_HINTS))  # of frames[0] too
        hint = _HINTS.get(name, _READ if pixels else _BOX)
        raise ValueError(f"{name} is a {kind}, {str(value)[:60]!r}, not an array: {hint}")
    picture = hasattr(value, "getbands")  # of Pillow
    if picture and value.mode not in ("RGB", "L", "P"):
        mode = value.mode
        if mode.startswith("I") or mode == "F":  # of which convert makes white
            raise ValueError(
                f"{name} is an {kind} of mode {mode}: dslt_jax.media.images.to_rgb({name})"
            )
        raise ValueError(f"{name} is an {kind} of mode {mode}: {name}.convert('RGB')")
    try:
        if picture:
            array = np.asarray(value.convert("RGB"))
        for method in ("detach", "cpu", "numpy"):  # a tensor, of whatever framework
            array = getattr(array, method)() if hasattr(array, method) else array
        array = _held(array)
    except Exception as error:  # other people's conversions raise anything
        raise ValueError(f"{name} is a {kind} that NumPy cannot take: {error}") from None
    if not isinstance(array, np.ndarray | jax.Array):
        raise ValueError(f"{name} must be an array, got a {kind}{_kind_hint(name, value)}")
    return array


def _held(value: Any) -> Any:
    """The array that something of another library holds; itself where it holds none."""
    if hasattr(value, "__jax_array__"):
        return value.__jax_array__()
    if isinstance(value, numbers.Number) and not isinstance(value, int | float):
        return np.asarray(float(value))  # type: ignore[arg-type]
    if isinstance(value, numbers.Number) or any(hasattr(value, way) for way in _HELD):
        return np.asarray(value)
    if hasattr(value, "__dlpack__"):
        return np.from_dlpack(value)
    try:
        return np.asarray(memoryview(value))
    except TypeError:
        return value


def _kind_hint(name: str, value: Any) -> str:
    """Says how what is no array becomes one."""
    if type(value).__name__ == "UMat":  # of OpenCV
        return f": {name}.get()"
    if isinstance(value, jax.ShapeDtypeStruct):
        return ", which has no numbers: jax.eval_shape(dslt.step, ...) traces without them"
    if isinstance(value, Mapping) and value:
        return f": {name}[{next(iter(value))!r}] or list({name}.values())"
    if isinstance(value, Iterable):
        return f": list({name})" + ", or dslt.step one by one" * name.startswith("frame")
    return f": {_BOX}" if name.startswith("box") else ""


def to_pixels(name: str, value: Any) -> Any:
    """Returns `to_array`, as uint8 where they are Python's own whole numbers of 0..255."""
    array = to_array(name, value)
    plain = isinstance(value, list | tuple) and array.dtype == np.int64
    if plain and array.size and array.min() >= 0 and array.max() <= 255:
        return array.astype(np.uint8)
    return array


def to_device(array: Any) -> jax.Array:
    """Returns an array of NumPy or JAX as JAX's, by a transfer that jax_transfer_guard allows.

    Not by jnp.asarray, which it refuses, and which compiles a program for each shape.
    """
    return array if isinstance(array, jax.Array) else jax.device_put(array)


def random_key(seed: int) -> jax.Array:
    """Returns `jax.random.key(seed)`, in the same way; raises ValueError where it is no seed."""
    return jax.random.key(to_device(np.int64(whole_seed(seed))))


def whole_seed(seed: Any) -> int:
    """Returns a seed as a whole number of 64 bits; tools give it as text, too."""
    try:
        number = int(seed)
        if (isinstance(seed, str) or number == seed) and -(2**63) <= number < 2**63:
            return number
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError(f"seed={seed!r} must be a whole number of 64 bits, such as 0")


def check_pixels(name: str, need: str, value: Any, array: Any, lead: int) -> None:
    """Raises ValueError unless an array's last axes are (H, W, 3) and it is uint8.

    Args:
      name, need: the argument and what it should be, as messages call them.
      value: what came; array: `to_pixels` of it.
      lead: axes before those of a frame.
    """
    # Lists have no methods to call.
    shape, code = array.shape, f"np.asarray({name})" if isinstance(value, list | tuple) else name
    hints = []
    if len(shape) != lead + 3 or shape[-1] != 3 or 0 in shape:
        hints.append(_shape_hint(code, shape, lead))
    if array.dtype != np.uint8 and 0 not in shape:
        hints.append(_dtype_hint(code, array))
    if hints:
        came, hint = f"{shape} {array.dtype} {type(value).__name__}", "; ".join(hints)
        if hasattr(value, "detach"):
            for numpy, torch in _TORCH.items():
                hint = hint.replace(numpy, torch)
        raise ValueError(f"{name} must be {need}, got {came}: {hint}")


def _shape_hint(code: str, shape: tuple[int, ...], lead: int) -> str:
    """Says what such a shape most likely is, and how it becomes frames."""
    axes, rest = ", ".join(map(str, range(lead))), shape[lead:]
    if 0 in shape:
        return "there are no frames" if lead and not shape[0] else "it is empty"
    if lead and len(shape) == 3 and shape[2] == 3:
        return f"it is one frame; a clip of one is {code}[None]"
    if len(rest) == 4 and shape[0] == 1:
        return f"it has an axis too many, {code}[0]"
    if len(rest) == 4:
        return "dslt.track_many takes several clips" if lead else "dslt.track takes clips"
    if len(rest) == 2:
        return f"it is grey; stack it three times: np.stack([{code}] * 3, -1)"
    if len(rest) != 3:
        return f"it has {len(shape)} axes, not {lead + 3}"
    if rest[2] in (1, 2):
        return f"it is grey; stack it three times: np.stack([{code}[..., 0]] * 3, -1)"
    if rest[2] == 4:
        return f"it has a fourth channel, alpha; {code}[..., :3]"
    order = ", ".join(str(lead + i) for i in (1, 2, 0))
    if rest[0] in (3, 4):
        more = "[..., :3]" if rest[0] == 4 else ""
        return f"channels come first; {code}.transpose({axes + ', ' if axes else ''}{order}){more}"
    if rest[0] == 1:
        return f"it is grey and channels come first; np.stack([{code}.squeeze({lead})] * 3, -1)"
    return f"{rest[2]} channels are not red, green and blue"


def _dtype_hint(code: str, array: Any) -> str:
    """Says what such numbers most likely are, and how they become 0..255."""
    whole, unit = f"{code}.astype('uint8')", f"({code} * 255).astype('uint8')"
    if array.dtype == bool:
        return f"true and false; {unit}"
    if not jnp.issubdtype(array.dtype, jnp.number):
        return "numbers of 0..255 are needed"
    if isinstance(array, jax.core.Tracer):
        return f"where it holds 0..1: {unit}, where it holds 0..255: {whole}"
    low, high = float(array.min()), float(array.max())
    if not np.isfinite([low, high]).all():
        return "it holds NaN or infinity"
    if low < 0:
        return "it has numbers below 0: undo the normalisation, to 0..255"
    if jnp.issubdtype(array.dtype, jnp.floating) and high <= 1:
        return f"it holds 0..1; {unit}"
    if high <= 255:
        return f"it holds 0..255; {whole}"
    if high <= 65535:
        return f"it holds 16 bits; ({code} / 257).astype('uint8')"
    return f"it holds numbers up to {high:g}, 0..255 are needed"


def _stacked(name: str, values: Any) -> Any:
    if len(values) == 2 and isinstance(values[0], bool) and not isinstance(values[1], int | float):
        raise ValueError(f"{name} is (found, frame), as OpenCV's read gives: take {name}[1]")
    first = values
    while isinstance(first, list | tuple) and len(first):
        first = first[0]
    if isinstance(first, int | float | np.generic):
        try:
            return np.array(values)
        except (ValueError, TypeError):  # rows of unlike length, or a tracer among numbers
            pass
    arrays = [to_array(f"{name}[{i}]", value) for i, value in enumerate(values)]
    for i, array in enumerate(arrays):
        if array.shape != arrays[0].shape:
            hint = "; frames of several sizes take dslt.step one by one" * (name == "frames")
            raise ValueError(
                f"{name}[{i}] has shape {array.shape}, {name}[0] has {arrays[0].shape}: they must "
                f"be alike{hint}"
            )
    if not arrays:
        return np.empty(0)
    return (jnp if any(isinstance(array, jax.Array) for array in arrays) else np).stack(arrays)
