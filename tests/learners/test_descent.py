"""Descent with momentum against Caffe's rule by hand."""

import jax
import numpy as np
import problems
import pytest

from dslt_jax.learners import Momentum
from dslt_jax.ops import losses


def test_steps_are_caffes_by_recomputation():
    objective, kernel = problems.objective(losses.l2), problems.start()
    expected, velocity = kernel, 0.0
    for _ in range(4):
        velocity = 0.6 * velocity + 1e-4 * jax.grad(objective)(expected)
        expected = expected - velocity
    learner = Momentum((1e-4,), 0.6)
    found = learner.fit(objective, kernel, learner.init(kernel), steps=4)
    np.testing.assert_allclose(found.kernel, expected, rtol=1e-4, atol=1e-8)
    assert float(found.after) < float(found.before)


def test_it_goes_on_with_the_direction_it_had():
    objective, kernel = problems.objective(losses.l2), problems.start()
    learner = Momentum((1e-4,), 0.6)
    whole = learner.fit(objective, kernel, learner.init(kernel), steps=5)
    part = learner.fit(objective, kernel, learner.init(kernel), steps=2)
    rest = learner.fit(objective, part.kernel, part.state, steps=3)
    np.testing.assert_allclose(rest.kernel, whole.kernel, rtol=1e-5, atol=1e-9)


def test_wrong_momentum_is_named():
    with pytest.raises(ValueError, match=r"momentum=1\.0 must be from 0 to below 1"):
        Momentum((1e-4,), 1.0)
