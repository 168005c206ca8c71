"""How size is found: the choice among scales, and what is remembered of a box."""

import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax.ops import sizing


def scores(*values):
    return jnp.zeros((3, 8, 8)).at[:, 4, 4].set(jnp.array(values))


def test_factors_are_powers_of_the_step():
    np.testing.assert_allclose(sizing.Scales(step=1.03).factors(), [1 / 1.03, 1, 1.03], rtol=1e-6)


@pytest.mark.parametrize(
    ("penalty", "values", "chosen"),
    [
        (1.0, (0.5, 0.5, 0.506), 2),
        (0.98, (0.5, 0.5, 0.506), 1),
        (1.0, (-0.5, -0.5, -0.2), 2),
        (0.9, (-0.19, -0.2, -0.19), 1),  # a penalty makes a negative score worse, too
    ],
)
def test_the_highest_score_wins_changes_being_penalised(penalty, values, chosen):
    assert int(sizing.best(jnp.array(values), penalty)) == chosen


def test_a_response_far_from_the_middle_is_not_this_target():
    scales = sizing.Scales(penalty=0.98)
    responses = scores(0.5, 0.5, 0.52).at[0, 0, 0].set(9.0)
    factor, index = scales.rescale(responses, 4.0, jnp.asarray(True))
    assert int(index) == 2 and float(factor) == pytest.approx(1 + 0.6 * 0.03)


def test_an_unsure_response_keeps_the_size():
    factor, _ = sizing.Scales().rescale(scores(0.1, 0.1, 0.9), 4.0, jnp.asarray(False))
    assert float(factor) == 1.0


def test_scales_look_at_the_found_centre_at_every_scale():
    look = sizing.Scales(crop=64, step=1.1).look(jnp.array([30.0, 20.0]), jnp.asarray(0.5))
    np.testing.assert_allclose(look.sides, 32 * np.array([1 / 1.1, 1, 1.1]), rtol=1e-6)
    assert look.size == 64


@pytest.mark.parametrize(
    ("response", "match", "expected"), [(0.7, 6.0, 0.948), (0.4, 0.0, 0.332), (0.6, -6.0, 0.091)]
)
def test_confidence_is_the_chance_by_response_and_match(response, match, expected):
    chance, wrong = sizing.BoxHead().judge(jnp.asarray(match), jnp.asarray(response))
    assert float(chance) == pytest.approx(expected, abs=1e-3)
    assert bool(wrong) == (expected < 0.35)


def test_a_match_that_is_no_number_is_not_the_target():
    _, wrong = sizing.BoxHead().judge(jnp.asarray(jnp.nan), jnp.asarray(1.0))
    assert bool(wrong)


def test_without_a_match_confidence_is_the_response():
    confidence, wrong = sizing.Scales().judge(None, jnp.asarray(-0.3))
    assert float(confidence) == pytest.approx(-0.3) and not bool(wrong)
