"""Presets, and settings changed by name with sentences for what is wrong."""

import dataclasses

import jax
import numpy as np
import pytest

import dslt_jax as dslt
from dslt_jax import backbones, presets
from dslt_jax.config import TrackerConfig, override


def test_fields_are_overridden_by_name_in_their_type():
    config = override(
        TrackerConfig(), ["scale_step=1.01", " channels = 32", "augment=false", "loss=l2"]
    )
    assert (config.scale_step, config.channels) == (1.01, 32)
    assert (config.augment, config.loss) == (False, "l2")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("scale_stp=1.01", "there is no setting 'scale_stp': did you mean scale_step"),
        ("scale_step", "write name=value"),
        ("scale_step=big", "must be a number"),
        ("scale_step=nan", "must be finite"),
        ("scale_step=0.9", "greater than 1"),
        ("channels=2.5", "whole number"),
        ("channels=0", "at least 1"),
        ("num_scales=4", "odd"),
        ("augment=maybe", "true or false"),
        ("loss=huber", "not one of shrinkage, l1"),
        ("backbone=resnet", "not one of compact, googlenet, vgg16"),
        ("search_size=64", "at least twice"),
        ("search_size=250", "multiple of 16"),
        ("kernel_size=7", "even"),
    ],
)
def test_bad_settings_are_sentences(setting, words):
    with pytest.raises(ValueError, match=words):
        override(TrackerConfig(), [setting])


def test_a_box_head_needs_the_backbone_that_has_one():
    with pytest.raises(ValueError, match="googlenet has no box head, set size_search=scales"):
        override(presets.googlenet(), ["size_search=both"])


def test_unknown_preset_lists_the_choices():
    with pytest.raises(ValueError, match="compact, googlenet, paper, released"):
        presets.by_name("papr")


def test_paper_and_released_constants():
    paper, released = presets.paper(), presets.released()
    assert (paper.loss_a, paper.loss_c, paper.memory_size) == (10.0, 0.2, 7)
    assert (paper.num_scales, paper.scale_step, paper.label_sigma) == (3, 1.03, 0.1)
    assert (paper.init_lr_deep, paper.init_lr_shallow) == (8e-7, 2e-8)
    assert (paper.update_lr_deep, paper.update_lr_shallow) == (2e-7, 5e-9)
    assert backbones.strides(paper) == (8, 16) and backbones.strides(released) == (4, 4)


@pytest.mark.parametrize("name", presets.PRESETS)
def test_every_preset_tracks(name):
    """Small crops and few steps, random weights: shapes fit together in every preset."""
    config = dataclasses.replace(
        presets.by_name(name),
        target_size=16,
        search_size=64,
        scale_size=32,
        channels=4,
        init_steps=2,
        augment=False,
    )
    params = backbones.module(config).init(jax.random.key(0), config)
    frames = np.random.default_rng(0).integers(0, 256, (2, 50, 60, 3)).astype(np.uint8)
    state = dslt.init(config, params, frames[0], [20, 20, 12, 16])
    _, out = dslt.step(config, params, state, frames[1])
    assert np.isfinite(out.box).all()
    side = 64 // backbones.strides(config)[0]
    assert out.response.shape == (side, side)
