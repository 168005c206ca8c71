"""CRT: one convolution as large as the target, learned by gradient descent with hard negatives.

Source: Chen, Tao, "Convolutional Regression for Visual Tracking", arXiv 1611.04215, 2016, and IEEE
TIP 2018. Ridge regression over all positions of the search region, none of them a circular shift.
Most are background and easy. Automatic hard negative mining leaves out those whose error is small
and lets the target count more:

    sum(exp(2 y) (p - y)^2 where |p - y| >= threshold) + decay |k|^2

It is DSLT with one layer and that loss, so it is put together of DSLT's parts. Constants are those
of the authors' public Python code for VGG-16's conv4_3: a target of 10 x 10 cells of 4 pixels (no
pool3), 64 principal components of deviation 100, label 0.1 and motion prior 0.6 of the target,
threshold 0.1, Adam at 2e-8 until the loss is 0.01 (in up to 4000 steps) and then 2 steps a frame at
5e-9 on the last frames 0, 2, 4, 6, 8, scales of 2 %. Their loss is 0.01 of the one above.

Not known: which of the code's versions made the published results; its threshold was 0.01 and later
0, and what the paper prints was not at hand. What differs from the code: the search region is
square (5.2 times the target; theirs 9 widths x 5 heights) and the response covers all of it; scales
are compared once the place is found, on a smaller crop; there is no bias, as features have no mean;
Adam's moments go on from the first frame to the later ones.
"""

from dslt_jax.backbones import Vgg16
from dslt_jax.learners import Adam, Memory, Schedule
from dslt_jax.ops import augment
from dslt_jax.ops.fusion import Single
from dslt_jax.ops.labels import Label
from dslt_jax.ops.losses import Ohnm
from dslt_jax.ops.sizing import Scales
from dslt_jax.trackers.dslt import Dslt
from dslt_jax.trackers.dslt_parts import Gates, Region


def crt() -> Dslt:
    """VGG-16's conv4_3 and the authors' constants."""
    return Dslt(
        backbone=Vgg16(("conv4_3",), pooling=False),
        region=Region(target=40, search=208),
        fusion=Single(channels=64, deviation=100.0),
        kernel_size=24,
        label=Label(sigma=0.1, importance=2.0),
        loss=Ohnm(threshold=0.1),
        decay=5e4,
        first=Schedule(Adam((2e-8,)), steps=4000, stop=1.0),
        online=Schedule(Adam((5e-9,)), steps=2),
        memory=Memory(size=6, interval=2, first_weight=0.0),  # the first frame is not kept
        augment=augment.VARIANTS[:1],
        motion=0.6,
        size=Scales(crop=96, step=1.02, penalty=1.0, damping=1.0),
        gates=Gates(lost=0.0, learn=0.0, size=0.0),
    )
