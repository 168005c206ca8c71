"""How honest a tracker's confidence is: what share of the frames it is sure of it has right.

    dslt benchmark --dataset otb --root ../shared/data/otb --preset compact --output runs/compact
    python experiments/accuracy/calibration.py --data ../shared/data/otb runs/compact

Of each run: how well confidence tells right boxes from wrong ones (area under the ROC curve), and
both mistakes at --lost: wrong boxes that are called good, right ones that are called lost. A box is
right when its overlap with the truth is above --right; frames without truth and first frames do not
count.

Leaves calibration.png and calibration.csv in --output.
"""

import csv
from pathlib import Path
from typing import NamedTuple

import ablation
import numpy as np
from absl import app, flags

from dslt_jax import boxes as boxes_lib
from dslt_jax.benchmarks import datasets, results

FLAGS = flags.FLAGS
BINS = 12


class Frames(NamedTuple):
    """All frames of a run that count."""

    confidence: np.ndarray  # (N,)
    right: np.ndarray  # (N,) bool


class Curve(NamedTuple):
    """Frames in bins of equally many, by confidence."""

    confidence: np.ndarray  # (B,) the means
    right: np.ndarray  # (B,) shares
    frames: np.ndarray  # (B,)


def collect(run: results.Results, dataset: datasets.Dataset, right: float) -> Frames:
    """The frames of the first repetition of every sequence.

    Raises ValueError when the run kept no confidence.
    """
    confidence, good = [], []
    for sequence in dataset:
        if sequence.name not in run.runs:
            continue
        one = run.runs[sequence.name][0]
        count = min(len(one), len(sequence))
        overlap = boxes_lib.iou(run.boxes[sequence.name][1:count], sequence.boxes[1:count])
        counts = np.isfinite(sequence.boxes[1:count]).all(axis=1)
        counts &= np.isfinite(one.confidence[1:count])
        confidence.append(one.confidence[1:count][counts])
        good.append(np.nan_to_num(overlap)[counts] > right)
    if not sum(map(len, confidence)):
        raise ValueError(f"{run.path} holds no confidences of these sequences")
    return Frames(np.concatenate(confidence), np.concatenate(good))


def curve(frames: Frames, bins: int = BINS) -> Curve:
    """The share of right boxes against confidence."""
    order = np.argsort(frames.confidence, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return Curve(
        np.array([frames.confidence[part].mean() for part in parts]),
        np.array([frames.right[part].mean() for part in parts]),
        np.array([len(part) for part in parts]),
    )


def separation(frames: Frames) -> float:
    """Area under the ROC curve: the chance that a right box has more confidence than a wrong one.

    By ranks (Mann and Whitney), ties counting half; NaN where all are right or all are wrong.
    """
    _, place, count = np.unique(frames.confidence, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    right = int(frames.right.sum())
    wrong = len(frames.right) - right
    if not right or not wrong:
        return float("nan")
    return float((ranks[frames.right].sum() - right * (right + 1) / 2) / (right * wrong))


def mistakes(frames: Frames, lost: float) -> tuple[float, float]:
    """Shares of all frames: wrong and called good, right and called lost."""
    called_good = frames.confidence >= lost
    return float((called_good & ~frames.right).mean()), float((~called_good & frames.right).mean())


def draw(curves: dict[str, Curve], lost: float, path: Path) -> None:
    pyplot = ablation.pyplot()
    figure, axis = pyplot.subplots(figsize=(6, 4.2), layout="constrained")
    for name, one in curves.items():
        axis.plot(one.confidence, one.right, marker="o", label=name)
    axis.axvline(lost, color="grey", linestyle=":", label=f"lost below {lost:g}")
    axis.set(xlabel="confidence", ylabel=f"share with overlap > {FLAGS.right:g}", ylim=(0, 1.02))
    axis.legend()
    figure.savefig(path, dpi=110)


def main(argv: list[str]) -> None:
    if len(argv) < 2:
        raise app.UsageError("name the runs: folders that dslt benchmark has written")
    folder, curves = Path(FLAGS.output), {}
    print("run | frames | right | separation | wrong, called good | right, called lost")
    for path in argv[1:]:
        try:
            dataset = datasets.load("otb", FLAGS.data)
            frames = collect(results.read(path, dataset), dataset, FLAGS.right)
        except ValueError as error:
            raise SystemExit(f"calibration: {error}") from None
        name = Path(path).name
        curves[name] = curve(frames)
        wrong, missed = mistakes(frames, FLAGS.lost)
        print(
            f"{name} | {len(frames.right)} | {frames.right.mean():.3f} | "
            f"{separation(frames):.3f} | {wrong:.3f} | {missed:.3f}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    draw(curves, FLAGS.lost, folder / "calibration.png")
    with (folder / "calibration.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["run", "confidence", "right", "frames"])
        for name, one in curves.items():
            rows = zip(one.confidence, one.right, one.frames, strict=True)
            writer.writerows([name, f"{c:.4f}", f"{r:.4f}", n] for c, r, n in rows)
    print(f"wrote {folder / 'calibration.png'} and calibration.csv")


if __name__ == "__main__":
    flags.DEFINE_string("data", "../shared/data/otb", "folder in OTB's layout")
    flags.DEFINE_string("output", "runs/calibration", "folder of the figure and its numbers")
    flags.DEFINE_float("right", 0.5, "overlap above which a box is right")
    flags.DEFINE_float("lost", 0.35, "confidence below which the tracker says lost (`size.wrong`)")
    app.run(main)
