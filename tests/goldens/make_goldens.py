"""Makes the goldens of tests/goldens with PyTorch, from random weights of our own.

Run from the repository root, with torch installed: python tests/goldens/make_goldens.py
"""

import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "backbones"))

import weight_files  # noqa: E402

from dslt_jax import presets  # noqa: E402
from dslt_jax.backbones import vgg16  # noqa: E402


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
    params = weight_files.random_params(vgg16.param_shapes(presets.paper()), seed=1)
    image = np.random.default_rng(2).uniform(0, 255, (1, 32, 32, 3)).astype(np.float32)
    maps = vgg16_torch(params, image, keep_pooling=True)
    np.savez_compressed(
        HERE / "vgg16.npz", **{name: maps[name][..., ::16] for name in vgg16.LAYERS}
    )


if __name__ == "__main__":
    vgg16_golden()
