"""Losses of regression and of classification, elementwise: reduction is the caller's.

Every function takes the response `p` and the soft label `y`, arrays of one shape, and returns the
loss of each location. With l = |p - y|:

  l1         l
  l2         l^2
  l3         l^3                             the focal form with gamma = 1
  focal      l^gamma * l^2
  ohnm       l^2 where l >= threshold, else 0   online hard negative mining
  shrinkage  l^2 / (1 + exp(a * (c - l)))

Source: Lu et al., "Deep Regression Tracking with Shrinkage Loss", ECCV 2018. The released MATLAB
code drops the sign of p - y in its gradient, so that responses are only ever pushed up; these are
plain differentiable functions, whose gradients carry it. The classes bind constants, as leaves.

Classification takes a logit z and a label 0 or 1. With p the probability of the true class,
sigmoid(z) or sigmoid(-z):

  cross_entropy            -log p
  focal_cross_entropy      (1 - p)^gamma * -log p
  shrinkage_cross_entropy  exp(p) / (1 + exp(k (p - a))) * -log p

Source: Lu et al., "Deep Object Tracking With Shrinkage Loss", TPAMI 2022, in the form of the
authors' PyTorch code.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.tree_util import Partial

from dslt_jax.parts import Part


def l1(p: jax.Array, y: jax.Array) -> jax.Array:
    """Absolute error."""
    return jnp.abs(p - y)


def l2(p: jax.Array, y: jax.Array) -> jax.Array:
    """Squared error."""
    return jnp.square(p - y)


def l3(p: jax.Array, y: jax.Array) -> jax.Array:
    """Cubed absolute error."""
    return focal(p, y, gamma=1.0)


def focal(p: jax.Array, y: jax.Array, *, gamma: float = 1.0) -> jax.Array:
    """The focal loss carried over to regression, l^(2 + gamma); gamma >= 0."""
    error = p - y
    # A power of zero has no finite derivative for small exponents; l^2 keeps it zero.
    absolute = jnp.abs(error)
    safe = jnp.where(absolute > 0, absolute, 1.0)
    return jnp.square(error) * jnp.where(absolute > 0, safe**gamma, 0.0)


def ohnm(p: jax.Array, y: jax.Array, *, threshold: float = 0.01) -> jax.Array:
    """Squared error of the hard locations only."""
    error = p - y
    return jnp.where(jnp.abs(error) >= threshold, jnp.square(error), 0.0)


def shrinkage(p: jax.Array, y: jax.Array, *, a: float = 10.0, c: float = 0.2) -> jax.Array:
    """Squared error that fades for easy locations (l < c) and stays for hard ones.

    Args:
      p, y: response and label.
      a: shrinkage speed.
      c: the error at which the loss is half the squared error.
    """
    error = p - y
    # 1 / (1 + exp(a (c - l))) as a sigmoid does not overflow for any l.
    return jnp.square(error) * jax.nn.sigmoid(a * (jnp.abs(error) - c))


class Shrinkage(Part):
    """`shrinkage` with its constants."""

    a: float = 10.0  # shrinkage speed
    c: float = 0.2  # the error at which the loss is half the squared error

    def __call__(self, p: jax.Array, y: jax.Array) -> jax.Array:
        return shrinkage(p, y, a=self.a, c=self.c)


class Focal(Part):
    """`focal` with its exponent; gamma = 1 is l3."""

    gamma: float = 1.0

    def check(self) -> None:
        self.require("gamma", lambda g: g >= 0, "at least 0")

    def __call__(self, p: jax.Array, y: jax.Array) -> jax.Array:
        return focal(p, y, gamma=self.gamma)


class Ohnm(Part):
    """`ohnm` with its threshold."""

    threshold: float = 0.01  # the error from which on a location is hard

    def __call__(self, p: jax.Array, y: jax.Array) -> jax.Array:
        return ohnm(p, y, threshold=self.threshold)


def cross_entropy(logit: jax.Array, label: jax.Array) -> jax.Array:
    """Binary cross entropy of logits; a label above 1/2 is the positive class."""
    return -jax.nn.log_sigmoid(_true_logit(logit, label))


def focal_cross_entropy(logit: jax.Array, label: jax.Array, *, gamma: float = 2.0) -> jax.Array:
    """Cross entropy that fades for whatever is classified well; gamma >= 0."""
    z = _true_logit(logit, label)
    # (1 - p)^gamma by its logarithm, whose slope stays finite where p reaches 1.
    return -jnp.exp(gamma * jax.nn.log_sigmoid(-z)) * jax.nn.log_sigmoid(z)


def shrinkage_cross_entropy(
    logit: jax.Array, label: jax.Array, *, k: float = 10.0, a: float = 0.6
) -> jax.Array:
    """Cross entropy that fades for easy locations only (p > a) and stays for hard ones.

    Args:
      logit, label: of one shape; a label above 1/2 is the positive class.
      k: shrinkage speed.
      a: the probability of the true class at which the weight exp(p) is halved.
    """
    z = _true_logit(logit, label)
    p = jax.nn.sigmoid(z)
    return -jnp.exp(p) * jax.nn.sigmoid(k * (a - p)) * jax.nn.log_sigmoid(z)


def balance(label: jax.Array) -> jax.Array:
    """Weights of the locations of a label map: either class counts one half, in all 1."""
    positive = (label > 0.5).astype(jnp.float32)
    negative = 1.0 - positive
    return 0.5 * (
        positive / jnp.maximum(positive.sum(), 1.0) + negative / jnp.maximum(negative.sum(), 1.0)
    )


def _true_logit(logit: jax.Array, label: jax.Array) -> jax.Array:
    return jnp.where(label > 0.5, logit, -logit)


# The losses that settings pick by name. A tracker takes any callable pytree (p, y) -> loss.
TABLE: dict[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
    "shrinkage": Shrinkage(),
    "l1": Partial(l1),
    "l2": Partial(l2),
    "l3": Partial(l3),
    "focal": Focal(),
    "ohnm": Ohnm(),
}
