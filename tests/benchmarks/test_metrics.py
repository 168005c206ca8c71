"""Success, precision, policies, intervals: on cases small enough to count by hand."""

import numpy as np
import pytest

from dslt_jax.benchmarks import metrics, reference, tables
from dslt_jax.benchmarks.datasets import LAYOUTS, DatasetError, Sequence


def _sequence(truth, name="a", **fields):
    return Sequence(name, np.array(truth, float), list_frames=list, **fields)


BOX = (10.0, 10.0, 20.0, 20.0)
HALF = (10.0, 10.0, 20.0, 10.0)  # overlap exactly 0.5
AWAY = (100.0, 100.0, 20.0, 20.0)


def test_success_and_precision_by_hand():
    scores = metrics.evaluate([_sequence([BOX] * 4)], {"a": [BOX, BOX, HALF, AWAY]}, "wu")
    thresholds = np.arange(21) / 20
    expected = (2 * (thresholds < 1) + (thresholds < 0.5)) / 4
    np.testing.assert_allclose(scores.success[0], expected)
    assert scores.op50[0] == 0.5  # strictly over 0.5
    assert scores.ao[0] == pytest.approx(2.5 / 4)
    # HALF's center is 5 pixels away, a quarter of the target's height.
    assert scores.precision[0, 4] == 0.5
    assert scores.precision[0, 5] == 0.75
    assert scores.np20[0] == 0.5
    assert scores.normalized_precision[0, 25] == 0.75


def test_not_strict_counts_ties():
    policy = metrics.Policy("wu", strict=False)
    scores = metrics.evaluate([_sequence([BOX] * 2)], {"a": [BOX, HALF]}, policy)
    assert scores.success[0, 10] == 1.0
    assert scores.success[0, 11] == 0.5
    assert scores.success[0, 20] == 0.5
    assert "overlap >= t" in policy.describe()


def test_absent_truth_fails_success_and_passes_precision_or_is_left_out():
    nan = (np.nan,) * 4
    sequence, results = _sequence([BOX, nan, BOX, (-1, -1, 0, 0)]), {"a": [BOX] * 4}
    for policy in ("wu", "pysot"):
        scores = metrics.evaluate([sequence], results, policy)
        assert scores.success[0, 0] == 0.5
        assert scores.p20[0] == 1.0
        assert scores.frames[0] == 4
    scores = metrics.evaluate([sequence], results, "got10k")
    assert scores.frames[0] == 3  # zero boxes are not absent for got10k: they fail both
    assert scores.success[0, 0] == pytest.approx(2 / 3)
    assert scores.p20[0] == pytest.approx(2 / 3)


def test_wu_asks_for_positive_coordinates_and_pysot_for_a_size():
    # In 1-based pixels y is -1, which Wu's code takes for a missing truth.
    sequence, results = _sequence([BOX, (10, -2, 20, 20)]), {"a": [BOX, (10, -2, 20, 20)]}
    assert metrics.evaluate([sequence], results, "wu").success[0, 0] == 0.5
    assert metrics.evaluate([sequence], results, "pysot").success[0, 0] == 1.0


def test_pysot_leaves_out_frames_marked_absent():
    sequence = _sequence([BOX] * 4, tags={"absent": np.array([0, 0, 1, 1], bool)})
    results = {"a": [BOX, BOX, AWAY, AWAY]}
    assert metrics.evaluate([sequence], results, "pysot").auc[0] == pytest.approx(20 / 21)
    assert metrics.evaluate([sequence], results, "wu").auc[0] == pytest.approx(10 / 21)


def test_invalid_results_repeat_the_last_or_fail():
    nan = (np.nan,) * 4
    results = {"a": [AWAY, BOX, nan, (5, 5, 0, 3), AWAY]}
    wu = metrics.evaluate([_sequence([BOX] * 5)], results, "wu")
    assert wu.success[0, 0] == 0.8  # the first box is the truth
    assert "1 rows are not numbers and repeat the row before" in wu.problems[0]
    pysot = metrics.evaluate([_sequence([BOX] * 5)], results, "pysot")
    assert pysot.success[0, 0] == 0.2
    assert "count as failures" in pysot.problems[0]


