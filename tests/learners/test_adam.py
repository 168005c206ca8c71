"""Adam: two rates, the stop rule, what is not finite, and losses that are what they say."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import problems
import pytest

from dslt_jax.learners import Adam, GaussNewton, Objective, Schedule
from dslt_jax.ops import losses


def fit(objective, adam=None, steps=1, **options):
    adam, kernel = adam or Adam((3e-3, 3e-3)), problems.start()
    return adam.fit(objective, kernel, adam.init(kernel), steps=steps, **options)


@pytest.mark.parametrize("loss", [name for name in losses.TABLE if name != "l1"])
def test_fit_lowers_every_loss(loss):
    found = fit(problems.objective(losses.TABLE[loss]), steps=100)
    assert float(found.after) < 0.6 * float(found.before)


def test_fit_lowers_l1_where_a_kernel_fits():
    """Of noise its minimum is a kernel of zeros."""
    objective = problems.objective(losses.l1)
    truth = 0.1 * jax.random.normal(jax.random.key(1), (6, 8, 8))
    objective = objective._replace(label=objective.respond(truth))
    found = fit(objective, Adam((1e-2, 1e-2)), steps=200)
    assert float(found.after) < 0.2 * float(found.before)


@pytest.mark.parametrize("steps", [1, 3])
def test_before_and_after_are_the_objectives_values_there(steps):
    """After is after the last move: before, it was the loss that the last move started from."""
    objective = problems.objective()
    found = fit(objective, steps=steps)
    assert float(found.before) == pytest.approx(float(objective(problems.start())), rel=1e-5)
    assert float(found.after) == pytest.approx(float(objective(found.kernel)), rel=1e-5)
    assert float(found.after) < float(found.before)


def test_steps_are_adams_by_recomputation():
    objective, kernel = problems.objective(), problems.start()
    adam = optax.adam(3e-3)
    expected, state = kernel, adam.init(kernel)
    for _ in range(4):
        updates, state = adam.update(jax.grad(objective)(expected), state)
        expected = optax.apply_updates(expected, updates)
    np.testing.assert_allclose(fit(objective, steps=4).kernel, expected, rtol=1e-3, atol=1e-6)


def test_each_branch_has_its_own_rate():
    kernel = problems.start()
    new = fit(problems.objective(), Adam((0.0, 1e-2))).kernel
    np.testing.assert_allclose(new[:3], kernel[:3])
    moved = np.abs(np.asarray(new[3:] - kernel[3:]))[:, 3, 3]
    np.testing.assert_allclose(moved, 1e-2, rtol=1e-2)  # Adam's first step is the rate itself


def two_branches():
    """The masked kernel in two parts that are added."""
    plain = problems.objective()
    return plain._replace(
        respond=lambda kernel: plain.respond(kernel["a"] + kernel["b"][0]),
        decay={"a": 0.5, "b": 3.0},
    )


def test_a_kernel_may_be_a_pytree_with_a_rate_and_a_decay_for_each_branch():
    objective, half = two_branches(), problems.start() + 0.1
    kernel = {"a": half, "b": [half]}
    fit = Adam((0.0, 1e-2)).fit(objective, kernel, Adam().init(kernel), steps=1)
    np.testing.assert_array_equal(fit.kernel["a"], half)
    np.testing.assert_allclose(np.abs(fit.kernel["b"][0] - half), 1e-2, rtol=1e-2)
    whole = problems.objective()(2 * half) + 3.5 * jnp.sum(jnp.square(half))
    assert float(fit.before) == pytest.approx(float(whole), rel=1e-5)
    with pytest.raises(ValueError, match="1 rates for the kernel's 2 branches"):
        Adam((1e-3,)).fit(objective, kernel, Adam().init(kernel), steps=1)


def test_rates_that_do_not_divide_the_channels_are_told():
    with pytest.raises(ValueError, match="4 rates do not divide the kernel's 6 channels"):
        fit(problems.objective(), Adam((1.0, 1.0, 1.0, 1.0)))


def test_a_fractional_border_cell_learns_as_the_inner_ones_do():
    """The mask is a factor inside the response: as a factor on every step it would wear away."""
    objective = problems.objective(cells=(5.0, 5.0))  # the border cells have weight 0.5
    found = fit(objective, steps=120)
    strength = np.abs(np.asarray(found.kernel)).mean(axis=0)
    border, inside = strength[1:7, [1, 6]].mean(), strength[2:6, 2:6].mean()
    assert border > 0.2 * inside
    assert np.abs(np.asarray(found.kernel)[:, 0]).max() < 1e-6  # beyond the mask nothing is learned


def test_stop_rule_ends_the_fit():
    objective = problems.objective()
    few, more = fit(objective, steps=400, stop=1.0), fit(objective, steps=400)
    assert 0.3 < float(few.after) <= 1.0
    assert float(more.after) < float(few.after)
    at_once = fit(objective, steps=400, stop=1e9)
    np.testing.assert_array_equal(at_once.kernel, problems.start())


def test_stop_rule_does_not_see_the_decay():
    objective, adam = problems.objective()._replace(decay=1e3), Adam((3e-3, 3e-3))
    kernel = problems.start() + 0.01
    error, whole = float(objective.error(kernel)), float(objective(kernel))
    found = adam.fit(objective, kernel, adam.init(kernel), steps=3, stop=1.001 * error)
    assert whole > 2 * error
    np.testing.assert_array_equal(found.kernel, kernel)


def test_what_is_not_finite_is_told_and_thrown_away():
    objective, adam, kernel = problems.objective(), Adam(), problems.start()
    state = adam.init(kernel)
    broken = objective._replace(label=objective.label.at[0, 0, 0].set(jnp.nan))
    found = adam.fit(broken, kernel, state, steps=2)
    assert not bool(found.finite) and not np.isfinite(found.after)
    jax.tree.map(np.testing.assert_array_equal, (found.kernel, found.state), (kernel, state))


def test_moments_that_overflow_are_thrown_away_too():
    """An infinite second moment makes every later step 0, for ever."""
    objective, adam, kernel = problems.objective(), Adam(), problems.start()
    steep = objective._replace(weight=1e25 * objective.weight)
    found = adam.fit(steep, kernel, adam.init(kernel), steps=1)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((found.kernel, found.state)))


def test_a_fresh_schedule_forgets_the_moments():
    objective, adam, kernel = problems.objective(), Adam((1e-3, 1e-3)), problems.start()
    tired = adam.fit(objective, kernel, adam.init(kernel), steps=50).state
    fresh = Schedule(adam, steps=1, fresh="always").fit(objective, kernel, tired)
    carried = Schedule(adam, steps=1).fit(objective, kernel, tired)
    np.testing.assert_array_equal(fresh.kernel, fit(objective, adam).kernel)
    assert not np.array_equal(fresh.kernel, carried.kernel)


@pytest.mark.parametrize("steps", [1, 2, 100])
def test_a_correction_that_stays_makes_steps_shorter(steps):
    """Of a gradient of 1 the moments after n steps are 1 - b^n, and Caffe's first correction."""
    zeros = jnp.zeros((2, 1, 1))
    slope = Objective(lambda kernel: kernel, lambda found, label: found - label, zeros, 1.0)
    adam = Adam((1e-2, 1e-2), b1=0.6, correction="first")
    before, after = (
        adam.fit(slope, zeros, adam.init(zeros), steps=n).kernel if n else zeros
        for n in (steps - 1, steps)
    )
    length = np.sqrt(0.001) / 0.4 * (1 - 0.6**steps) / np.sqrt(1 - 0.999**steps)
    np.testing.assert_allclose(before - after, 1e-2 * length, rtol=1e-3)


