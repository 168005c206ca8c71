"""Half spectra: what `rfft2` leaves of real functions on a square grid, and work done on them.

A spectrum is (..., G, G // 2 + 1) complex64. Columns between the first and the middle one stand
for their mirror images too, so that sums over frequencies count them twice. Positions are x, y in
cells.
"""

import jax
import jax.numpy as jnp
import numpy as np


def inverse(spectrum: jax.Array) -> jax.Array:
    """Returns the real functions (..., G, G) of spectra."""
    return jnp.fft.irfft2(spectrum, spectrum.shape[-2:-1] * 2)


def multiplicity(size: int) -> jax.Array:
    """Returns (G // 2 + 1,) how many columns of a whole transform each column stands for."""
    twice = np.full(size // 2 + 1, 2.0, np.float32)
    twice[0] = 1.0
    if size % 2 == 0:
        twice[-1] = 1.0
    return jnp.asarray(twice)


def inner(a: jax.Array, b: jax.Array) -> jax.Array:
    """Returns () the inner product of real functions of which these are spectra, times G^2."""
    products = a.real * b.real + a.imag * b.imag
    return products.reshape(-1, a.shape[-1]).sum(axis=0) @ multiplicity(a.shape[-2])


def energy(spectrum: jax.Array) -> jax.Array:
    """Returns () the sum of squares of the real functions (C, G, G) of a spectrum."""
    return inner(spectrum, spectrum) / spectrum.shape[-2] ** 2


def weigh(spectrum: jax.Array, window: jax.Array) -> jax.Array:
    """Returns the spectrum of functions times a window (G, G); as a matrix it is symmetric."""
    return jnp.fft.rfft2(
        inverse(spectrum) * jnp.broadcast_to(window, (*spectrum.shape[:-1], window.shape[-1]))
    )


def shift(spectrum: jax.Array, cells: jax.Array) -> jax.Array:
    """Returns the spectra of functions moved by (2,) x, y, around the borders."""
    size = spectrum.shape[-2]
    angle = -2 * jnp.pi / size * cells
    phase = _wave(angle[1], _rows(size))[:, None] * _wave(angle[0], _columns(size))[None]
    return spectrum * jnp.broadcast_to(phase, spectrum.shape)


def resize(spectrum: jax.Array, size: int) -> jax.Array:
    """Returns the spectra of functions on a grid of another size that spans the same square.

    Cell i of G looks at (i + 1/2) / G of it. Between cells the function is the trigonometric
    polynomial through them; frequencies that either grid cannot tell apart are left out.
    """
    old = spectrum.shape[-2]
    kept = (min(old, size) + 1) // 2  # frequencies -kept + 1 .. kept - 1
    rows, columns = _rows(old), _columns(old)[:kept]
    turn = np.pi * (1 / size - 1 / old)
    wave = np.exp(1j * turn * rows)[:, None] * np.exp(1j * turn * columns)[None]
    phase = jnp.asarray(wave * (size / old) ** 2, jnp.complex64)
    moved = spectrum[..., :kept] * jnp.broadcast_to(phase, (*spectrum.shape[:-1], kept))
    lead = moved.shape[:-2]
    gap = jnp.zeros((*lead, size - 2 * kept + 1, kept), moved.dtype)
    moved = jnp.concatenate([moved[..., :kept, :], gap, moved[..., old - kept + 1 :, :]], axis=-2)
    beyond = jnp.zeros((*lead, size, size // 2 + 1 - kept), moved.dtype)
    return jnp.concatenate([moved, beyond], axis=-1)


def climb(spectrum: jax.Array, start: jax.Array, *, steps: int = 5) -> tuple[jax.Array, jax.Array]:
    """Climbs to a maximum of a function between its cells by Newton's method.

    Args:
      spectrum: (G, G // 2 + 1); start: (2,) x, y of the highest cell.

    Returns:
      the place (2,), within a cell of the start, and the value () there.
    """
    size = spectrum.shape[0]
    terms = spectrum * (multiplicity(size) / size**2)[None]
    slopes = (2j * np.pi / size * k for k in (_rows(size), _columns(size)))
    y, x = (jnp.asarray(np.stack([np.ones_like(k), k, k * k]), jnp.complex64) for k in slopes)

    def derivatives(place):
        """(3, 3) by the order along y and along x."""
        angle = 2 * jnp.pi / size * place
        over_y = y * _wave(angle[1], _rows(size))[None]
        over_x = x * _wave(angle[0], _columns(size))[None]
        return jnp.einsum("ai,ij,bj->ab", over_y, terms, over_x, precision="highest").real

    def advance(_, place):
        d = derivatives(place)
        determinant = d[0, 2] * d[2, 0] - d[1, 1] ** 2
        step = jnp.stack(
            [d[2, 0] * d[0, 1] - d[1, 1] * d[1, 0], d[0, 2] * d[1, 0] - d[1, 1] * d[0, 1]]
        )
        summit = (d[0, 2] < 0) & (determinant > 0)
        step = jnp.where(summit, step / jnp.where(summit, determinant, 1.0), 0.0)
        return jnp.clip(place - step, start - 1, start + 1)

    place = jax.lax.fori_loop(0, steps, advance, start)
    before, after = (derivatives(p)[0, 0] for p in (start, place))
    better = after >= before
    return jnp.where(better, place, start), jnp.where(better, after, before)


def _rows(size: int) -> np.ndarray:
    return np.fft.fftfreq(size, 1 / size)


def _columns(size: int) -> np.ndarray:
    return np.arange(size // 2 + 1, dtype=float)


def _wave(angle: jax.Array, frequencies: np.ndarray) -> jax.Array:
    turns = angle * jnp.asarray(frequencies, jnp.float32)
    return jax.lax.complex(jnp.cos(turns), jnp.sin(turns))
