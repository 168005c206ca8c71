"""Residual fusion of the two layers against its parts, on the same weights and sequences.

    python experiments/accuracy/ablate_fusion.py --data ../shared/data/otb
    python experiments/accuracy/ablate_fusion.py --data ../shared/data/otb --sequences Deer,Skiing

    residual    the preset: features of both layers added, response maps of both branches added
    features    only the features are added, one branch
    responses   only the response maps are added, each branch has its own layer
    shallow     the shallow layer alone
    deep        the deep layer alone

Leaves runs/, table.csv and fusion.png in --output. The same command goes on where it was stopped.
On two CPU cores about 15 minutes for OTB's 17 targets.
"""

from pathlib import Path

import ablation
from absl import app, flags, logging

VARIANTS = ("residual", "features", "responses", "shallow", "deep")


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    logging.set_verbosity(logging.WARNING)
    pyplot = ablation.pyplot()
    dataset = ablation.load_dataset()
    scores = {
        name: ablation.track(ablation.Variant(name, (f"fusion={name}",)), dataset)
        for name in VARIANTS
    }
    ablation.report(scores, "residual", {})
    figure, axis = pyplot.subplots(figsize=(6, 4.5), layout="constrained")
    ablation.success_plot(axis, scores)
    figure.savefig(Path(flags.FLAGS.output) / "fusion.png", dpi=100)


if __name__ == "__main__":
    ablation.define_flags("runs/ablate_fusion")
    app.run(main)
