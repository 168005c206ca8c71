"""Settings and weights tried on all development sequences, several runs each, and compared.

    python experiments/accuracy/development.py --otb ../shared/data/otb,../shared/data/uav_dev \
        --clips ../shared/train --preset compact \
        --variant "preset" --variant "turned augment=turned" --variant "new weights=FILE"

A variant is a name, then its settings; `weights=FILE` and `preset=NAME` belong to it too. The
folders of --otb are in OTB's layout; of --clips the ten that training never sees
(`train_sources.HELD_OUT`). Every variant runs --runs times: the runs differ by the seed and by a
search region shifted by less than a pixel, which decides no more than rounding does, so that their
spread is what one run alone does not tell.

With --starts 4 each sequence is run from its beginning, quarter, middle and three quarters,
forwards and backwards, 120 frames at most: where a target is lost then decides less, so that
smaller leads tell.

Prints AUC / P20 by folder, OTB's protocol (21 thresholds, strict >), and the lead of each variant
on the first with its 95 % bootstrap interval over sequences, all of them together. What is done
lies in --output, a file a run, and is not run again.
"""

import itertools
import json
import pathlib
import re
import sys

import jax
import numpy as np
from absl import app, flags, logging

import dslt_jax as dslt
from dslt_jax.app import compiled, sinks
from dslt_jax.app.spec import Spec
from dslt_jax.benchmarks import datasets, metrics
from dslt_jax.benchmarks.metrics import compare
from dslt_jax.media.images import read_image

sys.path.append(str(pathlib.Path(__file__).parents[1] / "training"))
import train_sources

FLAGS = flags.FLAGS
LONGEST, SHORTEST = 120, 12  # frames from one of several starts

Group = tuple[str, list[datasets.Sequence]]


def load_groups() -> list[Group]:
    """The folders with their sequences; raises SystemExit with the reason when there are none."""
    try:
        groups = [(pathlib.Path(f).name, list(datasets.load("otb", f))) for f in FLAGS.otb]
        for folder in FLAGS.clips:
            _, held = train_sources.split(train_sources.load_all([folder]), train_sources.HELD_OUT)
            groups.append(("clips", [as_sequence(clip) for clip in held.clips]))
    except ValueError as error:
        raise SystemExit(f"development: {error}") from None
    chosen = [
        (name, [s for s in group if not FLAGS.sequences or s.name in FLAGS.sequences])
        for name, group in groups
    ]
    if not any(group for _, group in chosen):
        raise SystemExit("development: there are no such sequences")
    if FLAGS.starts:
        chosen = [
            (name, [p for s in group for p in parts(s, FLAGS.starts)]) for name, group in chosen
        ]
    return [(name, group) for name, group in chosen if group]


