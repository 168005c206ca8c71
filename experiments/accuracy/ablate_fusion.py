"""Residual fusion of the two layers against its parts and other layers, all else the same.

    python experiments/accuracy/ablate_fusion.py --data ../shared/data/otb
    python experiments/accuracy/ablate_fusion.py --data ../shared/data/otb --preset paper \
        --sequences Deer,Skiing

    residual    the preset: features of both layers added, response maps of both branches added
    features    only the features are added, one branch
    responses   only the response maps are added, each branch has its own layer
    shallow     the shallow layer alone
    deep        the deep layer alone
    conv3+conv4, conv3+conv5    with VGG-16 also the other pairs of layers (DSLT_34, DSLT_35)

The paper's DSLT_m has no residual scheme; which of `features` and `responses` it is the facts known
of it do not say. Leaves runs/, table.csv and fusion.png in --output. The same command goes on where
it was stopped. On two CPU cores about 15 minutes for OTB's 17 targets with `compact`.
"""

from pathlib import Path

import ablation
from absl import app, flags, logging

from dslt_jax.backbones import Vgg16
from dslt_jax.cli import common

PARTS = ("residual", "features", "responses", "shallow", "deep")
# conv3_3 has stride 4: the same canvas in pixels has twice the cells a side.
PAIRS = {
    "conv3+conv4": ("backbone.take=conv3_3,conv4_3", "kernel_size=32"),
    "conv3+conv5": ("backbone.take=conv3_3,conv5_3", "kernel_size=32"),
}


def variants(tracker) -> list[ablation.Variant]:
    """What there is to compare, the preset first."""
    parts = [ablation.Variant(name, (f"fusion={name}",)) for name in PARTS]
    if not isinstance(tracker.backbone, Vgg16):
        return parts
    return parts + [ablation.Variant(name, settings) for name, settings in PAIRS.items()]


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    logging.set_verbosity(logging.WARNING)
    pyplot = ablation.pyplot()
    dataset = ablation.load_dataset()
    try:
        _, tracker = common.tracker_from_flags(flags.FLAGS)
    except common.UserError as error:
        raise SystemExit(f"ablate_fusion: {error}") from None
    if not hasattr(tracker, "fusion"):
        raise SystemExit(f"ablate_fusion: the preset {flags.FLAGS.preset} has no fusion of layers")
    known = {variant.name: variant for variant in variants(tracker)}
    if unknown := [name for name in flags.FLAGS.variants if name not in known]:
        raise SystemExit(
            f"ablate_fusion: there is no variant '{unknown[0]}': choose from {', '.join(known)}"
        )
    chosen = flags.FLAGS.variants or list(known)
    scores = {name: ablation.track(known[name], dataset) for name in chosen}
    ablation.report(scores, chosen[0], {})
    figure, axis = pyplot.subplots(figsize=(6, 4.5), layout="constrained")
    ablation.success_plot(axis, scores)
    figure.savefig(Path(flags.FLAGS.output) / "fusion.png", dpi=100)


if __name__ == "__main__":
    ablation.define_flags("runs/ablate_fusion")
    flags.DEFINE_list("variants", [], "only these; the others are compared with the first")
    app.run(main)
