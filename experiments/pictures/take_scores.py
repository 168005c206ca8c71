"""Takes what was measured into the documentation's scores, which tables and figures are made of.

    python experiments/accuracy/compare_trackers.py --data ../shared/data/otb --output runs/compare
    python experiments/pictures/take_scores.py --measured runs/compare/compare.csv
    python experiments/pictures/accuracy_speed.py

Rows over all --sequences of them replace those of docs/data/scores.csv, others are left out and
named. `--nospeed` keeps the old speeds, for a machine that was busy.
"""

import csv
from pathlib import Path

from absl import app, flags

from dslt_jax import presets

SCORES = Path(__file__).parents[2] / "docs" / "data" / "scores.csv"
EMBEDDED = dict.fromkeys(("compact", "narrow", "siamfc"), "embedded network")
NETWORKS = EMBEDDED | {"googlenet": "GoogLeNet", "vgg16": "VGG-16"}
SOURCE = "experiments/accuracy/compare_trackers.py"

FLAGS = flags.FLAGS
flags.DEFINE_string("measured", None, "compare.csv of compare_trackers.py", required=True)
flags.DEFINE_string("scores", str(SCORES), "the file that takes them")
flags.DEFINE_integer("sequences", 17, "how many a row must be of")
flags.DEFINE_boolean("speed", True, "take the frames a second too")
flags.DEFINE_string("machine", "2 CPU cores", "what they were measured on")


def read(path: str) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def take(old: dict[str, str] | None, new: dict[str, str], machine: str | None) -> dict[str, str]:
    """Returns the row of scores.csv for a row of compare.csv.

    Args:
      old: the row before, if there was one.
      machine: what the speed was measured on; None keeps the old one.
    """
    if old is None:
        backbone = presets.by_name(new["tracker"]).backbone
        features = NETWORKS.get(backbone.name, backbone.name) if backbone else "hand-crafted"
        old = {"tracker": new["tracker"], "features": features, "fps": "", "speed": ""}
    scores = {key: f"{float(new[key]):.3f}" for key in ("auc", "p20")}
    row = old | scores | {"source": SOURCE}
    if machine:
        row |= {"fps": f"{float(new['fps']):.1f}", "speed": f"{Path(SOURCE).name}, {machine}"}
    return row


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    try:
        known = {row["tracker"]: row for row in read(FLAGS.scores)}
        measured = [row for row in read(FLAGS.measured) if row["tracker"] in presets.PRESETS]
    except (OSError, KeyError) as error:
        raise SystemExit(f"take_scores: no table of trackers can be read: {error}") from None
    for new in measured:
        name = new["tracker"]
        if new["sequences"] != str(FLAGS.sequences):
            print(f"{name}: left out, it is of {new['sequences']} sequences")
            continue
        known[name] = take(known.get(name), new, FLAGS.machine if FLAGS.speed else None)
        print(f"{name}: AUC {known[name]['auc']}, {known[name]['fps'] or 'no'} frames a second")
    head = ["tracker", "features", "auc", "p20", "fps", "speed", "source"]
    part = Path(FLAGS.scores + ".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, head, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(known.values(), key=lambda row: -float(row["auc"])))
    part.replace(FLAGS.scores)


if __name__ == "__main__":
    app.run(main)
