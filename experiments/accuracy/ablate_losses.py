"""Shrinkage loss against the others: accuracy, each loss at its own best learning rate.

    python experiments/accuracy/ablate_losses.py --data ../shared/data/otb
    python experiments/accuracy/ablate_losses.py --data ../shared/data/otb --preset paper \
        --losses shrinkage,l2 --tuning Deer,Skiing

Everything but the loss is the preset's, learned by Adam as in the paper. Each loss has the learning
rate that suits it, the preset's times a power of 3: the one that gives the best AUC on the --tuning
sequences, on a grid that grows until its best is not at an end; the preset itself was made for
shrinkage loss, so without this the others would lose for the rate's sake. focal has gamma = 2,
because gamma = 1 is l3. How fast each of them learns is what `convergence.py` asks.

Leaves runs/, table.csv, tuning.csv and losses.png in --output. The same command goes on where it
was stopped. On two CPU cores about 40 minutes for OTB's 17 targets with `compact`.
"""

import csv
from collections.abc import Callable
from pathlib import Path

import ablation
from absl import app, flags, logging

from dslt_jax.cli import common
from dslt_jax.learners import Adam
from dslt_jax.trackers.dslt import Dslt

FLAGS = flags.FLAGS
LOSSES = {
    "shrinkage": (),
    "l2": (),
    "l3": (),
    "ohnm": (),
    "focal": ("loss.gamma=2",),
    "l1": (),
}


def variant(tracker: Dslt, loss: str, factor: float) -> ablation.Variant:
    """A loss at `factor` times the preset's rates."""
    settings = [f"loss={loss}", *LOSSES[loss]]
    for name in ("first", "online"):
        rates = getattr(tracker, name).learner.rates
        settings.append(f"{name}.learner.rates={','.join(f'{r * factor:.3g}' for r in rates)}")
    return ablation.Variant(f"{loss}_{factor:.2g}", tuple(settings))


def best_factor(score: Callable[[float], float], *, most: int = 9) -> tuple[float, dict]:
    """Looks for the factor on the rates with the highest score.

    The grid starts with 1/3, 1 and 3 and grows by factors of 3 where its best is at an end, up to
    `most` values.

    Returns:
      the factor, and the score of every factor tried, in order.
    """
    found = {factor: score(factor) for factor in (1 / 3, 1.0, 3.0)}
    while len(found) < most:
        best = max(found, key=lambda factor: found[factor])
        if best == min(found):
            found[best / 3] = score(best / 3)
        elif best == max(found):
            found[best * 3] = score(best * 3)
        else:
            break
    return max(found, key=lambda factor: found[factor]), dict(sorted(found.items()))


def tune(tracker: Dslt, dataset) -> dict[str, float]:
    """The factor on the rates that gives each loss its best AUC; all of them in tuning.csv."""
    rows, best = [("loss", "factor on the rates", "AUC")], {}
    for loss in FLAGS.losses:

        def auc(factor: float, loss: str = loss) -> float:
            return ablation.track(variant(tracker, loss, factor), dataset).summary()["auc"]

        best[loss], found = best_factor(auc)
        rows += [(loss, f"{factor:.3g}", f"{value:.4f}") for factor, value in found.items()]
        print(f"{loss}: " + ", ".join(f"{value:.3f} at x {f:.3g}" for f, value in found.items()))
    with (Path(FLAGS.output) / "tuning.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return best


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    logging.set_verbosity(logging.WARNING)
    pyplot = ablation.pyplot()
    dataset = ablation.load_dataset()
    try:
        _, tracker = common.tracker_from_flags(FLAGS)
        tuning = dataset.subset([name for name in FLAGS.tuning if name in dataset.names])
    except (common.UserError, ValueError) as error:
        raise SystemExit(f"ablate_losses: {error}") from None
    check(tracker, FLAGS.losses)
    if not len(tuning):
        raise SystemExit(f"ablate_losses: none of --tuning {FLAGS.tuning} is there")
    factors = tune(tracker, tuning)
    scores = {
        loss: ablation.track(variant(tracker, loss, factors[loss]), dataset)
        for loss in FLAGS.losses
    }
    ablation.report(scores, FLAGS.losses[0], {"rate": [f"x {f:.2g}" for f in factors.values()]})
    print(f"rate: gives the best AUC on {', '.join(tuning.names)}, on a grid whose ends are not")
    figure, axis = pyplot.subplots(figsize=(6, 4.5), layout="constrained")
    ablation.success_plot(axis, scores)
    figure.savefig(Path(FLAGS.output) / "losses.png", dpi=100)


def check(tracker, losses: list[str]) -> None:
    """Raises SystemExit unless the losses are known and the tracker learns one of them by Adam."""
    if unknown := [loss for loss in losses if loss not in LOSSES]:
        raise SystemExit(f"there is no loss '{unknown[0]}': choose from {', '.join(LOSSES)}")
    if not isinstance(tracker, Dslt) or not isinstance(tracker.first.learner, Adam):
        raise SystemExit("the losses are of DSLT, learned by Adam: choose such a preset")


if __name__ == "__main__":
    ablation.define_flags("runs/ablate_losses")
    flags.DEFINE_list("losses", list(LOSSES), "which losses; the others are compared to the first")
    flags.DEFINE_list(
        "tuning",
        ["Couple", "Deer", "Bird2", "Skiing", "Subway", "MotorRolling"],
        "sequences on which the rates are chosen",
    )
    app.run(main)
