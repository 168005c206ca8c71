"""Scores boxes with the got10k package and stores what it says.

Run in the environment that .ci/run makes, with the shared results beside the repository:
    .venv/toolkits/bin/python tests/goldens/make_got10k.py [FILE]
It writes FILE, otherwise got10k.npz beside itself: scores of published trackers on OTB-100 (numbers
only; none without the shared results) and a synthetic case with absent frames.
"""

import sys
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).with_name("got10k.npz")
SHARED = Path(__file__).parents[3] / "shared"
TRACKERS = ("ECO", "KCF", "SiamRPNpp")
SIZE = (320, 240)
FIRST_ROW = {"Tiger1": 5}  # the result files start at frame 6


def otb_scores(tracker: str) -> dict[str, np.ndarray]:
    """Returns the package's scores (100,) a measure of one tracker's files."""
    from got10k.experiments import ExperimentOTB

    experiment = ExperimentOTB.__new__(ExperimentOTB)
    experiment.nbins_iou, experiment.nbins_ce = 21, 51
    rows = []
    for path in sorted((SHARED / "results" / "otb100" / tracker).glob("*.txt")):
        truth = np.loadtxt(SHARED / "data" / "otb_anno" / path.name, delimiter=",")
        truth = truth[FIRST_ROW.get(path.stem, 0) :]
        boxes = np.loadtxt(path, delimiter=",")
        boxes[0] = truth[0]
        success, precision = experiment._calc_curves(*experiment._calc_metrics(boxes, truth))
        rows.append((success.mean(), precision[20], success[10]))
    table = np.array(rows).T
    return dict(zip(("success_score", "precision_score", "success_rate"), table, strict=True))


def synthetic(seed: int = 1) -> dict[str, np.ndarray]:
    """Returns truth and boxes (200, 4) in file coordinates, some absent, empty or far away."""
    rng = np.random.default_rng(seed)
    truth = np.c_[rng.uniform(1, 250, (200, 2)), rng.uniform(5, 90, (200, 2))].round(2)
    boxes = (truth + rng.normal(0, 8, truth.shape)).round(2)
    boxes[:, 2:] = np.abs(boxes[:, 2:])
    truth[40:55] = np.nan
    truth[90] = 0
    boxes[120] = (-500, 900, 3, 3)
    cover = rng.integers(0, 3, 200)
    return {"truth": truth, "boxes": boxes, "cover": cover}


def synthetic_scores(case: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns what ExperimentUAV123 and ExperimentGOT10k make of the synthetic case."""
    from got10k.experiments import ExperimentGOT10k, ExperimentUAV123
    from got10k.utils.metrics import rect_iou

    uav = ExperimentUAV123.__new__(ExperimentUAV123)
    uav.nbins_iou, uav.nbins_ce = 21, 51
    truth, boxes = case["truth"], case["boxes"].copy()
    boxes[0] = truth[0]
    success, precision = uav._calc_curves(*uav._calc_metrics(boxes, truth))
    got = ExperimentGOT10k.__new__(ExperimentGOT10k)
    # GOT-10k's truth has no NaN: such frames have no cover.
    seen = (case["cover"] > 0) & ~np.isnan(truth).any(axis=1)
    overlap = rect_iou(case["boxes"][1:].copy(), truth[1:].copy(), bound=SIZE)[seen[1:]]
    ao, sr, _, curve = got._evaluate(overlap, np.ones(1))
    return {
        "success_curve": success,
        "precision_curve": precision,
        "ao": np.array(ao),
        "sr50": np.array(sr),
        "sr75": curve[75],
    }


def main(output: Path = GOLDEN) -> None:
    values = {}
    for tracker in TRACKERS if (SHARED / "results" / "otb100").is_dir() else ():
        values |= {f"{tracker}/{key}": value for key, value in otb_scores(tracker).items()}
    values |= {f"synthetic/{key}": value for key, value in synthetic_scores(synthetic()).items()}
    values |= {f"synthetic/{key}": value for key, value in synthetic().items()}
    np.savez_compressed(output, **values)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
