"""Brings weights from the names, layouts and preprocessing of other frameworks to the package's.

The package's form: keys '<layer>/w' (HWIO) and '<layer>/b', float32, a first layer that takes RGB
0..255 minus a mean. What each source is, and what is done:

| source | names | kernels | first layer | image minus, divided by |
|---|---|---|---|---|
| Caffe (.caffemodel, OIHW .npz) | the package's | OIHW | BGR | Oxford's or BVLC's mean, 1 |
| MatConvNet .mat | the package's | HWIO | RGB | Oxford's mean, 1 |
| npz of D. Frossard | conv1_1_W, conv1_1_b | HWIO | RGB | Oxford's mean, 1 |
| Keras .h5 | block1_conv1 | HWIO | BGR | Oxford's mean, 1 |
| amdegroot's vgg16_reducedfc.pth | 0.weight | OIHW | RGB | (123, 117, 104), 1 |
| torchvision IMAGENET1K_FEATURES (the same) | features.0.weight | OIHW | RGB | (123, 117, 104), 1 |
| torchvision IMAGENET1K_V1 | features.0.weight | OIHW | RGB | 255 mean, 255 deviation |

A division by s is folded into the first kernel, w / s, which is exact up to the rounding of a
float32: convolution is linear and zero padding stays zero. The mean is not folded into the bias:
that holds inside the image only, where all nine taps see a pixel. At the border some taps see
padding, which stands for the mean of the weights' own preprocessing. So the mean stays a parameter
of the network ('mean', RGB 0..255) and the import is exact everywhere.

Names may stand behind those of what a checkpoint wraps its network in: `module.`,
`model/backbone/`, `state_dict.features.` and so on.

Nobody says for certain in which channel order amdegroot's file is (amdegroot/ssd.pytorch, issue
44); RGB is what torchvision feeds it. A first kernel whose digest is Oxford's in either order
settles the order and the preprocessing, for any source.
"""

import re
from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np

from dslt_jax import backbones
from dslt_jax.backbones import googlenet, vgg16
from dslt_jax.weights import sources
from dslt_jax.weights.readers import WeightsError

# name -> the mean (RGB, 0..255) and the deviation that the weights were trained with
PREPROCESSING = {
    "oxford": (vgg16.MEAN, (1.0, 1.0, 1.0)),
    "ssd": ((123.0, 117.0, 104.0), (1.0, 1.0, 1.0)),
    "torchvision": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
}

# Every network with all the layers that it can be asked for.
WHOLE: dict[str, backbones.Backbone] = {
    "compact": backbones.Compact(),
    "narrow": backbones.Narrow(),
    "googlenet": backbones.GoogLeNet(googlenet.LAYERS[-1:]),
    "vgg16": backbones.Vgg16(vgg16.LAYERS[-1:]),
    "siamfc": backbones.Siamese(),
}

# What checkpoints wrap a network in, in any order and number.
_WRAPPERS = re.compile(
    r"(?:(?:module|model|models|backbone|network|net|encoder|extractor|base|vgg|vgg_?16|features"
    r"|state_dict|model_state_dict|state|params|weights)[./])+(?=.)"
)
_TORCH_KEY = re.compile(r"(\d+)\.(weight|bias)")
_KERAS_KEY = re.compile(r"(?!optimizer)(?:.*/)?block(\d)_conv(\d)(?:/.*)?")
_FROSSARD_KEY = re.compile(r"(conv\d_\d)_([Wb])")
# Where PyTorch's VGGs have their convolutions.
_TORCH_INDEX = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
_TORCH_OTHERS = {
    "VGG-19": (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34),
    "VGG-13": (0, 2, 5, 7, 10, 12, 15, 17, 20, 22),
    "VGG-11": (0, 3, 6, 8, 11, 13, 16, 18),
}


def network_shapes(backbone: str) -> dict[str, tuple[int, ...]]:
    """Returns the keys and shapes of all the layers that a backbone can use."""
    return WHOLE[backbone].param_shapes()


