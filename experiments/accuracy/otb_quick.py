"""One pass over a folder in OTB layout: a line a sequence, then the means.

    python experiments/accuracy/otb_quick.py --data ../shared/data/otb --preset compact
    python experiments/accuracy/otb_quick.py --data ../shared/data/otb --preset googlenet \
        --weights ../shared/weights/googlenet_bvlc_to_4e_oihw.npz

Scores are those of OTB's toolkit (one pass, 21 thresholds, strict >; Tiger1 from frame 6). Frames
per second leave out reading, compiling and the first frame. With --published FOLDER (a folder a
tracker, OTB text files) the published trackers are scored on the same sequences. Boxes go to
--output in OTB's own format. On two CPU cores about 3 minutes with `compact`, 9 with `googlenet`.
"""

import pathlib
import time

import jax
import numpy as np
from absl import app, flags, logging

import dslt_jax as dslt
from dslt_jax.app import compiled
from dslt_jax.benchmarks import datasets, metrics, results, trajectory
from dslt_jax.cli import common
from dslt_jax.cli.main import UserError
from dslt_jax.media.images import read_image

FLAGS = flags.FLAGS
flags.DEFINE_string("data", "../shared/data/otb", "folder of sequences in OTB layout")
flags.DEFINE_list("sequences", [], "only these, e.g. Deer,Skiing")
flags.DEFINE_string("published", "../shared/results/otb100", "published results to compare with")
flags.DEFINE_string("output", None, "folder for the boxes, one text file a sequence")
common.define_tracker_flags(FLAGS)


def run_sequence(tracker, params, key, sequence) -> tuple[np.ndarray, float, float]:
    """Returns boxes (N, 4), seconds of the first frame and seconds of the others."""
    frames = [read_image(path) for path in sequence.frames]
    start = time.perf_counter()
    state = dslt.init(tracker, params, frames[0], sequence.init_box, key=key)
    jax.block_until_ready(state)
    fitted = time.perf_counter()
    boxes = [sequence.init_box]
    for frame in frames[1:]:
        state, out = dslt.step(tracker, params, state, frame)
        boxes.append(out.box)
    boxes = np.stack(jax.device_get(boxes))
    return boxes, fitted - start, time.perf_counter() - fitted


def main(argv: list[str]) -> None:
    del argv
    logging.set_verbosity(logging.WARNING)
    try:
        spec, tracker = common.tracker_from_flags(FLAGS)
        params = dslt.load_params(tracker, spec.weights)
        dataset = datasets.load("otb", FLAGS.data)
        dataset = dataset.subset(FLAGS.sequences) if FLAGS.sequences else dataset
    except (UserError, ValueError) as error:
        raise SystemExit(f"otb_quick: {error}") from None
    for note in dataset.notes:
        print(note)
    if FLAGS.keep_compiled and (problem := compiled.keep()):
        print(problem)
    key = jax.random.key(spec.seed)
    warm = dataset[0]  # compiles outside the timing
    warm = warm.__class__(warm.name, warm.ground_truth[:3], lambda: dataset[0].frames[:3])
    run_sequence(tracker, params, key, warm)

    found, frames, seconds = {}, 0, 0.0
    print(f"{'sequence':14s} {'AUC':>6s} {'P20':>6s} {'fps':>6s} {'first frame, s':>15s}")
    for sequence in dataset:
        boxes, first, rest = run_sequence(tracker, params, key, sequence)
        found[sequence.name] = boxes
        frames, seconds = frames + len(boxes) - 1, seconds + rest
        scores = metrics.evaluate([sequence], {sequence.name: boxes})
        fps = (len(boxes) - 1) / rest
        row = f"{scores.auc[0]:6.3f} {scores.p20[0]:6.3f} {fps:6.1f} {first:15.2f}"
        print(f"{sequence.name:14s} {row}", flush=True)
    mean = metrics.evaluate(dataset, found).summary()
    row = f"{mean['auc']:6.3f} {mean['p20']:6.3f} {frames / seconds:6.1f}"
    print(f"{f'mean of {len(found)}':14s} {row}")
    backbone = tracker.backbone.name if tracker.backbone else "none"
    print(f"preset {FLAGS.preset}, backbone {backbone}, {jax.devices()[0].device_kind}")
    compare(dataset)
    if FLAGS.output:
        runs = {name: [trajectory.from_regions(boxes)] for name, boxes in found.items()}
        results.write(FLAGS.output, dataset, runs, "otb")
        print(f"boxes in {FLAGS.output}")


def compare(dataset) -> None:
    """Prints published trackers' scores on the same sequences, best first."""
    folder = pathlib.Path(FLAGS.published)
    if not folder.is_dir():
        print(f"no published results in {folder}: nothing to compare with")
        return
    rows, problems = [], []
    for path in sorted(p for p in folder.iterdir() if p.is_dir()):
        try:
            published = results.read(path, dataset).boxes
        except results.ResultsError as error:
            problems.append(error)
            continue
        scores = metrics.evaluate(dataset, published, tracker=path.name).summary()
        rows.append((scores["auc"], scores["p20"], path.name, len(published)))
    if not rows:
        print(f"no tracker in {folder} has results of these sequences: nothing to compare with")
        return
    for problem in problems:
        print(problem)
    for auc, p20, name, count in sorted(rows, reverse=True):
        print(f"  {name:12s} {auc:6.3f} {p20:6.3f}  on {count} sequences")


if __name__ == "__main__":
    app.run(main)
