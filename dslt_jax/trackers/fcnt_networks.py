"""What FCNT learns: which feature maps count, and a heat map from those that do.

Both are networks of the first frame's feature maps, learned by gradient descent with momentum on
the squared error of the heat map, its target a Gaussian in the box and nothing outside.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from dslt_jax.learners import Fit, Momentum, Objective
from dslt_jax.ops.convolution import conv, significance
from dslt_jax.ops.labels import gaussian
from dslt_jax.ops.losses import l2
from dslt_jax.ops.particles import cover
from dslt_jax.parts import Part, static


class Net(NamedTuple):
    """A heat map from C maps by way of M: two convolutions, ReLU between."""

    first: jax.Array  # (K, K, C, M)
    first_bias: jax.Array  # (M,)
    second: jax.Array  # (k, k, M, 1)
    second_bias: jax.Array  # (1,)

    def __call__(self, maps: jax.Array) -> jax.Array:
        """Returns heat maps (N, G, G) of maps (N, G, G, C)."""
        hidden = jax.nn.relu(conv(maps, self.first) + self.first_bias.reshape(1, 1, 1, -1))
        return (conv(hidden, self.second) + self.second_bias.reshape(1, 1, 1, 1))[..., 0]

    def heat(self, maps: jax.Array) -> jax.Array:
        """Returns the heat map (G, G) of maps (G, G, C), its highest value 1."""
        heat = self(maps[None])[0]
        return heat / jnp.maximum(heat.max(), 1e-12)


class Selector(NamedTuple):
    """A heat map from all maps by one convolution."""

    weight: jax.Array  # (3, 3, D, 1)
    bias: jax.Array  # (1,)

    def __call__(self, maps: jax.Array) -> jax.Array:
        return (conv(maps, self.weight) + self.bias.reshape(1, 1, 1, 1))[..., 0]


class Training(Part):
    """How one layer's maps are selected and its network is learned, and its constants."""

    rate: float = 1e-7  # of the network's weights; its biases have twice that
    momentum: float = 0.6
    steps: int = static(50)  # on the first frame
    select_rate: float = 1e-10  # of the selector
    select_momentum: float = 0.6
    select_steps: int = static(100)
    dropout: float = 0.3  # share of the features that the selector does not see in a step

    def check(self) -> None:
        self.require("steps", lambda n: n >= 1, "at least 1")
        self.require("select_steps", lambda n: n >= 1, "at least 1")
        self.require("dropout", lambda d: 0 <= d < 1, "from 0 to below 1")
        self.require("momentum", lambda m: 0 <= m < 1, "from 0 to below 1")
        self.require("select_momentum", lambda m: 0 <= m < 1, "from 0 to below 1")

    @property
    def learner(self) -> Momentum:
        """Of a `Net`."""
        r = self.rate
        return Momentum((r, 2 * r, r, 2 * r), self.momentum)

    def select(self, key: jax.Array, maps: jax.Array, label: jax.Array, count: int) -> jax.Array:
        """Returns (count,) int32 the channels of maps (G, G, D) that matter most for a label."""
        noise, start = jax.random.split(key)
        shape = (3, 3, maps.shape[-1], 1)
        weight = 1e-7 * jax.random.normal(start, shape, jnp.float32) + _nothing(maps)
        net = Selector(weight, _nothing(maps)[None])
        learner = Momentum((self.select_rate, 2 * self.select_rate), self.select_momentum)

        def step(carry, key):
            kept = jax.random.bernoulli(key, 1 - self.dropout, maps.shape)
            seen = jnp.where(kept, maps / (1 - self.dropout), 0.0)
            return learner.fit(_objective(seen[None], label[None]), *carry, steps=1)[:2], None

        keys = jax.random.split(noise, self.select_steps)
        (net, _), _ = jax.lax.scan(step, (net, learner.init(net)), keys)
        error = net(maps[None])[0] - label
        return jax.lax.top_k(significance(maps, net.weight, error), count)[1]

    def start(self, key: jax.Array, maps: jax.Array, label: jax.Array, hidden: int) -> Fit:
        """Learns a network of `hidden` maps between from one frame's maps (G, G, C)."""
        first, second = jax.random.split(key)
        channels, none = maps.shape[-1], _nothing(maps)
        net = Net(
            1e-7 * jax.random.normal(first, (9, 9, channels, hidden), jnp.float32) + none,
            jnp.full(hidden, 0.1 * (32 / hidden) ** 0.5, jnp.float32) + none,
            1e-7 * jax.random.normal(second, (5, 5, hidden, 1), jnp.float32) + none,
            none[None],
        )
        objective = _objective(maps[None], label[None])
        return self.learner.fit(objective, net, self.learner.init(net), steps=self.steps)

    def go_on(self, net: Net, momentum: Any, samples: Any, steps: int) -> Fit:
        """Learns more, from maps (N, G, G, C), labels and weights (N, G, G)."""
        return self.learner.fit(_objective(*samples), net, momentum, steps=steps)


def label(grid: int, center: jax.Array, size: jax.Array) -> jax.Array:
    """Returns (grid, grid) a Gaussian of height 1 in a box, three deviations wide, 0 outside.

    Args:
      center: (2,) x, y and size: (2,) width, height of the box, in cells from the map's edge.
    """
    x, y = cover(center - size / 2, center + size / 2, grid)
    return gaussian(grid, center - 0.5, size / 3) * y[:, None] * x[None, :]


def _objective(maps: jax.Array, labels: jax.Array, weights: jax.Array | float = 1.0) -> Objective:
    """Half the squared error, as Caffe has it."""
    return Objective(
        respond=lambda net: net(maps),
        loss=l2,
        label=labels,
        weight=0.5 * jnp.broadcast_to(jnp.asarray(weights, jnp.float32), labels.shape),
    )


def _nothing(maps: jax.Array) -> jax.Array:
    """() zero, made from what was seen: in a checked `shard_map` what is learned must vary."""
    return 0.0 * jnp.clip(maps.mean(), -1.0, 1.0)
