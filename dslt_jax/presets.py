"""The named configurations: `compact` (the default), `googlenet`, `paper`, `released`."""

from dslt_jax.config import TrackerConfig


def compact() -> TrackerConfig:
    """Embedded weights, made for a laptop's CPU."""
    return TrackerConfig(backbone="compact", target_size=52, search_size=256)


def googlenet() -> TrackerConfig:
    """ImageNet features of BVLC GoogLeNet, layers inception_3b and inception_4d."""
    return TrackerConfig(backbone="googlenet", shallow_layer="3b", deep_layer="4d", scale_size=160)


def paper() -> TrackerConfig:
    """VGG-16 and the constants that the paper prints (PAPER: ECCV 2018)."""
    return TrackerConfig(backbone="vgg16", shallow_layer="conv4_3", deep_layer="conv5_3")


def released() -> TrackerConfig:
    """VGG-16 and the constants of the released MATLAB code where they differ from the paper."""
    return TrackerConfig(
        backbone="vgg16", shallow_layer="conv4_3", deep_layer="conv5_3", keep_pooling=False
    )


PRESETS = {"compact": compact, "googlenet": googlenet, "paper": paper, "released": released}


def by_name(name: str) -> TrackerConfig:
    """Returns the preset called `name`; raises ValueError with the choices."""
    if name not in PRESETS:
        raise ValueError(f"there is no preset '{name}': choose one of {', '.join(PRESETS)}")
    return PRESETS[name]()