def test_rows_too_few_too_many_and_skipped():
    short = metrics.evaluate([_sequence([BOX] * 4)], {"a": [BOX] * 2}, "got10k")
    assert short.success[0, 0] == 0.5
    assert short.problems[0] == "a: 2 rows for 4 frames, the missing 2 count as failures"
    for policy in metrics.POLICIES:  # none repeats a row that is not there
        cut = metrics.evaluate([_sequence([BOX] * 100)], {"a": [BOX] * 5}, policy)
        assert cut.auc[0] < 0.06 and cut.p20[0] < 0.051, policy
    long = metrics.evaluate([_sequence([BOX] * 2)], {"a": [BOX] * 4}, "wu")
    assert long.problems == ("a: 4 rows for 2 frames, the last 2 ignored",)
    skipped = _sequence([BOX] * 4, skipped=2)
    whole = metrics.evaluate([skipped], {"a": [AWAY, AWAY, *[BOX] * 4]}, "wu")
    assert whole.problems == ()
    assert whole.success[0, 0] == 1.0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("origin", [0.0, 1.0])
def test_results_in_other_numbers_are_told(origin):
    truth = np.array([[20, 40, 28, 24], [22, 40, 28, 24], [24, 41, 30, 24.5]])
    sequence = _sequence(truth, origin=origin)
    shift = np.array([origin, origin, 0, 0])

    def said(written):
        return metrics.evaluate([sequence], {"a": written - shift}).problems

    written = truth + shift
    assert said(written) == ()
    (note,) = said(written / (160, 120, 160, 120))
    assert note.startswith("a: all numbers lie from 0 to 1, as fractions of the frame")
    corners = np.concatenate([written[:, :2], written[:, :2] + written[:, 2:]], axis=1)
    (note,) = said(corners)
    assert note.startswith("a: as x1,y1,x2,y2 they would overlap the truth by 1.00 on the average")
    assert said(np.zeros((3, 4)) + shift) == ()
    assert said(np.tile([1.0, 1, 9, 9], (3, 1))) == ()


@pytest.mark.parametrize("policy", metrics.POLICIES)
def test_rows_that_are_infinite_are_told_as_those_of_nan(policy):
    wrong = [BOX, [-np.inf, 2, np.inf, 4], [np.nan] * 4, BOX]
    scores = [
        metrics.evaluate([_sequence([BOX] * 4)], {"a": rows}, policy)
        for rows in (wrong, [BOX, [np.nan] * 4, [np.nan] * 4, BOX])
    ]
    assert "2 rows are not numbers" in scores[0].problems[0]
    assert scores[0].problems == scores[1].problems
    assert scores[0].summary() == scores[1].summary()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("policy", metrics.POLICIES)
def test_infinite_truth_is_none_as_that_of_nan(policy):
    scores = [
        metrics.evaluate([_sequence([BOX, BOX, [value] * 4, BOX])], {"a": [BOX] * 4}, policy)
        for value in (np.inf, np.nan)
    ]
    assert scores[0].summary() == scores[1].summary()


def test_attributes_subsets_and_means():
    sequences = [
        _sequence([BOX] * 2, "a", attributes=("OCC", "SV")),
        _sequence([BOX] * 2, "b", attributes=("SV",)),
        _sequence([BOX] * 2, "c"),
    ]
    results = {"a": [BOX] * 2, "b": [BOX, AWAY]}
    scores = metrics.evaluate(sequences, results, "wu", "Ours")
    assert scores.names == ("a", "b")
    assert scores.by_attribute() == {"OCC": ("a",), "SV": ("a", "b")}
    assert scores.summary(["b"])["p20"] == 0.5
    assert scores.summary()["p20"] == 0.75
    np.testing.assert_allclose(scores.success_curve(["a"]), [1.0] * 20 + [0.0])
    assert scores.only(["b"]).summary() == scores.summary(["b"])
    assert tables.to_csv([scores]).splitlines()[1].startswith("Ours,a,wu,2,0.952381,1.000000")


