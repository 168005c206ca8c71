"""Reads the variables of a MATLAB 5 to 7 `.mat` file: numbers, text, cells and structs.

Our own, because SciPy's reader crashes the process on some damaged files. Source: MathWorks, "MAT-
File Format" (level 5): tagged elements, each variable perhaps compressed as one. Objects, function
handles and sparse matrices come as None.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
_TEXT = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CELL, _STRUCT, _CHAR = 1, 2, 4
_NUMERIC = range(6, 16)  # double, single, and the integers


def read(buffer: memoryview, limit: int) -> dict[str, Any]:
    """Returns {variable: value}: arrays, str, a list for a cell, a list of dicts for a struct.

    Args:
      buffer: the file's bytes.
      limit: bytes that the compressed variables may come to.

    Raises:
      ValueError: says what is not as a .mat file is, or that the limit is passed.
    """
    order = {b"IM": "<", b"MI": ">"}.get(bytes(buffer[126:128]))
    if order is None:
        raise ValueError("its header does not end with IM or MI")
    variables = {}
    for kind, data in _elements(buffer[128:], order, top=True):
        if kind == _COMPRESSED:
            inflated = zlib.decompressobj().decompress(data, limit + 1)
            limit -= len(inflated)
            if limit < 0:
                raise ValueError("its variables inflate to more than a backbone's weights take")
            ((kind, data),) = _elements(memoryview(inflated), order)
        if kind == _MATRIX:
            name, value = _matrix(data, order)
            variables[name] = value
    return variables


def _elements(
    buffer: memoryview, order: str, *, top: bool = False
) -> Iterator[tuple[int, memoryview]]:
    """Yields (type, data) of the tagged elements that fill `buffer`."""
    position = 0
    while position < len(buffer):
        if position + 8 > len(buffer):
            raise ValueError("an element's tag is cut short")
        kind, length = struct.unpack_from(f"{order}II", buffer, position)
        if kind >> 16:  # a small element: its data are within the tag
            kind, length = kind & 0xFFFF, kind >> 16
            start, end = position + 4, position + 8
        else:
            start = position + 8
            padding = 0 if top and kind == _COMPRESSED else -length % 8
            end = start + length + padding
        if start + length > min(end, len(buffer)):
            raise ValueError(f"an element needs {length} bytes and {len(buffer) - start} are left")
        yield kind, buffer[start : start + length]
        position = end


def _matrix(buffer: memoryview, order: str) -> tuple[str, Any]:
    """Returns the name and the value of one array."""
    if not len(buffer):
        return "", np.empty(0)
    parts = _elements(buffer, order)
    matrix_class = int(_numbers(*_next(parts), order)[0]) & 0xFF
    dimensions = [int(n) for n in _numbers(*_next(parts), order)]
    name = bytes(_next(parts)[1]).decode("latin-1")
    count = math.prod(dimensions)
    if count < 0:
        raise ValueError(f"variable '{name}' has a negative size")
    if matrix_class in _NUMERIC:
        return name, _numbers(*_next(parts), order).reshape(dimensions, order="F")
    if matrix_class == _CHAR:
        kind, data = _next(parts)
        if kind not in _TEXT:
            raise ValueError(f"text of type {kind}")
        encoding = _TEXT[kind]
        if kind in (4, 17, 18):
            encoding += "-le" if order == "<" else "-be"
        return name, bytes(data).decode(encoding)
    if matrix_class == _CELL:
        return name, [_value(parts, order) for _ in range(count)]
    if matrix_class == _STRUCT:
        length = int(_numbers(*_next(parts), order)[0])
        names = bytes(_next(parts)[1])
        if length < 1:
            raise ValueError("a struct's field names have no length")
        fields = [
            names[i : i + length].split(b"\0")[0].decode("latin-1")
            for i in range(0, len(names), length)
        ]
        if count > len(buffer):  # without fields nothing else would end it
            raise ValueError(f"variable '{name}' has {count} structs in {len(buffer)} bytes")
        return name, [{field: _value(parts, order) for field in fields} for _ in range(count)]
    return name, None


def _value(parts: Iterator[tuple[int, memoryview]], order: str) -> Any:
    kind, data = _next(parts)
    if kind != _MATRIX:
        raise ValueError(f"an array was expected, not an element of type {kind}")
    return _matrix(data, order)[1]


def _next(parts: Iterator[tuple[int, memoryview]]) -> tuple[int, memoryview]:
    try:
        return next(parts)
    except StopIteration:
        raise ValueError("an array lacks parts") from None


def _numbers(kind: int, data: memoryview, order: str) -> np.ndarray:
    if kind not in _NUMBERS:
        raise ValueError(f"numbers of type {kind}")
    return np.frombuffer(data, order + _NUMBERS[kind])
