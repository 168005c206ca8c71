"""Gauss-Newton against the dense solution."""

import jax
import jax.numpy as jnp
import numpy as np
import problems
import pytest

from dslt_jax.learners import GaussNewton, Schedule
from dslt_jax.learners.gauss_newton import conjugate_gradient, curvature
from dslt_jax.ops import losses


def test_one_round_on_the_squared_error_is_the_ridge_regression():
    objective = problems.objective(losses.l2, decay=0.5)
    found = GaussNewton().fit(objective, problems.start(), (), steps=200)
    matrix, label = problems.dense(objective), np.asarray(objective.label).ravel()
    weight = np.asarray(objective.weight).ravel()
    normal = matrix.T * weight @ matrix + 0.5 * np.eye(matrix.shape[1])
    expected = np.linalg.solve(normal, matrix.T @ (weight * label))
    np.testing.assert_allclose(found.kernel.ravel(), expected, atol=2e-4)


def test_a_robust_losss_weights_are_its_slope_over_twice_the_error():
    label = jnp.zeros(5)
    response = jnp.array([-0.5, -0.1, 0.05, 0.3, 2.0])
    np.testing.assert_allclose(curvature(losses.l2, response, label), 1.0, rtol=1e-5)
    weight = curvature(losses.Shrinkage(), response, jnp.ones(5).at[1:].set(0.0))
    slope = jax.vmap(jax.grad(losses.shrinkage))(response[1:], label[1:])
    np.testing.assert_allclose(weight[1:], slope / (2 * response[1:]), rtol=1e-5)


def test_small_labels_are_learned_as_large_ones_are():
    """Raw features make kernels and responses of any size: no threshold may be absolute."""
    objective = problems.objective(losses.l2)
    tiny = objective._replace(label=1e-6 * objective.label)
    large, small = (
        GaussNewton().fit(o, 0 * problems.start(), (), steps=20) for o in (objective, tiny)
    )
    np.testing.assert_allclose(1e6 * small.kernel, large.kernel, atol=1e-3)


def test_rounds_find_the_kernel_beneath_outliers():
    """The squared error is drawn by them, l1 is not once the errors' weights are taken anew."""
    objective = problems.objective(losses.TABLE["l1"], seeds=(0, 1, 2, 3), decay=1e-6)
    truth = problems.mask()[None] * jax.random.normal(jax.random.key(1), (6, 8, 8))
    label = objective.respond(truth)
    outliers = jax.random.bernoulli(jax.random.key(2), 0.05, label.shape)
    objective = objective._replace(
        label=label + 20.0 * outliers, weight=jnp.ones_like(label) / label.size
    )
    one, many = (
        GaussNewton(rounds=n).fit(objective, problems.start(), (), steps=40 * n) for n in (1, 8)
    )
    misses = [
        float(jnp.abs(problems.mask()[None] * fit.kernel - truth).mean()) for fit in (one, many)
    ]
    assert misses[1] < 0.3 * misses[0]
    assert float(many.after) < float(one.after) < float(one.before)
    assert float(one.after) == pytest.approx(float(objective(one.kernel)), rel=1e-5)


def test_decay_is_the_objectives():
    learner, start = GaussNewton(), problems.start()
    kernels = [
        learner.fit(problems.objective(losses.l2, decay=d), start, (), steps=60).kernel
        for d in (0.01, 1000.0)
    ]
    assert float(jnp.square(kernels[1]).sum()) < 0.3 * float(jnp.square(kernels[0]).sum())


def test_conjugate_gradients_solve_a_small_system_in_as_many_steps():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(5, 5))
    matrix, right = root @ root.T + np.eye(5), rng.normal(size=5)
    found = conjugate_gradient(
        lambda x: jnp.asarray(matrix, jnp.float32) @ x, jnp.asarray(right, jnp.float32), steps=5
    )
    np.testing.assert_allclose(found, np.linalg.solve(matrix, right), rtol=1e-2, atol=1e-3)


def test_a_fit_that_is_not_finite_keeps_the_old_kernel():
    objective = problems.objective(losses.l2)
    broken = objective._replace(label=objective.label.at[0, 0, 0].set(jnp.inf))
    found = GaussNewton().fit(broken, problems.start(), (), steps=3)
    assert not bool(found.finite)
    np.testing.assert_array_equal(found.kernel, problems.start())


def test_what_it_cannot_do_is_told():
    objective = problems.objective()
    with pytest.raises(ValueError, match="stop must be none"):
        GaussNewton().fit(objective, problems.start(), (), steps=3, stop=0.1)
    with pytest.raises(ValueError, match=r"steps=2 must be at least learner\.rounds=3"):
        Schedule(GaussNewton(rounds=3), steps=2)
    with pytest.raises(ValueError, match="steps=2 must be at least rounds=3"):
        GaussNewton(rounds=3).fit(objective, problems.start(), (), steps=2)