def recognise(arrays: Mapping[str, np.ndarray]) -> str | None:
    """Returns the name of the backbone that most of `arrays` belong to; None where none do.

    Of backbones with the same names it is the one whose shapes agree.
    """
    renamed = _rename(arrays)[0]

    def agreement(name: str) -> tuple[int, int]:
        shapes = network_shapes(name)
        shared = renamed.keys() & shapes.keys()
        same = sum(sorted(renamed[key].shape) == sorted(shapes[key]) for key in shared)
        return len(shared), same

    best = max(backbones.NAMES, key=agreement)
    return best if agreement(best)[0] else None


def unknown(backbone: str, arrays: Mapping[str, np.ndarray]) -> list[str]:
    """Returns the names that `backbone` lacks, in a file that keeps the package's names."""
    if _rename(arrays)[0].keys() != arrays.keys():
        return []  # someone else's network, which may well have more layers
    return sorted(arrays.keys() - network_shapes(backbone).keys())


def convert(
    backbone: str, arrays: Mapping[str, np.ndarray], preprocessing: str | None = None
) -> dict[str, np.ndarray]:
    """Returns those of `arrays` that `backbone` has, in the package's form and as float32.

    Args:
      backbone: a name in `backbones.NAMES`.
      arrays: as `readers.read` returns them.
      preprocessing: a key of PREPROCESSING where the file's own is not to be used (vgg16 only).

    Raises:
      WeightsError: the preprocessing cannot be told, or arrays are another VGG's or no floats.
        Missing arrays and wrong shapes are left for the caller to judge.
    """
    arrays = _unwrapped(arrays)
    renamed, channels, default = _rename(arrays)
    shapes = network_shapes(backbone)
    params = {key: array for key, array in renamed.items() if key in shapes}
    if backbone == "vgg16" and (other := _other_vgg(arrays, renamed)):
        raise WeightsError(f"these are {other}'s weights, VGG-16's are needed")
    for key, array in params.items():
        if not jnp.issubdtype(array.dtype, jnp.floating):  # bfloat16 is one to JAX
            raise WeightsError(f"array '{key}' holds {array.dtype}, float16 or float32 is needed")
    first = next(key for key in shapes if key.endswith("/w"))
    if first in params and _is_oihw(params[first], shapes[first]):
        # A name of the package's with this layout is Caffe's, and Caffe takes BGR.
        channels = channels or "BGR"
        params = {k: a.transpose(2, 3, 1, 0) if a.ndim == 4 else a for k, a in params.items()}
    if channels == "BGR" and first in params and params[first].ndim == 4:
        params[first] = params[first][:, :, ::-1]
    with np.errstate(over="ignore"):  # what overflows is infinite, which is judged later
        params = {k: np.ascontiguousarray(a, np.float32) for k, a in params.items()}
    fits = first in params and params[first].shape == shapes[first]
    if backbone == "vgg16" and fits:
        if _is_turned(params[first]):
            params[first], default = np.ascontiguousarray(params[first][:, :, ::-1]), "oxford"
        if "mean" not in params:
            _set_preprocessing(params, first, preprocessing, default)
    return params


def remarks(backbone: str, arrays: Mapping[str, np.ndarray]) -> list[str]:
    """Returns sentences on what `convert` finds unusual in arrays that it takes."""
    renamed, channels, _ = _rename(arrays)
    shapes = network_shapes(backbone)
    found = []
    short = {str(array.dtype) for key, array in renamed.items() if key in shapes}
    short &= {"float16", "bfloat16"}
    if short:
        found.append(f"its numbers are {' and '.join(sorted(short))}, half precision")
    first = renamed.get("conv1_1/w")
    if backbone == "vgg16" and first is not None and first.ndim == 4:
        if _is_oihw(first, shapes["conv1_1/w"]):
            first, channels = first.transpose(2, 3, 1, 0), channels or "BGR"
        if _is_turned(first[:, :, ::-1] if channels == "BGR" else first):
            took = "RGB" if channels == "BGR" else "BGR"
            found.append(f"its first layer took {took}, unlike in such files, and was turned")
    return found