def test_bad_input_is_told():
    with pytest.raises(ValueError, match="Ours has no results on any of the sequences"):
        metrics.evaluate([_sequence([BOX])], {"b": [BOX]}, "wu", "Ours")
    with pytest.raises(ValueError, match=r"results of a have shape \(2, 5\), need \(N, 4\)"):
        metrics.evaluate([_sequence([BOX] * 2)], {"a": np.zeros((2, 5))}, "wu")
    with pytest.raises(ValueError, match="no policy 'vuw': choose one of wu, got10k, pysot, vot"):
        metrics.by_name("vuw")
    with pytest.raises(ValueError, match="needs 2 to 10001 thresholds, not 10002"):
        metrics.by_name("wu", 10_002)
    with pytest.raises(ValueError, match="needs 2 to 10001 thresholds"):
        metrics.by_name("wu", 1)
    with pytest.raises(ValueError, match="a has no frame with ground truth"):
        metrics.evaluate([_sequence([[np.nan] * 4])], {"a": [BOX]}, "got10k")
    with pytest.raises(ValueError, match="a has no frame"):
        metrics.evaluate([_sequence(np.zeros((0, 4)))], {"a": np.zeros((0, 4))})
    with pytest.raises(ValueError, match="run 1 of a starts in frame 7, it has 2"):
        metrics.evaluate_segments([_sequence([BOX] * 2)], {"a": [(7, np.array([BOX]))]})
    with pytest.raises(ValueError, match="1 or more samples, not 0"):
        metrics.bootstrap([0.5, 0.6], samples=0)


def test_what_is_masked_is_missing():
    found = np.ma.masked_array([BOX] * 4, mask=np.zeros((4, 4), bool))
    found[2] = np.ma.masked
    scores = metrics.evaluate([_sequence([BOX] * 4)], {"a": found}, "pysot")
    assert scores.success[0, 0] == 0.75
    assert np.isnan(Sequence("a", found, list_frames=list).ground_truth[2]).all()


@pytest.mark.parametrize(
    ("results", "names", "words"),
    [
        ([[BOX] * 2], None, "results are a list, not boxes by sequence"),
        ({"a": None}, None, r"results of a have shape \(\), need \(N, 4\)"),
        ({"a": "a.txt"}, None, "results of a are no array of boxes .*'a.txt'"),
        ({"a": [BOX] * 2}, ["b"], "there are no scores of 'b': choose of a"),
    ],
)
def test_what_is_no_result_and_no_sequence_is_told(results, names, words):
    with pytest.raises(ValueError, match=words):
        metrics.evaluate(_sequence([BOX] * 2), results).summary(names)


def test_one_sequence_and_numbers_however_they_are_held():
    sequence = Sequence("a", [BOX, HALF], list_frames=list)
    assert sequence.ground_truth.dtype == np.float64
    scores = metrics.evaluate(sequence, {"a": np.array([BOX, HALF], object)})
    assert scores.summary("a") == scores.summary()
    assert scores.op75[0] == 1.0


@pytest.mark.parametrize("truth", [[(*BOX, 1.0)] * 2, BOX, [BOX[:3]] * 2])
def test_truth_that_is_no_boxes_is_told(truth):
    with pytest.raises(DatasetError, match=r"ground truth of a has shape .*: boxes are"):
        _sequence(truth)


def test_bootstrap_covers_the_mean_and_repeats():
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 1, 100)
    interval = metrics.bootstrap(values)
    assert interval == metrics.bootstrap(values)
    assert interval.low < interval.mean < interval.high
    # The normal interval of a mean of 100.
    half = 1.96 * values.std() / 10
    assert interval.high - interval.mean == pytest.approx(half, rel=0.1)
    covered = [
        (lambda i: i.low <= 0.5 <= i.high)(metrics.bootstrap(rng.uniform(0, 1, 30), samples=500))
        for _ in range(200)
    ]
    assert 0.88 <= np.mean(covered) <= 0.99
    with pytest.raises(ValueError, match="a value a sequence"):
        metrics.bootstrap([])


