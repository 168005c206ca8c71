"""VOT's measures against the official toolkit and against hand-made runs."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import toolkits

from dslt_jax.benchmarks import trajectory
from dslt_jax.benchmarks.datasets import Sequence
from dslt_jax.benchmarks.metrics import vot

GOLDENS = Path(__file__).parents[1] / "goldens"
# The toolkit keeps its expected-overlap curve in single precision.
TOLERANCE = 1e-6


def _load_maker():
    spec = importlib.util.spec_from_file_location("maker", GOLDENS / "make_vot_toolkit.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


maker = _load_maker()


def _sequence(name, truth):
    return Sequence(name=name, ground_truth=truth, list_frames=list, image_size=maker.SIZE)


@pytest.fixture(scope="module", params=["stored", "live"])
def official(request, tmp_path_factory):
    """A run and the toolkit's numbers: those it gave when the golden was made, and those of now."""
    if request.param == "stored":
        return dict(np.load(GOLDENS / "vot_toolkit.npz"))
    return toolkits.scores("make_vot_toolkit.py", tmp_path_factory.mktemp("vot"))


def test_agrees_with_the_official_toolkit(official):
    sequences, runs, single = [], {}, {}
    for name in maker.LENGTHS:
        sequences.append(_sequence(name, official[f"{name}/truth"]))
        parts = [(official[f"{name}/{i}/regions"], official[f"{name}/{i}/codes"]) for i in range(2)]
        runs[name] = [maker.to_trajectory(*part) for part in parts]
        single[name] = [trajectory.from_regions(parts[0][0])]
    variant = vot.Variant(name="toolkit")
    scores = vot.evaluate(sequences, runs, variant, maker.INTERVAL)
    for field in ("accuracy", "robustness", "reliability", "eao"):
        np.testing.assert_allclose(getattr(scores, field), official[field], atol=TOLERANCE)
    np.testing.assert_allclose(
        scores.accuracy_by_sequence, official["sequence_accuracy"], atol=TOLERANCE
    )
    np.testing.assert_allclose(
        scores.failures_by_sequence, official["sequence_failures"], atol=TOLERANCE
    )
    np.testing.assert_allclose(scores.curve, official["eao_curve"], atol=TOLERANCE)
    overall, _, success = vot.average_overlap(sequences, single, variant)
    np.testing.assert_allclose(overall, official["average_overlap"], atol=TOLERANCE)
    np.testing.assert_allclose(success, official["success"], atol=TOLERANCE)


def _run(count, failures=(), starts=(0,)):
    run = trajectory.empty(count)
    run.codes[:], run.regions[:] = trajectory.TRACKED, (5, 5, 30, 20)
    run.codes[list(starts)] = trajectory.INITIALIZATION
    for failure in failures:
        run.codes[failure] = trajectory.FAILURE
        run.codes[failure + 1 : min(s for s in (*starts, count) if s > failure)] = 0
    run.regions[run.codes != trajectory.TRACKED] = np.nan
    return run


@pytest.mark.parametrize("raster", [True, False])
def test_frames_without_truth_are_left_out(raster):
    truth = np.tile([5.0, 5, 30, 20], (40, 1))
    truth[[3, *range(20, 30)]] = np.nan
    sequence, variant = _sequence("gap", truth), vot.Variant(raster=raster)
    scores = vot.evaluate([sequence], {"gap": [_run(40)]}, variant, (5, 9))
    assert scores.accuracy == scores.accuracy_by_sequence[0] == 1
    assert scores.failures == 0
    average, _, success = vot.average_overlap([sequence], {"gap": [_run(40)]}, variant)
    assert average == 1
    assert success[50] == pytest.approx(28 / 29)  # of the frames with truth all but the start
    assert np.isnan(vot.overlaps(_run(40), sequence, variant)[20:30]).all()


def test_a_start_that_waited_for_a_truth_begins_its_fragment():
    truth = np.tile([5.0, 5, 30, 20], (40, 1))
    truth[12:20] = np.nan
    run = _run(40, failures=[10], starts=[0, 20])
    scores = vot.evaluate([_sequence("gap", truth)], {"gap": [run]}, vot.Variant(), (5, 9))
    # Two fragments of which every frame overlaps, as far as both go.
    assert scores.curve[1:9].tolist() == [1] * 8
