"""Windows of filters lie where a filter's coefficients weigh the target."""

import jax.numpy as jnp
import numpy as np

from dslt_jax.ops import windows


def over_patch(window):
    """(G, G) by the cell of the patch that each coefficient weighs when nothing is shifted."""
    size = len(window)
    found = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            coefficient = np.zeros((size, size))
            coefficient[i, j] = 1
            weighed = [
                (y, x)
                for y in range(size)
                for x in range(size)
                if _response(coefficient, y, x)[0, 0] > 0.5
            ]
            ((y, x),) = weighed
            found[y, x] = window[i, j]
    return found


def _response(coefficient, y, x):
    patch = np.zeros_like(coefficient)
    patch[y, x] = 1
    return np.fft.ifft2(np.fft.fft2(coefficient) * np.fft.fft2(patch)).real


def test_a_box_holds_the_target_in_the_middle():
    found = over_patch(np.asarray(windows.box(6, jnp.array([2.0, 4.0]))))
    expected = np.zeros((6, 6))
    expected[1:5, 2:4] = 1
    np.testing.assert_array_equal(found, expected)


def test_a_paraboloid_grows_from_the_middle():
    found = over_patch(np.asarray(windows.paraboloid(6, jnp.array([3.0, 1.0]), least=1, edge=5)))
    np.testing.assert_allclose(found, found[::-1, ::-1], rtol=1e-5)
    np.testing.assert_allclose(found[2:4, 2:4], 1, rtol=1e-5)
    step = 4 * (1.5**2 - 0.5**2)
    np.testing.assert_allclose(found[2, 4] - found[2, 3], step / 1.5**2, rtol=1e-4)
    np.testing.assert_allclose(found[4, 2] - found[3, 2], step / 0.5**2, rtol=1e-4)


def test_without_small_frequencies_it_is_flatter_within_the_target():
    target = jnp.array([12.0, 12.0])
    full, sparse = (
        windows.paraboloid(48, target, least=0.1, edge=3.0, sparsity=s) for s in (0.0, 0.05)
    )
    np.testing.assert_allclose([full.min(), sparse.min()], 0.1, rtol=1e-3)
    inside = np.asarray(windows.box(48, target)) > 0
    assert sparse[inside].mean() < 0.5 * full[inside].mean()
    kept = np.abs(np.fft.rfft2(np.asarray(sparse))) > 1e-2
    assert kept.sum() < 20
