"""Reads the arrays of a `.caffemodel` without Caffe: the few protobuf fields that matter.

Field numbers from Caffe's caffe.proto: NetParameter.layers = 2 (V1LayerParameter: name 4, blobs 6)
in files of 2014, NetParameter.layer = 100 (LayerParameter: name 1, blobs 7) since; BlobProto.data
= 5, double_data = 8, shape = 7 (dim 1), and num, channels, height, width = 1 to 4 before.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_KINDS = {5: "<f4", 8: "<f8"}  # of a blob's data
_LAYERS = {2: (4, 6), 100: (1, 7)}  # field of the net -> fields of the layer's name and blobs


def read(buffer: memoryview) -> dict[str, np.ndarray]:
    """Returns every layer's blobs as '<layer>/w' (OIHW float32) and '<layer>/b' (float32).

    Args:
      buffer: the file's bytes; the arrays are views of it where the floats are packed.

    Raises:
      ValueError: says what is not as a caffemodel is, and at which byte.
    """
    arrays = {}
    for number, wire, value in _fields(buffer):
        if number in _LAYERS and wire == _BYTES:
            name_field, blobs_field = _LAYERS[number]
            name, blobs = "", []
            for inner, inner_wire, inner_value in _fields(value):
                if inner == name_field and inner_wire == _BYTES:
                    name = bytes(inner_value).decode()
                elif inner == blobs_field and inner_wire == _BYTES:
                    blobs.append(inner_value)
            # Third and later blobs (batch statistics) belong to layers that we do not have.
            for suffix, blob in zip("wb", blobs, strict=False):
                arrays[f"{name}/{suffix}"] = _blob(f"{name}/{suffix}", blob)
    return arrays


def _blob(name: str, buffer: memoryview) -> np.ndarray:
    legacy = [1, 1, 1, 1]  # num, channels, height, width
    shape: list[int] | None = None
    pieces = []
    loose = {_FIXED32: bytearray(), _FIXED64: bytearray()}  # of files that do not pack them
    for number, wire, value in _fields(buffer):
        if number in (1, 2, 3, 4) and wire == _VARINT:
            legacy[number - 1] = value
        elif number == 7 and wire == _BYTES:
            shape = _dimensions(value)
        elif (number, wire) in ((5, _FIXED32), (8, _FIXED64)):
            loose[wire] += value
        elif number in (5, 8) and wire == _BYTES:
            pieces.append(np.frombuffer(value, _KINDS[number]))
    pieces += [np.frombuffer(loose[_FIXED32], "<f4"), np.frombuffer(loose[_FIXED64], "<f8")]
    pieces = [piece for piece in pieces if piece.size]
    data = pieces[0] if len(pieces) == 1 else np.concatenate([np.empty(0, "<f4"), *pieces])
    if shape is None:
        # A bias was written as (1, 1, 1, n) before blobs had shapes of any rank.
        shape = legacy if name.endswith("/w") else [math.prod(legacy)]
    if math.prod(shape) != data.size:
        raise ValueError(f"blob {name} says shape {tuple(shape)} but holds {data.size} numbers")
    return data.reshape(shape)


def _dimensions(buffer: memoryview) -> list[int]:
    dimensions = []
    for number, wire, value in _fields(buffer):
        if number == 1 and wire == _VARINT:
            dimensions.append(value)
        elif number == 1 and wire == _BYTES:  # packed
            position = 0
            while position < len(value):
                dimension, position = _varint(value, position)
                dimensions.append(dimension)
    return dimensions


def _fields(buffer: memoryview) -> Iterator[tuple[int, int, Any]]:
    """Yields (field number, wire type, value) of one message; the value is an int or its bytes."""
    position = 0
    while position < len(buffer):
        start = position
        key, position = _varint(buffer, position)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, position = _varint(buffer, position)
            yield number, wire, value
            continue
        if wire == _BYTES:
            length, position = _varint(buffer, position)
        elif wire in (_FIXED32, _FIXED64):
            length = 4 if wire == _FIXED32 else 8
        else:
            raise ValueError(f"byte {start} of a message starts no protobuf field")
        if number == 0 or position + length > len(buffer):
            raise ValueError(
                f"the field at byte {start} of a message needs {length} bytes and "
                f"{len(buffer) - position} are left: the file is cut short or no caffemodel"
            )
        yield number, wire, buffer[position : position + length]
        position += length


def _varint(buffer: memoryview, position: int) -> tuple[int, int]:
    result = shift = 0
    while position < len(buffer) and shift < 64:
        byte = buffer[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
        shift += 7
    raise ValueError(f"the number at byte {position} of a message does not end")