def parts(sequence: datasets.Sequence, starts: int) -> list[datasets.Sequence]:
    """A sequence from several starts, forwards and backwards, each where the target is seen."""
    count = len(sequence)
    frames = list(sequence.frames)[:count]
    seen = np.isfinite(sequence.boxes).all(axis=1) & (sequence.boxes[:, 2:] > 0).all(axis=1)
    found = []
    for way, order in (("", np.arange(count)), (" back", np.arange(count)[::-1])):
        for k in range(starts):
            rows = order[k * count // starts :][:LONGEST]
            rows = rows[np.argmax(seen[rows]) :]
            if len(rows) < SHORTEST or not seen[rows[0]]:
                continue
            files = tuple(frames[row] for row in rows)
            name = f"{sequence.name}{way} {k}"
            found.append(datasets.Sequence(name, sequence.boxes[rows], lambda files=files: files))
    return found


def as_sequence(clip: train_sources.Clip) -> datasets.Sequence:
    """A training clip as the benchmarks have a sequence."""
    frames = tuple(map(pathlib.Path, clip.frames))
    return datasets.Sequence(clip.name, np.asarray(clip.boxes, np.float64), lambda: frames)


def parse(variant: str) -> tuple[str, dict[str, str], list[str]]:
    """Name, what is not a setting, settings."""
    name, *words = variant.split()
    own = dict(word.split("=", 1) for word in words if re.match("(weights|preset)=", word))
    return name, own, [word for word in words if word.split("=")[0] not in own]


def run(tracker, params, seed: int, sequence: datasets.Sequence) -> list[float]:
    """Returns AUC and precision at 20 px of one pass."""
    frames = [read_image(path) for path in sequence.frames]
    start = np.asarray(sequence.boxes[0], np.float32)
    nudged = start + np.float32([0.01, -0.01, 0, 0]) * seed
    state = dslt.init(tracker, params, frames[0], nudged, key=jax.random.key(seed))
    boxes = [start]
    for frame in frames[1:]:
        state, out = dslt.step(tracker, params, state, frame)
        boxes.append(out.box)
    found = {sequence.name: np.stack(jax.device_get(boxes))}
    scores = metrics.evaluate([sequence], found)
    return [float(scores.auc[0]), float(scores.p20[0])]


def run_variant(variant: str, groups: list[Group]) -> np.ndarray:
    """Returns (runs, sequences, 2) AUC and P20, in the order of the groups."""
    name, own, settings = parse(variant)
    spec = Spec(own.get("preset", FLAGS.preset), tuple(settings), own.get("weights"))
    try:
        tracker, asked = spec.tracker(), json.loads(json.dumps(spec.describe()))
        params = dslt.load_params(tracker, spec.weights)
    except (ValueError, OSError) as error:
        raise SystemExit(f"development: {variant}: {error}") from None
    runs = []
    for seed in range(FLAGS.runs):
        path = pathlib.Path(FLAGS.output) / f"{name}_{seed}.json"
        kept = json.loads(path.read_text()) if path.is_file() else {"asked": asked}
        if kept.get("asked") != asked:
            raise SystemExit(f"development: {path} is of another variant: give this one a new name")
        rows = []
        for folder, sequence in ((name, one) for name, group in groups for one in group):
            key = f"{folder}/{sequence.name}"
            if key not in kept:
                kept[key] = run(tracker, params, seed, sequence)
                path.parent.mkdir(parents=True, exist_ok=True)
                sinks.write_json(path, kept)
            rows.append(kept[key])
        runs.append(rows)
    return np.array(runs)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    logging.set_verbosity(logging.WARNING)
    groups = load_groups()
    compiled.keep()
    ends = np.cumsum([0, *(len(group) for _, group in groups)])
    print(" | ".join(["variant", *(f"{name} ({len(g)})" for name, g in groups), "lead, AUC"]))
    first, tables = None, {}
    for variant in FLAGS.variant:
        scores = run_variant(variant, groups)
        tables[variant] = scores
        means = [scores[:, a:b].mean(axis=1) for a, b in itertools.pairwise(ends)]
        cells = [f"{m[:, 0].mean():.3f}/{m[:, 1].mean():.3f}{spread(m[:, 0])}" for m in means]
        mean = scores[..., 0].mean(axis=0)
        first = mean if first is None else first
        lead = compare.paired(mean, first).difference
        print(
            " | ".join(
                [variant, *cells, f"{lead.mean:+.3f} ({lead.low:+.3f} .. {lead.high:+.3f})"]
            ),
            flush=True,
        )
    moved(groups, tables)


def spread(values: np.ndarray) -> str:
    """The deviation of a group's mean from run to run."""
    return f" ±{values.std(ddof=1):.3f}" if len(values) > 1 else ""


def moved(groups: list[Group], tables: dict[str, np.ndarray], by: float = 0.1) -> None:
    """Prints the sequences whose mean AUC differs from the first variant's by more than `by`."""
    names = [sequence.name for _, group in groups for sequence in group]
    (_, first), *others = tables.items()
    for variant, scores in others:
        change = scores[..., 0].mean(axis=0) - first[..., 0].mean(axis=0)
        far = [f"{names[i]} {change[i]:+.2f}" for i in np.flatnonzero(np.abs(change) > by)]
        print(f"{variant}: {', '.join(far) or 'none'} moved by more than {by}")


if __name__ == "__main__":
    flags.DEFINE_list(
        "otb", ["../shared/data/otb", "../shared/data/uav_dev"], "folders, OTB's layout"
    )
    flags.DEFINE_list("clips", ["../shared/train"], "folders of training clips, the ten kept out")
    flags.DEFINE_multi_string(
        "variant", ["preset"], "a name, then settings: 'turned augment=turned'"
    )
    flags.DEFINE_string("preset", "compact", "of the variants that name none")
    flags.DEFINE_list("sequences", [], "only these")
    flags.DEFINE_integer("runs", 1, "of each variant", lower_bound=1)
    flags.DEFINE_integer("starts", 0, "runs a sequence and direction; 0: as wholes", lower_bound=0)
    flags.DEFINE_string("output", "runs/development", "where results are kept")
    app.run(main)
