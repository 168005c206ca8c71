"""Scores a small synthetic VOT run with the official toolkit and stores what it says.

Run in the environment that .ci/run makes:
    .venv/toolkits/bin/python tests/goldens/make_vot_toolkit.py [FILE]
It writes FILE, otherwise vot_toolkit.npz beside itself: the run (synthetic) and the toolkit's
measures of it.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from dslt_jax.benchmarks import datasets, results, trajectory

GOLDEN = Path(__file__).with_name("vot_toolkit.npz")
SIZE = (320, 240)
LENGTHS = {"long": 140, "middle": 90, "short": 60}
ABSENT = {"long": [], "middle": range(30, 37), "short": range(50, 60)}  # frames without truth
INTERVAL = (20, 70)
STACK = """
title: synthetic
experiments:
  baseline:
    type: supervised
    repetitions: 15
    skip_initialize: 5
    analyses:
      - type: supervised_average_ar
        sensitivity: 30
      - type: supervised_ar
        sensitivity: 30
      - type: supervised_eao_score
        low: {low}
        high: {high}
      - type: supervised_eao_curve
  unsupervised:
    type: unsupervised
    repetitions: 1
    analyses:
      - type: average_accuracy
      - type: average_success_plot
"""


def make_run(seed: int = 3):
    """Returns polygons (N, 8) and two repetitions (regions (N, 8), codes (N,)) a sequence."""
    rng = np.random.default_rng(seed)
    made = {}
    for name, count in LENGTHS.items():
        time = np.arange(count)
        center = np.stack([160 + 120 * np.sin(time / 17), 120 + 90 * np.cos(time / 23)], axis=1)
        angle = time / 40 + rng.uniform(0, 3)
        side = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        up = np.stack([-np.sin(angle), np.cos(angle)], axis=1)
        half = np.array([24.0, 15.0]) * (1 + 0.3 * np.sin(time / 11))[:, None]
        a, b = side * half[:, :1], up * half[:, 1:]
        polygons = np.concatenate(
            [center - a - b, center + a - b, center + a + b, center - a + b], 1
        )
        polygons = polygons.round(3)
        repetitions = []
        for _ in range(2):
            shift = np.cumsum(rng.normal(0, 0.9, (count, 2)), axis=0)
            regions = (polygons + np.tile(shift, 4)).round(3)
            codes = np.full(count, trajectory.TRACKED, np.int8)
            codes[0] = trajectory.INITIALIZATION
            # The second failure may be so late that no new start follows.
            late = count - 3 if name == "short" else rng.integers(count // 2 + 8, count - 12)
            for failure in (rng.integers(15, count // 2), late):
                codes[failure] = trajectory.FAILURE
                codes[failure + 1 : failure + 5] = trajectory.UNKNOWN
                codes[failure + 5 : failure + 6] = trajectory.INITIALIZATION
            repetitions.append((regions, codes))
        truth = polygons.copy()
        truth[list(ABSENT[name])] = np.nan
        made[name] = (truth, repetitions)
    return made


def to_trajectory(regions: np.ndarray, codes: np.ndarray) -> trajectory.Trajectory:
    run = trajectory.empty(len(regions), regions.shape[1])
    run.codes[:] = codes
    run.regions[:] = np.where((codes == trajectory.TRACKED)[:, None], regions, np.nan)
    return run


def write_sequences(folder: Path, made) -> None:
    for name, (polygons, _) in made.items():
        images = folder / name / "color"
        images.mkdir(parents=True)
        for frame in range(1, len(polygons) + 1):
            Image.new("L", SIZE).save(images / f"{frame:08d}.jpg")
        lines = [",".join(f"{value:.3f}" for value in row) for row in polygons]
        (folder / name / "groundtruth.txt").write_text("\n".join(lines) + "\n")
        (folder / name / "sequence").write_text(
            f"name={name}\nfps=30\nchannels.color=color/%08d.jpg\nchannel.default=color\n"
        )
    (folder / "list.txt").write_text("\n".join(made) + "\n")


def official(directory: Path, made) -> dict[str, np.ndarray]:
    """Returns the toolkit's measures of the run."""
    from cachetools import LRUCache
    from vot.analysis import AnalysisProcessor, process_stack_analyses
    from vot.utilities import ThreadPoolExecutor
    from vot.workspace import Workspace

    low, high = INTERVAL
    (directory / "stack.yaml").write_text(STACK.format(low=low, high=high))
    Workspace.initialize(str(directory), {"stack": "stack.yaml", "registry": ["."]}, download=False)
    write_sequences(directory / "sequences", made)
    (directory / "trackers.ini").write_text("[Ours]\nlabel=Ours\nprotocol=trax\ncommand=true\n")
    dataset = datasets.load("vot", directory / "sequences")
    ours = directory / "results" / "Ours"
    runs = {name: [to_trajectory(*run) for run in group] for name, (_, group) in made.items()}
    results.write(ours, dataset, runs, "vot", "baseline")
    single = {name: [trajectory.from_regions(group[0][0])] for name, (_, group) in made.items()}
    results.write(ours, dataset, single, "vot", "unsupervised")

    workspace = Workspace.load(str(directory))
    trackers = workspace.registry.resolve(
        "Ours", storage=workspace.storage.substorage("results"), skip_unknown=False
    )
    with AnalysisProcessor(ThreadPoolExecutor(1), LRUCache(1000)):
        table = process_stack_analyses(workspace, trackers)
    measured = {}
    for experiment, analyses in table.items():
        for analysis, grid in analyses.items():
            kind = type(analysis).__name__
            cells = [tuple(cell) for cell in grid]
            print(experiment.identifier, kind, len(cells), str(cells)[:200])
            measured[kind] = cells
    average = measured["AverageAccuracyRobustness"][0]
    return {
        "accuracy": np.array(average[0]),
        "robustness": np.array(average[1]),
        "reliability": np.array(average[2][0]),
        "sequence_accuracy": np.array([cell[0] for cell in measured["AccuracyRobustness"]]),
        "sequence_failures": np.array([cell[1] for cell in measured["AccuracyRobustness"]]),
        "eao": np.array(measured["EAOScore"][0][0]),
        "eao_curve": np.array(measured["EAOCurve"][0][0]),
        "average_overlap": np.array(measured["AverageAccuracy"][0][0]),
        "success": np.array([y for _, y in measured["AverageSuccessPlot"][0][0]]),
    }


def main(output: Path = GOLDEN) -> None:
    made = make_run()
    with tempfile.TemporaryDirectory() as directory:
        values = official(Path(directory), made)
    for name, (polygons, group) in made.items():
        values[f"{name}/truth"] = polygons
        for number, (regions, codes) in enumerate(group):
            values[f"{name}/{number}/regions"] = regions
            values[f"{name}/{number}/codes"] = codes
    np.savez_compressed(output, **values)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
