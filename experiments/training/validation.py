"""Training's log and curves, and the tracker's accuracy on clips kept out of training."""

import csv
import pathlib

import jax
import numpy as np

import dslt_jax as dslt
from dslt_jax import boxes as box_math
from dslt_jax.media.images import read_image

Panel = tuple[str, tuple[str, ...], bool]  # title, columns of the log, logarithmic
PANELS: tuple[Panel, ...] = (
    ("loss and its terms", ("loss", "response", "box", "match"), True),
    ("on training samples", ("found", "overlap_before", "overlap", "accuracy"), False),
    ("tracking held-out clips", ("valid_auc", "valid_p20"), False),
)


def track_clips(params, clips, tracker) -> tuple[str, str]:
    """Runs a tracker once over every clip.

    Args:
      params: of its networks; tracker: the preset.
      clips: `train_sources.Clip`s; frames whose box is NaN are not scored.

    Returns:
      mean AUC (21 thresholds) and mean precision at 20 px, in clips' own pixels, as text.
    """
    scores = []
    for clip in clips:
        frames = [read_image(path) for path in clip.frames]
        truth = np.asarray(clip.boxes, np.float64)
        state = dslt.init(tracker, params, frames[0], truth[0])
        found = [truth[0]]
        for frame in frames[1:]:
            state, out = dslt.step(tracker, params, state, frame)
            found.append(out.box)
        seen = np.isfinite(truth).all(axis=1)
        found, truth = np.stack(jax.device_get(found))[seen], truth[seen]
        overlap = box_math.iou(found, truth)
        distance = np.linalg.norm((found - truth) @ [[1, 0], [0, 1], [0.5, 0], [0, 0.5]], axis=1)
        auc = np.mean([np.mean(overlap > t) for t in np.linspace(0, 1, 21)])
        scores.append((auc, np.mean(distance <= 20)))
    auc, precision = np.mean(scores, axis=0)
    return f"{auc:.4f}", f"{precision:.4f}"


def begin_log(log: pathlib.Path, columns, step: int) -> None:
    """Starts the CSV, or cuts off what was written after the checkpoint of `step`."""
    rows = []
    if step and log.exists():
        with log.open(newline="") as file:
            rows = [row for row in list(csv.reader(file))[1:] if int(row[0]) <= step]
    with log.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


def plot(log: pathlib.Path, panels: tuple[Panel, ...] = PANELS) -> None:
    """Draws log.csv beside itself as curves.png; without matplotlib the CSV has to do."""
    try:
        import matplotlib
    except ImportError:
        print("no curves.png: pip install 'dslt-jax[report]'")
        return
    matplotlib.use("agg")
    from matplotlib import pyplot

    table = np.atleast_1d(np.genfromtxt(log, delimiter=",", names=True))
    figure, axes = pyplot.subplots(1, 3, figsize=(15, 4), layout="constrained")
    for axis, (title, names, logarithmic) in zip(axes, panels, strict=True):
        for name in names:
            known = np.isfinite(table[name])
            axis.plot(table["step"][known], table[name][known], marker=".", label=name)
        axis.set(title=title, xlabel="step")
        if logarithmic:
            axis.set_yscale("log")
        else:
            axis.set_ylim(0, 1)
        axis.legend()
    figure.savefig(log.with_name("curves.png"), dpi=100)
    pyplot.close(figure)