def test_paired_comparison_sees_a_small_but_steady_difference():
    rng = np.random.default_rng(0)
    b = rng.uniform(0, 1, 60)
    better = metrics.paired(b + 0.02 + rng.normal(0, 0.01, 60), b)
    assert better.difference.low > 0
    assert better.p_value < 0.001
    assert better.wins + better.losses == better.sequences == 60
    same = metrics.paired(b + rng.normal(0, 0.05, 60), b)
    assert same.p_value > 0.05
    with pytest.raises(ValueError, match="same sequences"):
        metrics.paired(b, b[1:])


def test_segments_pool_their_frames():
    sequence = _sequence([BOX] * 10)
    runs = {"a": [(0, np.array([BOX] * 10)), (8, np.array([BOX, AWAY]))]}
    scores = metrics.evaluate_segments([sequence], runs, "wu")
    assert scores.names == ("a",)
    assert scores.frames[0] == 12
    assert scores.success[0, 0] == pytest.approx(11 / 12)
    assert scores.p20[0] == pytest.approx(11 / 12)


def test_reference_numbers_have_sources():
    numbers = reference.everything()
    assert all(0 < number.value < 1 for number in numbers)
    assert all(number.source and number.kind in ("published", "measured") for number in numbers)
    assert {number.dataset for number in numbers} <= set(LAYOUTS)
    assert len({(n.tracker, n.dataset, n.measure) for n in numbers}) == len(numbers)
    ours = reference.find("otb100", "DSLT")["DSLT"]
    assert (ours["auc"].value, ours["p20"].value) == (0.660, 0.909)
    assert reference.find("vot2016")["C-COT"]["eao"].value == 0.3310


@pytest.mark.parametrize("name", ["wu", "pysot"])
def test_agrees_with_a_count_frame_by_frame(name):
    """The toolkits' formulas, written as they are printed, in 1-based coordinates."""
    rng = np.random.default_rng(4)
    truth = np.c_[rng.integers(-3, 60, (300, 2)), rng.integers(4, 40, (300, 2))].astype(float)
    result = truth + rng.integers(-12, 13, truth.shape)
    result[:, 2:] = np.maximum(result[:, 2:], 1)
    truth[50:60], truth[90] = np.nan, 0
    if name == "wu":
        result[0] = truth[0]
    success, precision, normalized = np.zeros(21), np.zeros(51), np.zeros(51)
    for (x, y, w, h), (u, v, a, b) in zip(truth, result, strict=True):
        center = np.array([x + (w - 1) / 2, y + (h - 1) / 2])
        found = np.array([u + (a - 1) / 2, v + (b - 1) / 2])
        seen = (w > 0 and h > 0) and (name == "pysot" or (x > 0 and y > 0))
        placed = seen if name == "wu" else (center > 0).all()
        across = max(min(x + w, u + a) - max(x, u), 0) * max(min(y + h, v + b) - max(y, v), 0)
        overlap = across / (w * h + a * b - across) if seen else -1
        distance = np.hypot(*(center - found)) if placed else -1
        size = np.array([w, h]) + 1e-16
        relative = np.hypot(*(center / size - found / size)) if placed else -1
        success += overlap > np.linspace(0, 1, 21)
        precision += distance <= np.arange(51)
        normalized += relative <= np.arange(51) / 100
    shift = np.array([1, 1, 0, 0])
    scores = metrics.evaluate([_sequence(truth - shift)], {"a": result - shift}, name)
    np.testing.assert_allclose(scores.success[0], success / 300, atol=1e-12)
    np.testing.assert_allclose(scores.precision[0], precision / 300, atol=1e-12)
    np.testing.assert_allclose(scores.normalized_precision[0], normalized / 300, atol=1e-12)
