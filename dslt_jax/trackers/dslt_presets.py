"""DSLT's presets: `compact`, `fast`, `dslt_offline`, `googlenet`, `paper`, `released`, `vgg16`."""

import functools

from dslt_jax.backbones import Compact, GoogLeNet, Narrow, Vgg16
from dslt_jax.learners import Adam, Memory, Schedule
from dslt_jax.ops.fusion import Fusion
from dslt_jax.ops.labels import Label
from dslt_jax.ops.sizing import BoxHead, Scales
from dslt_jax.trackers.dslt import Dslt
from dslt_jax.trackers.dslt_parts import Gates, Recovery, Region


def compact() -> Dslt:
    """Embedded weights, made for a laptop's CPU."""
    return Dslt(
        backbone=Compact(),
        region=Region(target=49, search=240),
        label=Label(sigma=0.18),
        size=BoxHead(guard=0.8),
        online=Schedule(Adam((3e-4, 3e-4)), steps=2, every=2),
        motion=2.0,
        recovery=Recovery(after=5),
    )


def fast() -> Dslt:
    """`compact` on a network of half the arithmetic, for small machines and many targets.

    It tells a target from another one of its kind less well, so that it trusts shorter ways more.
    """
    base = compact()
    return base.replace(
        backbone=Narrow(), size=BoxHead(), online=base.online.replace(every=4), motion=1.0
    )


def dslt_offline() -> Dslt:
    """`compact` without learning online: what it has learned when the first frame ends is all.

    Network and box head are trained offline, the regression on the first frame, and no later frame
    teaches. Beside `compact` it shows what learning online adds. A regression that is trained
    offline altogether, as in GOTURN or SiamFC, would also need a network that gives the kernel for
    a template in one pass, and training of it on pairs of frames; the first fit stands for it here.
    """
    return compact().replace(
        memory=Memory(size=1),
        gates=Gates(learn=1e9),  # no response is so high
    )


def googlenet() -> Dslt:
    """ImageNet features of BVLC GoogLeNet, layers inception_3b and inception_4d."""
    return Dslt(backbone=GoogLeNet(("3b", "4d")), label=Label(sigma=0.1), size=Scales(crop=160))


def paper() -> Dslt:
    """VGG-16 as the paper draws it, strides 8 and 16, with the constants that it prints.

    Features are not normalised: the learning rates are made for VGG's raw ones. What the paper does
    not print is the released code's, that is the first frame's number of steps, the motion prior,
    gate and damping of the scale, or ours: the augmentation and the size of the crops.
    """
    return Dslt(
        backbone=Vgg16(("conv4_3", "conv5_3")),
        fusion=Fusion(channels=128, reduction="random", shallow=1.0, deep=1.0),
        label=Label(sigma=0.1),
        first=Schedule(Adam((2e-8, 8e-7)), steps=100),
        online=Schedule(Adam((5e-9, 2e-7)), steps=2),
        memory=Memory(interval=1),
        motion=0.65,
        size=Scales(crop=160, penalty=1.0),
        gates=Gates(lost=-10.0, learn=-10.0),  # every frame teaches
    )


def vgg16() -> Dslt:
    """The paper's tracker that learns from the frames it is sure of alone.

    Shares are of the usual response, a mean over the frames that taught: below four tenths, as
    behind a pole, the size is kept; below three nothing is learned; below two the place is kept,
    too, and where that lasts, until something looks seven tenths as usual.
    """
    return paper().replace(gates=Gates(lost=0.2, learn=0.3, size=0.4, found=0.7, relative=True))


def released() -> Dslt:
    """The paper's tracker with the constants of the released MATLAB code where they differ.

    pool3 and pool4 are removed, both layers have stride 4, Adam starts afresh behind the first
    frame and its bias correction stays at the first step. What that code does and this preset does
    not: its gradient has lost the sign of p - y, which only ever pushes responses up; it takes two
    steps for each of the seven samples in turn (here 14 for all of them together) and learns the
    first frame from one crop a step; its channel reduction is 3x3, its displacements are stretched,
    its index of the scale is inverted, and its motion prior has a deviation an axis (here one for
    both).
    """
    base, adam = paper(), functools.partial(Adam, b1=0.6, correction="first")
    return base.replace(
        backbone=Vgg16(("conv4_3", "conv5_3"), pooling=False),
        kernel_size=32,
        fusion=base.fusion.replace(shallow=0.8, deep=0.2),
        label=Label(sigma=0.08, importance=3.2, power=2.0, normalised=True),
        first=Schedule(adam((2e-8, 8e-7)), steps=100, stop=0.03),
        online=Schedule(adam((1e-8, 4e-7)), steps=14, fresh="once"),
        decay=2.55e-4,  # Caffe's 5.1e-4 is that of the gradient
    )
