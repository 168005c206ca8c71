"""The memory's ring."""

import jax
import jax.numpy as jnp
import numpy as np
import problems
import pytest

from dslt_jax.learners import Memory

FOUR = Memory(size=4, interval=1)


def filled(memory, count):
    samples = memory.start(*problems.sample(0))
    for seed in range(1, count + 1):
        samples = memory.remember(samples, *problems.sample(seed))
    return samples


def test_first_slot_is_for_ever_and_the_others_are_a_ring():
    samples = filled(FOUR, 5)
    for slot, seed in ((0, 0), (1, 4), (2, 5), (3, 3)):
        np.testing.assert_array_equal(samples.spectra[slot], problems.sample(seed)[0])
    np.testing.assert_array_equal(samples.weights > 0, True)
    assert int(samples.stored) == 6


def test_interval_overwrites_the_newest_slot_until_it_has_passed():
    samples = filled(FOUR.replace(interval=2), 3)
    for slot, seed in ((1, 2), (2, 3)):
        np.testing.assert_array_equal(samples.spectra[slot], problems.sample(seed)[0])
    assert float(samples.weights[3]) == 0.0


def test_a_memory_of_one_keeps_the_first_frame():
    memory = Memory(size=1)
    samples = memory.start(*problems.sample(0))
    again = memory.remember(samples, *problems.sample(1))
    jax.tree.map(np.testing.assert_array_equal, again, samples)


def test_the_first_frames_weight_is_a_setting():
    samples = filled(FOUR.replace(first_weight=3.0), 2)
    np.testing.assert_allclose(samples.weights, [3.0, 1.0, 1.0, 0.0])


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("size", 0, "at least 1"),
        ("interval", 1.5, "whole number"),
        ("first_weight", -1.0, "at least 0"),
    ],
)
def test_a_wrong_memory_is_told_where_it_is_made(field, value, words):
    with pytest.raises(ValueError, match=f"{field}={value} must be .*{words}"):
        Memory(**{field: value})


def test_the_label_that_is_stored_is_the_samples():
    samples = FOUR.start(*problems.sample(0))
    label = problems.sample(1, center=5.0)[1]
    samples = FOUR.remember(samples, problems.sample(1)[0], label)
    np.testing.assert_array_equal(samples.labels[1], label)
    assert jnp.shape(samples.labels) == (4, problems.GRID, problems.GRID)


def test_a_sample_that_is_not_good_goes_nowhere():
    samples = filled(FOUR, 4)
    again = FOUR.remember(samples, *problems.sample(9), jnp.asarray(False))
    jax.tree.map(np.testing.assert_array_equal, again, samples)


def test_a_bad_sample_is_taken_out_and_the_next_goes_into_its_slot():
    samples = filled(FOUR, 4)  # the last is in slot 1
    jax.tree.map(np.testing.assert_array_equal, FOUR.forget(samples, jnp.asarray(False)), samples)
    spectrum, label = problems.sample(5)
    poisoned = FOUR.remember(samples, spectrum * jnp.nan, label)
    left = FOUR.forget(poisoned, jnp.asarray(True))
    assert not np.any(left.spectra[2]) and not np.any(left.labels[2])
    np.testing.assert_array_equal(left.weights, [1.0, 1.0, 0.0, 1.0])
    assert int(left.stored) == int(samples.stored)
    healed = FOUR.remember(left, spectrum, label)
    jax.tree.map(np.testing.assert_array_equal, healed, filled(FOUR, 5))


def test_a_memory_of_one_forgets_nothing():
    memory = Memory(size=1)
    samples = memory.start(*problems.sample(0))
    again = memory.forget(samples, jnp.asarray(True))
    jax.tree.map(np.testing.assert_array_equal, again, samples)