def _other_vgg(arrays: Mapping[str, np.ndarray], renamed: Mapping[str, np.ndarray]) -> str | None:
    """Returns what VGG it is where that is not VGG-16; `arrays` are unwrapped."""
    if any(name.endswith("running_mean") for name in arrays):
        return "a VGG with batch normalisation"
    if "conv3_4/w" in renamed:
        return "VGG-19"
    kernels = (name for name, array in arrays.items() if array.ndim == 4)
    indices = {int(match[1]) for name in kernels if (match := _TORCH_KEY.fullmatch(name))}
    if indices <= set(_TORCH_INDEX) or indices >= set(_TORCH_INDEX):
        return None
    return next((name for name, known in _TORCH_OTHERS.items() if indices <= set(known)), None)


def _rename(
    arrays: Mapping[str, np.ndarray],
) -> tuple[dict[str, np.ndarray], str | None, str | None]:
    """Returns the arrays under the package's names, the channel order and the preprocessing.

    An order of None means what the layout says, a preprocessing of None that it cannot be told.
    """
    arrays = _unwrapped(arrays)
    convolutions = vgg16.convolutions()
    torch = {name: match for name in arrays if (match := _TORCH_KEY.fullmatch(name))}
    if torch:
        renamed = {}
        for name, match in torch.items():
            if int(match[1]) in _TORCH_INDEX:
                layer = convolutions[_TORCH_INDEX.index(int(match[1]))]
                renamed[f"{layer}/{'w' if match[2] == 'weight' else 'b'}"] = arrays[name]
        return renamed, "RGB", _torch_preprocessing(arrays)
    keras = {name: match for name in arrays if (match := _KERAS_KEY.fullmatch(name))}
    if keras:
        renamed = {
            f"conv{match[1]}_{match[2]}/{'w' if arrays[name].ndim == 4 else 'b'}": arrays[name]
            for name, match in keras.items()
        }
        return renamed, "BGR", "oxford"
    frossard = {name: match for name in arrays if (match := _FROSSARD_KEY.fullmatch(name))}
    if frossard:
        renamed = {f"{m[1]}/{m[2].lower()}": arrays[name] for name, m in frossard.items()}
        return renamed, "RGB", "oxford"
    return dict(arrays), None, "oxford"


def _unwrapped(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the arrays without what wraps their names; raises WeightsError if that confuses."""
    bare: dict[str, str] = {}
    for name in arrays:
        match = _WRAPPERS.match(name)
        short = name[match.end() :] if match else name
        if short in bare and (_TORCH_KEY.fullmatch(short) or short.startswith("conv")):
            raise WeightsError(f"two of its arrays may be '{short}': {bare[short]} and {name}")
        bare.setdefault(short, name)
    return {short: arrays[name] for short, name in bare.items()}


def _torch_preprocessing(arrays: Mapping[str, np.ndarray]) -> str | None:
    if "31.weight" in arrays:  # the dilated fc6 of amdegroot's file
        return "ssd"
    if "classifier.0.bias" in arrays:
        # torchvision fills the classifier that IMAGENET1K_FEATURES lacks with NaN.
        return "torchvision" if np.isfinite(arrays["classifier.0.bias"]).all() else "ssd"
    return None


def _set_preprocessing(
    params: dict[str, np.ndarray], first: str, chosen: str | None, default: str | None
) -> None:
    """Settles the first layer's scale, and adds the mean."""
    if not sources.differing("vgg16", {first: params[first]}):
        default = "oxford"
    chosen = chosen or default
    if chosen is None:
        raise WeightsError(
            "these PyTorch VGG-16 weights do not say how their images were normalised: import "
            f"them with --preprocessing {' or '.join(PREPROCESSING)}"
        )
    mean, deviation = PREPROCESSING[chosen]
    scaled = params[first].astype(np.float64) / np.array(deviation)[:, None]
    params[first] = scaled.astype(np.float32)
    params["mean"] = np.array(mean, np.float32)


def _is_turned(kernel: np.ndarray) -> bool:
    """Whether a first kernel (HWIO) is Oxford's but for the order of its channels."""
    orders = (np.ascontiguousarray(k, np.float32) for k in (kernel, kernel[:, :, ::-1]))
    given, flipped = (not sources.differing("vgg16", {"conv1_1/w": k}) for k in orders)
    return flipped and not given


def _is_oihw(kernel: np.ndarray, hwio: tuple[int, ...]) -> bool:
    height, width, inputs, outputs = hwio
    return kernel.shape == (outputs, inputs, height, width)
