"""Makes the goldens of tests/goldens with PyTorch, from random weights of our own.

Run from the repository root, with torch installed: python tests/goldens/make_goldens.py
"""

import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import weight_files  # noqa: E402

from dslt_jax.backbones import Compact, GoogLeNet, Vgg16, compact, googlenet, vgg16  # noqa: E402


def vgg16_torch(params, image, keep_pooling):
    """Every convolution's output after its ReLU, {name: (N, H, W, C)}, computed by PyTorch."""
    import torch
    from torch.nn import functional as F

    x = torch.from_numpy(image - params["mean"]).permute(0, 3, 1, 2)
    maps = {}
    for name in vgg16.convolutions():
        block, index = int(name[4]), int(name[6])
        if index == 1 and block > 1 and (block <= 3 or keep_pooling):
            x = F.max_pool2d(x, 2)
        kernel = torch.from_numpy(weight_files.oihw(params[f"{name}/w"]))
        x = F.relu(F.conv2d(x, kernel, torch.from_numpy(params[f"{name}/b"]), padding=1))
        maps[name] = x.permute(0, 2, 3, 1).numpy()
    return maps


def vgg16_golden():
    """Every 16th channel of three layers for a random image of 32 x 32, with all pooling."""
    params = weight_files.random_params(Vgg16().param_shapes(), seed=1)
    image = np.random.default_rng(2).uniform(0, 255, (1, 32, 32, 3)).astype(np.float32)
    maps = vgg16_torch(params, image, keep_pooling=True)
    np.savez_compressed(
        HERE / "vgg16.npz", **{name: maps[name][..., ::16] for name in vgg16.LAYERS}
    )


def googlenet_torch(params, image):
    """Every inception module's output, {name: (N, H, W, C)}, computed by PyTorch as Caffe does."""
    import torch
    from torch.nn import functional as F

    def conv(x, name, stride=1):
        kernel = torch.from_numpy(weight_files.oihw(params[f"{name}/w"]))
        bias, pad = torch.from_numpy(params[f"{name}/b"]), kernel.shape[-1] // 2
        return F.relu(F.conv2d(x, kernel, bias, stride=stride, padding=pad))

    def pool(x):
        return F.max_pool2d(x, 3, 2, ceil_mode=True)

    def norm(x):
        return F.local_response_norm(x, 5, 1e-4, 0.75)

    x = torch.from_numpy(image - np.float32(googlenet.MEAN)).permute(0, 3, 1, 2)
    x = norm(pool(conv(x, "conv1/7x7_s2", 2)))
    x = pool(norm(conv(conv(x, "conv2/3x3_reduce"), "conv2/3x3")))
    maps = {}
    for layer in googlenet.LAYERS:
        if layer == "4a":
            x = pool(x)
        name = f"inception_{layer}"
        x = torch.cat(
            [
                conv(x, f"{name}/1x1"),
                conv(conv(x, f"{name}/3x3_reduce"), f"{name}/3x3"),
                conv(conv(x, f"{name}/5x5_reduce"), f"{name}/5x5"),
                conv(F.max_pool2d(x, 3, 1, 1), f"{name}/pool_proj"),
            ],
            1,
        )
        maps[layer] = x.permute(0, 2, 3, 1).numpy()
    return maps


def compact_torch(params, image):
    """The two outputs of the compact network, (N, H, W, C), computed by PyTorch."""
    import torch
    from torch.nn import functional as F

    def conv(x, name, stride=1):
        kernel = torch.from_numpy(weight_files.oihw(params[f"{name}/w"]))
        bias = torch.from_numpy(params[f"{name}/b"])
        return F.conv2d(x, kernel, bias, stride=stride, padding=kernel.shape[-1] // 2)

    x = torch.from_numpy((image - 128) / 64).permute(0, 3, 1, 2)
    outputs = []
    for name, (inputs, width, stride) in compact.Compact().blocks().items():
        y = F.relu(conv(x, name, stride))
        x = x + y if inputs == width else y
        if name == "stage3/block":
            outputs.append(conv(x, "shallow"))
    outputs.append(conv(x, "deep"))
    return [y.permute(0, 2, 3, 1).numpy() for y in outputs]


def googlenet_golden():
    """Every 32nd channel of two layers for a random image of 64 x 64."""
    image = np.random.default_rng(2).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    params = weight_files.random_params(GoogLeNet(("3b", "4e")).param_shapes(), seed=1)
    maps = googlenet_torch(params, image)
    np.savez_compressed(
        HERE / "googlenet.npz", **{name: maps[name][..., ::32] for name in ("3b", "4d", "4e")}
    )


def compact_golden():
    """Every 16th channel of both outputs for a random image of 64 x 64."""
    params = weight_files.random_params(Compact().param_shapes(), seed=1)
    image = np.random.default_rng(2).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    shallow, deep = compact_torch(params, image)
    np.savez_compressed(HERE / "compact.npz", shallow=shallow[..., ::16], deep=deep[..., ::16])


if __name__ == "__main__":
    vgg16_golden()
    googlenet_golden()
    compact_golden()
