"""The named configurations: `compact` (the default), `googlenet`, `paper`, `released`."""

import dataclasses

from dslt_jax.config import TrackerConfig


def compact() -> TrackerConfig:
    """Embedded weights, made for a laptop's CPU."""
    return TrackerConfig(
        backbone="compact",
        target_size=49,
        search_size=240,
        size_search="box_head",
        update_interval=2,
    )


def googlenet() -> TrackerConfig:
    """ImageNet features of BVLC GoogLeNet, layers inception_3b and inception_4d."""
    return TrackerConfig(
        backbone="googlenet",
        shallow_layer="3b",
        deep_layer="4d",
        label_sigma=0.1,
        scale_size=160,
    )


def paper() -> TrackerConfig:
    """VGG-16 as the paper draws it, strides 8 and 16, with the constants that it prints.

    Features are not normalised: the learning rates are made for VGG's raw ones. The number of
    first-frame steps and the motion prior are the released code's; the paper does not print them.
    """
    return TrackerConfig(
        backbone="vgg16",
        shallow_layer="conv4_3",
        deep_layer="conv5_3",
        channels=128,
        reduction="random",
        shallow_weight=1.0,
        deep_weight=1.0,
        label_sigma=0.1,
        scale_size=160,
        init_steps=100,
        init_lr_shallow=2e-8,
        init_lr_deep=8e-7,
        update_lr_shallow=5e-9,
        update_lr_deep=2e-7,
        memory_interval=1,
        motion_sigma=0.65,
        scale_penalty=1.0,
        update_confidence=-10.0,  # every frame teaches
        lost_confidence=-10.0,
    )


def released() -> TrackerConfig:
    """The paper's tracker with the constants of the released MATLAB code where they differ.

    pool3 and pool4 are removed, both layers have stride 4. The released gradient has lost the
    sign of p - y, which only ever pushes responses up; that mistake is NOT copied. Nor are the
    3x3 channel reduction, the stretched displacements and the inverted scale index.
    """
    return dataclasses.replace(
        paper(),
        keep_pooling=False,
        kernel_size=32,
        shallow_weight=0.8,
        deep_weight=0.2,
        label_sigma=0.08,
        importance=3.2,
        importance_power=2.0,
        update_steps=14,  # two for each of the seven stored samples
        update_lr_shallow=1e-8,
        update_lr_deep=4e-7,
        stop_loss=0.03,
        weight_decay=2.55e-4,  # Caffe's 5.1e-4 is that of the gradient
        adam_b1=0.6,
    )


PRESETS = {"compact": compact, "googlenet": googlenet, "paper": paper, "released": released}


def by_name(name: str) -> TrackerConfig:
    """Returns the preset called `name`; raises ValueError with the choices."""
    if name not in PRESETS:
        raise ValueError(f"there is no preset '{name}': choose one of {', '.join(PRESETS)}")
    return PRESETS[name]()
