"""A backbone without weights: what a few fixed filters find, averaged over cells of each stride."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from dslt_jax.backbones import Function, Layer, layers

NAMES = {4: "fine", 8: "middle", 16: "coarse"}
CHANNELS = 16


@functools.cache  # one function, so that programs are compiled once
def backbone(*strides):
    def features(params, image):
        filters = np.random.default_rng(0).normal(size=(5, 5, 3, CHANNELS)).astype(np.float32)
        filters -= filters.mean(axis=(0, 1, 2), keepdims=True)  # blind to what is even
        x = jax.nn.relu(layers.conv(image, jnp.asarray(filters)) / 8 - 20)
        n, height, width, _ = x.shape
        return [
            x.reshape(n, height // s, s, width // s, s, CHANNELS).mean(axis=(2, 4)) for s in strides
        ]

    return Function(features, [Layer(NAMES[s], s, s / 2, CHANNELS) for s in strides])


def clip(count, *, speed=(4.0, 2.0), growth=1.0, seed=0):
    """A textured thing on a plain ground, and its true boxes (N, 4)."""
    texture = np.random.default_rng(seed).uniform(0, 255, (5, 6, 3)).astype(np.float32)
    texture = np.asarray(jax.image.resize(texture, (60, 72, 3), "cubic")).clip(0, 255)
    frames, truth = [], []
    for i in range(count):
        width, height = (round(side * growth**i) for side in (36, 30))
        x = round(62 + speed[0] * i - width / 2)
        y = round(55 + speed[1] * i - height / 2)
        frame = np.full((120, 160, 3), 90, np.uint8)
        columns, rows = (np.arange(n) * m // n for n, m in ((width, 72), (height, 60)))
        frame[y : y + height, x : x + width] = texture[rows][:, columns]
        frames.append(frame)
        truth.append([x, y, width, height])
    return np.stack(frames), np.array(truth, np.float32)


def grey(frames):
    return np.repeat(frames.mean(-1, keepdims=True).astype(np.uint8), 3, -1)