def test_a_fit_is_differentiated_by_rates_and_by_the_losses_constants():
    def after(rate, a):
        objective = problems.objective(losses.Shrinkage(a=a))
        return fit(objective, Adam((rate, rate)), steps=3).after

    slopes = jax.grad(after, (0, 1))(1e-3, 10.0)
    step = 1e-4
    expected = (after(1e-3 + step, 10.0) - after(1e-3 - step, 10.0)) / (2 * step)
    assert float(slopes[0]) == pytest.approx(float(expected), rel=0.05)
    assert np.isfinite(slopes[1]) and slopes[1] != 0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Adam(b1=1.0), "b1=1.0 must be from 0 to below 1"),
        (lambda: Schedule(Adam(), steps=0), "steps=0 must be at least 1"),
        (lambda: Schedule("sgd"), "must have `init` and `fit`"),
        (
            lambda: Schedule(GaussNewton(), stop=0.5),
            "stop=0.5: Gauss-Newton spends its whole budget",
        ),
    ],
)
def test_wrong_settings_are_told_where_they_are_made(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_loss_that_is_not_elementwise_is_told():
    with pytest.raises(ValueError, match=r"loss must be elementwise: of maps \(2, 16, 16\)"):
        fit(problems.objective(lambda p, y: jnp.sum(jnp.square(p - y))))
    with pytest.raises(ValueError, match=r"loss must be elementwise.*it returned a tuple"):
        fit(problems.objective(lambda p, y: (jnp.square(p - y), {})))
