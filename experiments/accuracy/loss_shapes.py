"""The losses against the absolute error, as the paper draws them: what each makes of easy samples.

    python experiments/accuracy/loss_shapes.py --output runs/loss_shapes

Left the loss, in the middle its slope, right the factor that shrinkage has on the squared error for
several speeds a, with c = 0.2. Leaves loss_shapes.png and loss_shapes.csv in --output.
"""

import csv
from pathlib import Path

import ablation
import jax
import numpy as np
from absl import app, flags

from dslt_jax.ops import losses

ERRORS = np.linspace(0, 1, 101, dtype=np.float32)
SHOWN = {
    "l2": losses.l2,
    "l3": losses.l3,
    "focal, gamma 2": losses.Focal(2.0),
    "ohnm": losses.Ohnm(),
    "shrinkage": losses.Shrinkage(),
}
SPEEDS = (1.0, 5.0, 10.0, 30.0)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    pyplot = ablation.pyplot()
    folder = Path(flags.FLAGS.output)
    folder.mkdir(parents=True, exist_ok=True)
    values = {name: np.asarray(loss(ERRORS, 0 * ERRORS)) for name, loss in SHOWN.items()}
    slopes = {
        name: np.asarray(jax.vmap(jax.grad(loss))(ERRORS, 0 * ERRORS))
        for name, loss in SHOWN.items()
    }
    with (folder / "loss_shapes.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["error", *SHOWN, *(f"slope of {name}" for name in SHOWN)])
        columns = [*values.values(), *slopes.values()]
        writer.writerows(
            [f"{error:.2f}", *(f"{column[i]:.6f}" for column in columns)]
            for i, error in enumerate(ERRORS)
        )
    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
    for name in SHOWN:
        left.plot(ERRORS, values[name], label=name)
        middle.plot(ERRORS, slopes[name], label=name)
    for speed in SPEEDS:
        factor = np.asarray(losses.shrinkage(ERRORS, 0 * ERRORS, a=speed))[1:] / ERRORS[1:] ** 2
        right.plot(ERRORS[1:], factor, label=f"a = {speed:g}")
    left.set(title="loss", xlabel="l = |p - y|")
    middle.set(title="slope", xlabel="l = |p - y|")
    right.set(title="shrinkage / l2", xlabel="l = |p - y|")
    for axis in (left, middle, right):
        axis.legend()
    figure.savefig(folder / "loss_shapes.png", dpi=100)
    print(f"wrote {folder / 'loss_shapes.png'} and loss_shapes.csv")


if __name__ == "__main__":
    flags.DEFINE_string("output", "runs/loss_shapes", "folder of the figure and its numbers")
    app.run(main)
