"""Losses against their formulas, gradients against finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small

from dslt_jax.ops import losses

P = jnp.asarray([0.0, 0.05, 0.3, 1.0, -0.4, 2.0])
Y = jnp.asarray([0.0, 0.0, 0.1, 0.2, 0.5, 2.0])


def reference(name, p, y, a=10.0, c=0.2):
    distance = np.abs(p - y)
    return {
        "l1": distance,
        "l2": distance**2,
        "l3": distance**3,
        "focal": distance * distance**2,
        "ohnm": np.where(distance >= 0.01, distance**2, 0),
        "shrinkage": distance**2 / (1 + np.exp(a * (c - distance))),
    }[name]


@pytest.mark.parametrize("name", losses.TABLE)
@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit])
def test_formula(name, wrap):
    found = wrap(losses.TABLE[name])(P, Y)
    np.testing.assert_allclose(found, reference(name, np.asarray(P), np.asarray(Y)), atol=1e-6)


@pytest.mark.parametrize(
    ("error", "factor"), [(0.05, 0.18), (0.1, 0.27), (0.2, 0.5), (0.3, 0.73), (0.5, 0.953)]
)
def test_shrinkage_factor_is_the_papers(error, factor):
    shrunk = losses.shrinkage(jnp.asarray(error), jnp.asarray(0.0))
    assert float(shrunk) / error**2 == pytest.approx(factor, abs=0.005)


@pytest.mark.parametrize("name", losses.TABLE)
@pytest.mark.parametrize("error", [-0.7, -0.2, -0.05, 0.03, 0.2, 1.5])
def test_gradient_is_the_finite_difference(name, error):
    with small.enable_x64(True):
        loss = losses.TABLE[name]
        y, step = jnp.asarray(0.25), 1e-6
        p = y + error
        found = jax.grad(loss)(p, y)
        expected = (loss(p + step, y) - loss(p - step, y)) / (2 * step)
        assert float(found) == pytest.approx(float(expected), rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("name", losses.TABLE)
def test_gradient_has_the_sign_of_the_error(name):
    """The released code's gradient has not: it pushes responses up where p > y, too."""
    slope = jax.vmap(jax.grad(losses.TABLE[name]))(jnp.asarray([0.9, 0.1]), jnp.full(2, 0.5))
    assert slope[0] > 0 > slope[1]


@pytest.mark.parametrize("name", [name for name in losses.TABLE if name != "l1"])
def test_gradient_at_the_label_is_zero(name):
    assert float(jax.grad(losses.TABLE[name])(0.3, 0.3)) == 0.0


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_exponents(gamma):
    loss = losses.focal(jnp.asarray(0.7), jnp.asarray(0.2), gamma=gamma)
    assert float(loss) == pytest.approx(0.5 ** (2 + gamma), rel=1e-5)
    assert float(jax.grad(lambda p: losses.focal(p, 0.3, gamma=gamma))(0.3)) == 0.0


@pytest.mark.parametrize("name", losses.TABLE)
@pytest.mark.parametrize("p", [-1e6, -50.0, 0.0, 50.0, 1e6])
def test_finite_for_any_response(name, p):
    value, slope = jax.value_and_grad(losses.TABLE[name])(p, 0.0)
    assert np.isfinite(value) and np.isfinite(slope)


def test_constants_are_leaves_and_bind_the_formula():
    loss = losses.Shrinkage(a=4.0, c=0.3)
    np.testing.assert_allclose(loss(P, Y), losses.shrinkage(P, Y, a=4.0, c=0.3))
    slope = jax.grad(lambda loss: loss(P, Y).sum())(loss)
    step = 1e-2
    for name in ("a", "c"):
        changed = [
            loss.replace(**{name: getattr(loss, name) + sign * step})(P, Y).sum()
            for sign in (1, -1)
        ]
        expected = float(changed[0] - changed[1]) / (2 * step)
        assert float(getattr(slope, name)) == pytest.approx(expected, rel=1e-2, abs=1e-5)


CLASSIFICATION = {
    "cross_entropy": lambda p: -np.log(p),
    "focal_cross_entropy": lambda p: -((1 - p) ** 2) * np.log(p),
    "shrinkage_cross_entropy": lambda p: -np.exp(p) / (1 + np.exp(10 * (p - 0.6))) * np.log(p),
}


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_classification_formula_and_gradient(name):
    loss, step = getattr(losses, name), 1e-6
    with small.enable_x64(True):
        for logit in (-6.0, -1.0, -0.1, 0.0, 0.4, 2.0, 6.0):
            for label, true in ((1.0, logit), (0.0, -logit)):
                expected = CLASSIFICATION[name](1 / (1 + np.exp(-true)))
                assert float(loss(logit, label)) == pytest.approx(expected, rel=1e-9)
                slope = (loss(logit + step, label) - loss(logit - step, label)) / (2 * step)
                found = float(jax.grad(loss)(logit, label))
                assert found == pytest.approx(float(slope), rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("name", CLASSIFICATION)
@pytest.mark.parametrize("logit", [-1e4, -100.0, 100.0, 1e4])
def test_classification_is_finite_for_any_logit(name, logit):
    value, slope = jax.value_and_grad(getattr(losses, name))(logit, 1.0)
    assert np.isfinite(value) and np.isfinite(slope)


def test_shrinkage_spares_hard_locations_where_focal_loss_does_not():
    """Beside cross entropy: both take away from easy ones, focal loss from hard ones too."""
    easy, hard = jnp.asarray(3.0), jnp.asarray(-1.0)

    def share(loss, logit):
        return float(loss(logit, 1.0) / losses.cross_entropy(logit, 1.0))

    assert share(losses.shrinkage_cross_entropy, easy) < 0.15
    assert share(losses.shrinkage_cross_entropy, hard) > 1.0
    assert share(losses.focal_cross_entropy, hard) < 0.6


def test_balanced_weights_give_either_class_one_half():
    label = jnp.zeros((5, 5)).at[2, 1:4].set(1.0)
    weight = losses.balance(label)
    assert float(weight.sum()) == pytest.approx(1.0)
    assert float((weight * label).sum()) == pytest.approx(0.5)
    assert float(losses.balance(jnp.zeros((3, 3))).sum()) == pytest.approx(0.5)
