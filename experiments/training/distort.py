"""What a camera does to a picture, on batches on the device: for inputs, not for targets."""

import jax
import jax.numpy as jnp


def distort(key: jax.Array, image: jax.Array) -> jax.Array:
    """Light, colour, grey, blur, low resolution and noise, drawn for each image.

    Three in ten images stay as they are. What is moved or cut is not: a target stays in its place.

    Args:
      image: (N, H, W, 3) RGB float32 0..255, H and W multiples of 4.

    Returns:
      the same shape, within 0..255.
    """
    keys = iter(jax.random.split(key, 16))
    count = len(image)

    def some(share: float) -> jax.Array:
        return (jax.random.uniform(next(keys), (count, 1, 1, 1)) < share).astype(jnp.float32)

    def mix(x: jax.Array, y: jax.Array, share: float) -> jax.Array:
        where = some(share)
        return x + where * (y - x)

    x = mix(image, _blur(image), 0.25)
    x = mix(x, _coarse(x, 2), 0.15)
    x = mix(x, _coarse(x, 4), 0.05)
    x = mix(x, jnp.broadcast_to((x @ jnp.array([0.299, 0.587, 0.114]))[..., None], x.shape), 0.15)
    gain = jnp.exp(0.1 * jax.random.normal(next(keys), (count, 1, 1, 3)))
    gain = gain * jnp.exp(0.3 * jax.random.normal(next(keys), (count, 1, 1, 1)))
    shift = 25.0 * jax.random.normal(next(keys), (count, 1, 1, 1))
    power = jnp.exp(0.25 * jax.random.normal(next(keys), (count, 1, 1, 1)))
    y = 255.0 * (jnp.clip(gain * (x - 128.0) + 128.0 + shift, 1.0, 255.0) / 255.0) ** power
    x = mix(x, y, 0.7)
    sigma = 12.0 * jax.random.uniform(next(keys), (count, 1, 1, 1)) * some(0.3)
    x = jnp.clip(x + sigma * jax.random.normal(next(keys), x.shape), 0.0, 255.0)
    return mix(image, x, 0.7)


def _blur(x: jax.Array) -> jax.Array:
    """A binomial blur of five pixels along both axes."""
    for axis in (1, 2):
        padded = jnp.pad(x, [(2, 2) if a == axis else (0, 0) for a in range(4)], mode="edge")
        size = x.shape[axis]
        parts = [jax.lax.slice_in_dim(padded, k, k + size, axis=axis) for k in range(5)]
        x = sum(w * part for w, part in zip((1, 4, 6, 4, 1), parts, strict=True)) / 16
    return x


def _coarse(x: jax.Array, factor: int) -> jax.Array:
    """Seen at a fraction of the resolution and enlarged."""
    n, h, w, c = x.shape
    small = x.reshape(n, h // factor, factor, w // factor, factor, c).mean((2, 4))
    return jax.image.resize(small, x.shape, "linear")
