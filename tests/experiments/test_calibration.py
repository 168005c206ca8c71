"""What the calibration of a tracker's confidence counts."""

import itertools

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the figure needs matplotlib")
import calibration
from calibration import Frames

from dslt_jax.benchmarks import datasets, results
from dslt_jax.benchmarks.trajectory import from_regions


def test_separation_counts_pairs_ties_half():
    rng = np.random.default_rng(0)
    frames = Frames(rng.integers(0, 6, 40) / 5, rng.random(40) > 0.4)
    pairs = list(
        itertools.product(frames.confidence[frames.right], frames.confidence[~frames.right])
    )
    counted = np.mean([(a > b) + 0.5 * (a == b) for a, b in pairs])
    assert calibration.separation(frames) == pytest.approx(counted)
    assert np.isnan(calibration.separation(Frames(np.ones(3), np.ones(3, bool))))


def test_curve_has_every_frame_once_by_confidence():
    confidence = np.linspace(1, 0, 25)
    one = calibration.curve(Frames(confidence, confidence > 0.5), bins=4)
    assert one.frames.sum() == 25 and one.frames.max() - one.frames.min() <= 1
    assert (np.diff(one.confidence) > 0).all()
    assert one.right[0] == 0 and one.right[-1] == 1


def test_mistakes_of_both_kinds():
    frames = Frames(np.array([0.9, 0.8, 0.1, 0.2]), np.array([True, False, True, False]))
    wrong, missed = calibration.mistakes(frames, lost=0.2)
    assert (wrong, missed) == (0.5, 0.25)  # a confidence of exactly `lost` is not lost


def test_first_frames_and_frames_without_truth_do_not_count():
    truth = np.tile([10.0, 10.0, 20.0, 20.0], (5, 1))
    truth[2] = np.nan
    found = np.tile([10.0, 10.0, 20.0, 20.0], (5, 1))
    found[4, 0] = 80
    run = from_regions(found)
    run.confidence[:] = [1.0, 0.9, 0.8, 0.7, 0.6]
    sequence = datasets.Sequence("a", truth, lambda: ())
    frames = calibration.collect(results.Results("x", {"a": [run]}), [sequence], 0.5)
    np.testing.assert_array_equal(frames.confidence, [0.9, 0.7, 0.6])
    np.testing.assert_array_equal(frames.right, [True, True, False])
    with pytest.raises(ValueError, match="no confidences"):
        calibration.collect(results.Results("x", {}), [sequence], 0.5)
