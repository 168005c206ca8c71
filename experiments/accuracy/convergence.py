"""How fast each loss learns the first frame: curves, and steps until it is learned.

    python experiments/accuracy/convergence.py --data ../shared/data/otb --preset paper

On every first frame a kernel is fitted by Adam from zero, once with each loss, all else the
preset's. Followed step by step, medians over targets: the squared error of the response over the
target (label > 0.1), as a share of the label's own square there, which is no loss of any of them
though l2's own by its form; and the objective itself, as a share of what it starts from, which is
what the paper draws. Converged is an error below 0.1. Each loss has the rate that needs the fewest
steps, the preset's times a power of 3, on a grid that grows until its best is not at an end; where
steps are equal, the lower error at the end counts.

Leaves convergence.csv and convergence.png in --output. No frame but the first is read. On two CPU
cores about ten minutes for OTB's 17 targets with VGG-16.
"""

import csv
from pathlib import Path
from typing import NamedTuple

import ablate_losses
import ablation
import jax
import jax.numpy as jnp
import numpy as np
from absl import app, flags, logging

import dslt_jax as dslt
from dslt_jax import tracking
from dslt_jax.cli import common
from dslt_jax.learners import Samples
from dslt_jax.media.images import read_image
from dslt_jax.trackers.dslt import Dslt

FLAGS = flags.FLAGS
STEPS, CONVERGED = 120, 0.1


class Start(NamedTuple):
    """A first frame that is to be learned; no loss plays a part yet."""

    kernel: jax.Array  # (C, K, K) near zero
    mask: jax.Array  # (K, K)
    samples: Samples  # one


@jax.jit
def errors_by_step(tracker: Dslt, start: Start) -> jax.Array:
    """Fits a kernel step by step.

    Returns:
      (STEPS, 3) after each step: relative squared error over the target; the largest response
      beyond it (label < 0.01); the objective, as a share of what it was before the first.
    """
    objective, learner = tracker.objective(start.samples, start.mask), tracker.first.learner
    label = start.samples.labels[0]
    inside, beyond = label > 0.1, label < 0.01

    def advance(fitted, _):
        fit = learner.fit(objective, *fitted, steps=1)
        response = objective.respond(fit.kernel)[0]
        error = jnp.sum(jnp.square(response - label) * inside) / jnp.sum(jnp.square(label) * inside)
        background = jnp.max(jnp.where(beyond, response, -jnp.inf))
        return (fit.kernel, fit.state), jnp.stack([error, background, fit.after / before])

    before = objective(start.kernel)
    fitted = start.kernel, learner.init(start.kernel)
    return jax.lax.scan(advance, fitted, None, length=STEPS)[1]


def first_frame(tracker: Dslt, params, sequence) -> Start:
    """The first frame of a sequence, its features and its label."""
    quick = dslt.override(tracker, ["first.steps=1"])
    state = dslt.init(quick, params, read_image(sequence.frames[0]), sequence.init_box)
    kernel = 1e-7 * jax.random.normal(jax.random.key(0), state.head.kernel.shape)
    first = state.samples.spectra[:1], state.samples.labels[:1]
    return Start(kernel, state.head.mask, Samples(*first, jnp.ones(1), jnp.asarray(1)))


def steps_to_converge(errors: np.ndarray) -> float:
    """The first step (of 1 ..) from which on the error (STEPS,) stays below CONVERGED, or inf."""
    above = np.flatnonzero(~(errors < CONVERGED))
    last = above[-1] + 1 if len(above) else 0
    return last + 1.0 if last < len(errors) else np.inf


def fit_first_frames(tracker: Dslt, loss: str, starts: list[Start]):
    """Fits every target's first frame, as `first_frame` has it, at the rate that suits the loss.

    Returns:
      the fewest steps to converge, a median over targets; the factor on the rates which gives
      them; and the median of `errors_by_step` there, (STEPS, 3).
    """
    curves, steps = {}, {}

    def score(factor: float) -> float:
        settings = ablate_losses.variant(tracker, loss, factor).settings
        changed = tracking.placed(dslt.override(tracker, settings))
        found = np.stack([errors_by_step(changed, start) for start in starts])
        curves[factor] = np.median(found, axis=0)
        steps[factor] = float(np.median([steps_to_converge(curve[:, 0]) for curve in found]))
        last = np.nan_to_num(curves[factor][-1, 0], nan=1e6, posinf=1e6)
        return -min(steps[factor], 10 * STEPS) - 1e-3 * min(last, 100.0)

    best, _ = ablate_losses.best_factor(score)
    return steps[best], best, curves[best]


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    logging.set_verbosity(logging.WARNING)
    pyplot = ablation.pyplot()
    dataset = ablation.load_dataset()
    try:
        spec, tracker = common.tracker_from_flags(FLAGS)
        params = dslt.load_params(tracker, spec.weights)
    except (common.UserError, ValueError) as error:
        raise SystemExit(f"convergence: {error}") from None
    ablate_losses.check(tracker, FLAGS.losses)
    starts = [first_frame(tracker, params, sequence) for sequence in dataset]
    fitted = {loss: fit_first_frames(tracker, loss, starts) for loss in FLAGS.losses}
    print(f"{'loss':<10} {'rate':>8} {'steps':>9} {'error':>8} {'background':>11}")
    for loss, (steps, factor, curve) in fitted.items():
        count = f"{steps:.0f}" if np.isfinite(steps) else f"over {STEPS}"
        last = curve[-1]
        print(f"{loss:<10} {f'x {factor:.2g}':>8} {count:>9} {last[0]:8.4f} {last[1]:11.3f}")
    print(
        f"{len(starts)} first frames, preset {FLAGS.preset}, medians. steps: to converge; error: "
        f"over the target, background: largest response beyond it, both after {STEPS} steps"
    )
    folder = Path(FLAGS.output)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "convergence.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["loss", "factor", "step", "error", "background", "objective"])
        for loss, (_, factor, curve) in fitted.items():
            for step, row in enumerate(curve, 1):
                writer.writerow([loss, f"{factor:.3g}", step, *(f"{value:.6g}" for value in row)])
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    titles = {0: "error over the target", 2: "objective, share of its start"}
    for axis, (column, title) in zip(axes, titles.items(), strict=True):
        for loss, (_, factor, curve) in fitted.items():
            axis.plot(range(1, STEPS + 1), curve[:, column], label=f"{loss} (rate x {factor:.2g})")
        axis.set(title=f"first frame, {title}", xlabel="Adam step", yscale="log")
        axis.legend()
    figure.savefig(folder / "convergence.png", dpi=100)


if __name__ == "__main__":
    ablation.define_flags("runs/convergence")
    flags.DEFINE_list("losses", list(ablate_losses.LOSSES), "which losses")
    app.run(main)
