"""Writes small weights files as other frameworks do, from parameters in the package's form."""

import types

import numpy as np
import pytest

from dslt_jax.backbones import Vgg16, vgg16
from dslt_jax.weights import store
from dslt_jax.weights.readers import WeightsError

# All that `load_params` asks of a tracker.
TRACKER = types.SimpleNamespace(backbone=Vgg16(("conv3_3",)))

TORCH_INDEX = dict(
    zip(vgg16.convolutions(), (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28), strict=True)
)


def random_params(shapes, seed=0):
    """He-normal kernels and small biases from numpy's generator, the same on every machine."""
    generator = np.random.default_rng(seed)
    params = {}
    for name, shape in shapes.items():
        scale = 0.1 if len(shape) == 1 else np.sqrt(2.0 / np.prod(shape[:3]))
        params[name] = (generator.standard_normal(shape) * scale).astype(np.float32)
    if "mean" in params:
        params["mean"] = np.array(vgg16.MEAN, np.float32)
    return params


def layers(params):
    """The names of the layers, in order."""
    return [key[:-2] for key in params if key.endswith("/w")]


def oihw(kernel):
    return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))


def caffe_kernels(params):
    """(layer, OIHW kernel, bias) of every layer; the first takes BGR."""
    for index, name in enumerate(layers(params)):
        kernel = params[f"{name}/w"]
        yield name, oihw(kernel[:, :, ::-1] if index == 0 else kernel), params[f"{name}/b"]


def _varint(number):
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def _message(number, content):
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _number(number, value):
    return _varint(number << 3) + _varint(value)


def _blob(array, old):
    if old:
        shape = (1,) * (4 - array.ndim) + array.shape
        header = b"".join(_number(i, n) for i, n in enumerate(shape, 1))
    else:
        header = _message(7, _message(1, b"".join(map(_varint, array.shape))))
    return header + _message(5, array.astype("<f4").tobytes())


def caffemodel(params, *, old=False, extra=()):
    """The bytes of a .caffemodel: 'layers' of 2014 (old) or 'layer' messages, with a ReLU between.

    `extra` holds further (layer, kernel, bias), for example of dense layers.
    """
    layer, name_field, type_field, blobs_field = (2, 4, 5, 6) if old else (100, 1, 2, 7)
    content = _message(1, b"net")
    for name, kernel, bias in [*caffe_kernels(params), *extra]:
        kind = _number(type_field, 4) if old else _message(type_field, b"Convolution")
        body = _message(name_field, name.encode()) + kind
        body += _message(blobs_field, _blob(kernel, old)) + _message(blobs_field, _blob(bias, old))
        content += _message(layer, body) + _message(layer, _message(name_field, b"relu"))
    return content


def torch_state(params, prefix="features."):
    """A VGG-16 state_dict as torchvision names it, numpy arrays."""
    state = {}
    for name in layers(params):
        state[f"{prefix}{TORCH_INDEX[name]}.weight"] = oihw(params[f"{name}/w"])
        state[f"{prefix}{TORCH_INDEX[name]}.bias"] = params[f"{name}/b"]
    return state


def refused(path, *says, tracker=TRACKER):
    """Loading `path` is refused in one line that names the file."""
    with pytest.raises(WeightsError) as caught:
        store.load_params(tracker, path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    for text in says:
        assert text in message
    return message
