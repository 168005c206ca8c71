"""The tracker's configuration: one frozen, hashable object, and how to change it by name."""

import dataclasses
import difflib
import math
import typing
from typing import Literal


@dataclasses.dataclass(frozen=True)
class TrackerConfig:
    """Every constant of the tracker. Lengths are pixels of the search crop unless said otherwise.

    Shapes follow from this object alone, never from the video, so one config compiles once.
    """

    # Backbone
    backbone: Literal["compact", "googlenet", "vgg16"] = "compact"
    shallow_layer: str = "shallow"  # name of the shallow feature map, or of a VGG/GoogLeNet layer
    deep_layer: str = "deep"
    keep_pooling: bool = True  # vgg16: False removes pool3 and pool4 (both layers at stride 4)

    # Sampling
    target_size: int = 64  # sqrt(w * h) of the target inside the search crop
    search_size: int = 320  # side of the square search crop

    # Head
    channels: int = 64  # after the channel reduction of each layer
    reduction: Literal["pca", "random"] = "pca"  # basis of the 1x1 channel reduction
    whiten: float = 0.0  # exponent: 0 keeps the strength of the components, 1 makes them equal
    fusion: Literal["residual", "features", "responses", "shallow", "deep"] = "residual"
    shallow_weight: float = 0.5  # weights of the two layers in their sum
    deep_weight: float = 0.5
    kernel_size: int = 16  # side of the kernel canvas, in feature cells
    kernel_scale: float = 1.0  # kernel extent over the target's

    # Labels and loss
    label_sigma: float = 0.13  # of the target's size
    loss: Literal["shrinkage", "l1", "l2", "l3", "focal", "ohnm"] = "shrinkage"
    loss_a: float = 10.0  # shrinkage speed
    loss_c: float = 0.2  # shrinkage localisation
    loss_gamma: float = 1.0  # focal: l^(2 + gamma), so that 1 is l3
    importance: float = 1.0  # exponent e of the label importance exp(e * y) * y^power
    importance_power: float = 0.0  # 0: the background counts; the released code has 2

    # Learner
    memory_size: int = 7  # T samples; slot 0 is the first frame for ever
    memory_interval: int = 4  # frames after which a sample is kept; before, the next replaces it
    first_weight: float = 1.0  # weight of slot 0 beside the others' 1
    optimizer: Literal["adam", "gauss_newton"] = "adam"
    newton_decay: float = 1.0  # ridge of the Gauss-Newton steps
    newton_init: int = 3  # rounds of init_steps conjugate gradient steps in the first frame
    init_steps: int = 120
    init_lr_shallow: float = 1e-3
    init_lr_deep: float = 1e-3
    update_steps: int = 2
    update_interval: int = 1  # samples that come between two updates, the last one included
    update_lr_shallow: float = 3e-4
    update_lr_deep: float = 3e-4
    stop_loss: float = 0.0  # first-frame fit stops below this mean loss
    weight_decay: float = 0.0
    adam_b1: float = 0.9
    adam_b2: float = 0.999
    augment: bool = True  # flips, blurs, rotations and shifts of the first frame
    update_confidence: float = 0.3  # frames below do not teach

    # Localisation
    motion_sigma: float = 1.0  # of the motion prior, in target sizes
    # What finds the size: compact alone has a box head.
    size_search: Literal["scales", "box_head", "both"] = "scales"
    box_steps: int = 1  # corrections of the box in a frame
    box_center_gain: float = 0.3  # share of the box head's shift that is taken
    box_size_gain: float = 0.5  # share of its change of size
    box_aspect_gain: float = 0.5  # share of its change of aspect ratio
    box_guard: float = 0.75  # it is not listened to below this share of its usual match
    box_limit: float = 0.15  # largest change of log size in a frame
    num_scales: int = 3
    scale_step: float = 1.03
    scale_size: int = 128  # side of the crops that are compared for scale
    scale_penalty: float = 0.99  # factor on the score of a changed scale
    scale_damping: float = 0.6  # share of the newly found scale
    scale_confidence: float = 0.35  # below: the size is kept
    lost_confidence: float = 0.2  # below: `lost`, and the position is held
    recovery: bool = False  # while lost, look around the place where the target was last seen
    recovery_confidence: float = 0.4  # what it takes to be found again
    recovery_reach: float = 0.4  # how far aside it looks, in sides of the search region
    min_side: float = 4.0  # of a box, in frame pixels

    seed: int = 0

    def __post_init__(self) -> None:
        if self.search_size < 2 * self.target_size:
            raise ValueError(
                f"search_size={self.search_size} must be at least twice "
                f"target_size={self.target_size}"
            )
        positive = ("target_size", "channels", "kernel_size", "memory_size", "num_scales")
        for name in (*positive, "memory_interval", "update_interval"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be at least 1")
        for name in ("search_size", "scale_size"):
            if getattr(self, name) % 16 or getattr(self, name) < 16:
                raise ValueError(f"{name}={getattr(self, name)} must be a multiple of 16")
        if self.kernel_size % 2:
            raise ValueError(f"kernel_size={self.kernel_size} must be even")
        if self.num_scales % 2 == 0:
            raise ValueError(
                f"num_scales={self.num_scales} must be odd: the middle one keeps the size"
            )
        if self.size_search != "scales" and self.backbone != "compact":
            raise ValueError(
                f"size_search={self.size_search} needs backbone=compact: {self.backbone} has no "
                "box head, set size_search=scales"
            )
        if not self.scale_step > 1.0:
            raise ValueError(f"scale_step={self.scale_step} must be greater than 1")


def override(config: TrackerConfig, assignments: list[str]) -> TrackerConfig:
    """Returns `config` with fields replaced by `name=value` strings.

    Raises:
      ValueError: names the field or value that is wrong and the choices there are.
    """
    hints = typing.get_type_hints(TrackerConfig)
    changes: dict[str, typing.Any] = {}
    for assignment in assignments:
        name, separator, text = assignment.partition("=")
        name, text = name.strip(), text.strip()
        if not separator:
            raise ValueError(
                f"'{assignment}' is no setting: write name=value, e.g. scale_step=1.01"
            )
        if name not in hints:
            near = difflib.get_close_matches(name, hints, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else ""
            raise ValueError(f"there is no setting '{name}': {hint} Choices: {', '.join(hints)}")
        changes[name] = _parse(name, hints[name], text)
    return dataclasses.replace(config, **changes)


def _parse(name: str, hint: typing.Any, text: str) -> typing.Any:
    choices = typing.get_args(hint)
    if choices:
        if text not in choices:
            raise ValueError(f"{name}='{text}' is not one of {', '.join(choices)}")
        return text
    if hint is bool:
        if text.lower() not in ("true", "false", "1", "0"):
            raise ValueError(f"{name}='{text}' must be true or false")
        return text.lower() in ("true", "1")
    if hint is str:
        return text
    try:
        value = hint(text)
    except ValueError:
        kind = "a whole number" if hint is int else "a number"
        raise ValueError(f"{name}='{text}' must be {kind}") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name}='{text}' must be finite")
    return value
