"""The online learner: sample memory, loss of the head over it, Adam with a rate per branch."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from dslt_jax import losses, regression, solver
from dslt_jax.config import TrackerConfig


class Memory(NamedTuple):
    """Training samples of the head. Slot 0 is the first frame for ever, the others are a ring."""

    spectra: jax.Array  # (T, 2C, size, size // 2 + 1) complex64
    labels: jax.Array  # (T, grid, grid)
    weights: jax.Array  # (T,) 0 where a slot is empty
    stored: jax.Array  # () int32, samples stored so far


class Head(NamedTuple):
    """The learned kernels and their optimiser."""

    kernel: jax.Array  # (2C, K, K), branch conv_a first
    mask: jax.Array  # (K, K), the target's extent
    optimizer: optax.OptState


def samples(spectra: jax.Array, labels: jax.Array) -> Memory:
    """A memory full of equally weighted samples, for the first-frame fit."""
    count = jnp.asarray(labels.shape[0], jnp.int32)
    return Memory(spectra, labels, jnp.ones(labels.shape[0]), count)


def init_memory(config: TrackerConfig, spectrum: jax.Array, label: jax.Array) -> Memory:
    """Starts a memory with the first frame's sample (2C, size, size // 2 + 1), (grid, grid)."""
    slots = config.memory_size
    return Memory(
        spectra=jnp.zeros((slots, *spectrum.shape), spectrum.dtype).at[0].set(spectrum),
        labels=jnp.zeros((slots, *label.shape), label.dtype).at[0].set(label),
        weights=jnp.zeros(slots).at[0].set(1.0),
        stored=jnp.ones((), jnp.int32),
    )


def remember(config, memory: Memory, spectrum: jax.Array, label: jax.Array) -> Memory:
    """Puts a sample into the ring, over the oldest one. A memory of one slot never changes."""
    slots = memory.weights.shape[0]
    if slots == 1:
        return memory
    slot = 1 + ((memory.stored - 1) // config.memory_interval) % (slots - 1)
    return Memory(
        spectra=memory.spectra.at[slot].set(spectrum),
        labels=memory.labels.at[slot].set(label),
        weights=memory.weights.at[0].set(config.first_weight).at[slot].set(1.0),
        stored=memory.stored + 1,
    )


def init_head(config: TrackerConfig, key: jax.Array, mask: jax.Array) -> Head:
    """Near-zero kernels (deviation 1e-7, released code) on a masked canvas."""
    shape = (2 * config.channels, config.kernel_size, config.kernel_size)
    kernel = 1e-7 * jax.random.normal(key, shape) * mask[None]
    return Head(kernel, mask, _adam(config).init(kernel))


def fit_first_frame(config: TrackerConfig, head: Head, memory: Memory):
    """`fit` with the first frame's constants."""
    if config.optimizer == "gauss_newton":
        return solve(config, head, memory, rounds=config.newton_init, steps=config.init_steps)
    return fit(
        config,
        head,
        memory,
        steps=config.init_steps,
        lr_shallow=config.init_lr_shallow,
        lr_deep=config.init_lr_deep,
        stop_loss=config.stop_loss,
    )


def fit_update(config: TrackerConfig, head: Head, memory: Memory):
    """`fit` with the constants of the later frames."""
    if config.optimizer == "gauss_newton":
        return solve(config, head, memory, rounds=1, steps=config.update_steps)
    return fit(
        config,
        head,
        memory,
        steps=config.update_steps,
        lr_shallow=config.update_lr_shallow,
        lr_deep=config.update_lr_deep,
    )


def fit(
    config: TrackerConfig,
    head: Head,
    memory: Memory,
    *,
    steps: int,
    lr_shallow: float,
    lr_deep: float,
    stop_loss: float = 0.0,
) -> tuple[Head, jax.Array, jax.Array]:
    """Takes Adam steps on the loss over the memory.

    A result that is not finite is thrown away and the old head is returned.

    Args:
      steps: most steps to take.
      lr_shallow, lr_deep: learning rates of conv_a and conv_b.
      stop_loss: it stops before when the loss falls under this.

    Returns:
      the head, and the loss () at the first and at the last step, each before its move.
    """
    adam = _adam(config)
    rates = jnp.repeat(jnp.array([lr_shallow, lr_deep]), config.channels)[:, None, None]
    value_and_grad = jax.value_and_grad(lambda kernel: memory_loss(config, kernel, memory))

    def proceed(carry):
        step, *_, loss = carry
        return (step < steps) & ~(loss <= stop_loss)

    def advance(carry):
        step, kernel, optimizer, first, _ = carry
        loss, gradient = value_and_grad(kernel)
        direction, optimizer = adam.update(gradient, optimizer, kernel)
        kernel = (kernel - rates * direction) * head.mask[None]
        return step + 1, kernel, optimizer, jnp.where(step == 0, loss, first), loss

    infinite = jnp.asarray(jnp.inf)
    start = (0, head.kernel, head.optimizer, infinite, infinite)
    _, kernel, optimizer, first, last = jax.lax.while_loop(proceed, advance, start)
    good = jnp.isfinite(kernel).all()
    new = Head(kernel, head.mask, optimizer)
    return jax.tree.map(lambda a, b: jnp.where(good, a, b), new, head), first, last


def solve(config: TrackerConfig, head: Head, memory: Memory, *, rounds: int, steps: int):
    """`fit` by Gauss-Newton: `rounds` of `steps` conjugate gradient steps, no learning rates."""
    size, grid = memory.spectra.shape[-2], memory.labels.shape[-1]
    support = (head.mask > 0)[None]
    weight = losses.importance(memory.labels, config.importance, config.importance_power)
    weight = weight * (memory.weights / memory.weights.sum())[:, None, None]
    kernel = solver.gauss_newton(
        lambda k: regression.respond(jnp.where(support, k, 0.0), memory.spectra, size, grid),
        lambda p, y: elementwise_loss(config, p, y),
        memory.labels,
        weight,
        head.kernel,
        decay=config.newton_decay,
        rounds=rounds,
        steps=steps,
    )
    first = memory_loss(config, head.kernel, memory)
    last = memory_loss(config, kernel, memory)
    good = jnp.isfinite(kernel).all()
    return head._replace(kernel=jnp.where(good, kernel, head.kernel)), first, last


def memory_loss(config: TrackerConfig, kernel: jax.Array, memory: Memory) -> jax.Array:
    """Importance-weighted loss summed over the map, averaged over the samples, plus decay."""
    size, grid = memory.spectra.shape[-2], memory.labels.shape[-1]
    response = regression.respond(kernel, memory.spectra, size, grid)
    loss = elementwise_loss(config, response, memory.labels)
    loss = loss * losses.importance(memory.labels, config.importance, config.importance_power)
    loss = jnp.sum(memory.weights * loss.sum(axis=(1, 2))) / memory.weights.sum()
    return loss + config.weight_decay * jnp.sum(jnp.square(kernel))


def elementwise_loss(config: TrackerConfig, response: jax.Array, label: jax.Array) -> jax.Array:
    """The configured loss of each location."""
    if config.loss == "shrinkage":
        return losses.shrinkage(response, label, a=config.loss_a, c=config.loss_c)
    if config.loss == "focal":
        return losses.focal(response, label, gamma=config.loss_gamma)
    return losses.LOSSES[config.loss](response, label)


def _adam(config: TrackerConfig) -> optax.GradientTransformation:
    return optax.scale_by_adam(b1=config.adam_b1, b2=config.adam_b2)
