"""The memory's ring, the loss over it, Adam with two rates, and what is not finite."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dslt_jax import labels, learner, presets, regression

GRID = 16
CONFIG = dataclasses.replace(
    presets.compact(), channels=3, kernel_size=8, memory_size=4, memory_interval=1
)
SIZE = regression.fft_size(CONFIG, GRID)


def sample(seed, center=8.0):
    features = np.random.default_rng(seed).normal(size=(6, GRID, GRID)).astype(np.float32)
    label = labels.gaussian(GRID, jnp.full(2, center), jnp.asarray(1.0))
    return regression.spectrum(jnp.asarray(features), SIZE), label


def start():
    mask = regression.kernel_mask(jnp.array([6.0, 6.0]), CONFIG.kernel_size)
    return learner.init_head(CONFIG, jax.random.key(0), mask), learner.init_memory(
        CONFIG, *sample(0)
    )


def test_first_slot_is_for_ever_and_the_others_are_a_ring():
    _, memory = start()
    first = np.asarray(memory.spectra[0])
    for seed in range(1, 6):
        memory = learner.remember(CONFIG, memory, *sample(seed))
    np.testing.assert_array_equal(memory.spectra[0], first)
    for slot, seed in ((1, 4), (2, 5), (3, 3)):
        np.testing.assert_array_equal(memory.spectra[slot], sample(seed)[0])
    np.testing.assert_array_equal(memory.weights > 0, True)
    assert int(memory.stored) == 6


def test_interval_overwrites_the_newest_slot_until_it_has_passed():
    config = dataclasses.replace(CONFIG, memory_interval=2)
    _, memory = start()
    for seed in range(1, 4):
        memory = learner.remember(config, memory, *sample(seed))
    for slot, seed in ((1, 2), (2, 3)):
        np.testing.assert_array_equal(memory.spectra[slot], sample(seed)[0])
    assert float(memory.weights[3]) == 0.0


def test_a_memory_of_one_keeps_the_first_frame():
    config = dataclasses.replace(CONFIG, memory_size=1)
    memory = learner.init_memory(config, *sample(0))
    again = learner.remember(config, memory, *sample(1))
    jax.tree.map(np.testing.assert_array_equal, again, memory)


def test_empty_slots_do_not_count():
    head, memory = start()
    alone = learner.Memory(memory.spectra[:1], memory.labels[:1], memory.weights[:1], memory.stored)
    np.testing.assert_allclose(
        learner.memory_loss(CONFIG, head.kernel, memory),
        learner.memory_loss(CONFIG, head.kernel, alone),
        rtol=1e-6,
    )


@pytest.mark.parametrize("loss", ["shrinkage", "l1", "l2", "l3", "focal", "ohnm"])
def test_fit_lowers_every_loss(loss):
    config = dataclasses.replace(CONFIG, loss=loss)
    head, memory = start()
    head, before, after = learner.fit(
        config, head, memory, steps=100, lr_shallow=3e-3, lr_deep=3e-3
    )
    assert float(after) < 0.6 * float(before)
    assert np.abs(np.asarray(head.kernel) * (1 - np.asarray(head.mask))).max() == 0.0


def test_the_focal_exponent_is_a_setting():
    head, memory = start()
    base = dataclasses.replace(CONFIG, loss="focal")
    values = [
        float(learner.memory_loss(dataclasses.replace(base, loss_gamma=g), head.kernel, memory))
        for g in (0.0, 1.0, 2.0)
    ]
    for value, loss in zip(values, ("l2", "l3"), strict=False):
        same = dataclasses.replace(CONFIG, loss=loss)
        assert value == pytest.approx(
            float(learner.memory_loss(same, head.kernel, memory)), rel=1e-5
        )
    assert values[0] > values[1] > values[2]


def test_each_branch_has_its_own_rate():
    head, memory = start()
    new, _, _ = learner.fit(CONFIG, head, memory, steps=1, lr_shallow=0.0, lr_deep=1e-2)
    np.testing.assert_allclose(new.kernel[:3], head.kernel[:3])
    moved = np.abs(np.asarray(new.kernel[3:] - head.kernel[3:]))[:, 3, 3]
    np.testing.assert_allclose(moved, 1e-2, rtol=1e-2)  # Adam's first step is the rate itself


def test_stop_rule_ends_the_fit():
    head, memory = start()
    few, _, loss = learner.fit(
        CONFIG, head, memory, steps=400, lr_shallow=3e-3, lr_deep=3e-3, stop_loss=1.0
    )
    assert 0.3 < float(loss) < 1.2
    more, _, less = learner.fit(CONFIG, head, memory, steps=400, lr_shallow=3e-3, lr_deep=3e-3)
    assert float(less) < float(loss)
    assert not np.array_equal(few.kernel, more.kernel)


def test_a_step_that_is_not_finite_is_thrown_away():
    head, memory = start()
    broken = memory._replace(spectra=memory.spectra.at[0, 0, 0, 0].set(jnp.nan))
    new, _, after = learner.fit(CONFIG, head, broken, steps=2, lr_shallow=1e-3, lr_deep=1e-3)
    assert not np.isfinite(after)
    jax.tree.map(np.testing.assert_array_equal, new, head)
