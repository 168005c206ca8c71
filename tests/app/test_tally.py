import json

import numpy as np
import pytest
from records import record

from dslt_jax.app.resume import Kept
from dslt_jax.app.tally import Tally


def test_the_summary_counts_and_times():
    tally = Tally([""])
    tally.write(record(0, seconds=3.0, compiled=2.5, learned=0.5))
    tally.write(record(1, seconds=2.0, compiled=1.9, learned=0.1))
    for index, milliseconds in enumerate([(8, 2), (11, 9), (20, 40)], start=2):
        seconds, learned = np.array(milliseconds) / 1e3
        tally.write(record(index, seconds=seconds, learned=learned, lost=index == 3))
    tally.write(record(5, lost=True, damaged=True, seconds=0.0))
    summary = tally.summary(None)
    assert summary["frames"] == 6
    assert summary["lost_frames"] == 2
    assert summary["damaged_frames"] == [{"frame": 5, "reason": "bad"}]
    assert summary["compile_seconds"] == 4.4
    assert summary["first_frame_seconds"] == 0.5
    assert summary["fps"] == 50  # of the median of 10, 20 and 60 ms
    assert summary["milliseconds"]["locate"]["median"] == pytest.approx(11)
    assert summary["milliseconds"]["learn"]["median"] == pytest.approx(9)
    assert summary["milliseconds"]["read"]["median"] == pytest.approx(2)
    json.dumps(summary)


def test_the_summary_of_several_targets_and_of_nothing():
    tally = Tally(["cat", "dog"])
    assert tally.summary(None)["fps"] is None
    tally.write(record(0, [(1, 2, 3, 4), (5, 6, 7, 8)], lost=True))
    assert tally.summary(None)["lost_frames"] == {"cat": 1, "dog": 1}


def test_sizes_are_counted():
    tally = Tally([""])
    for index, size in enumerate([(48, 64), (48, 64), (96, 128), (48, 64)]):
        tally.write(record(index + 5, size=size))
    assert tally.summary(None)["frame_sizes"] == [
        {"width": 64, "height": 48, "first_frame": 5, "frames": 3},
        {"width": 128, "height": 96, "first_frame": 7, "frames": 1},
    ]


def test_a_resumed_run_counts_what_was_done_before():
    rows = {"": [f"{i},1.0,2.0,30.0,40.0,0.5,{int(i == 1)},5.0," for i in range(3)]}
    noted = [{"frame": 1, "reason": "bad"}, {"frame": 5, "reason": "worse"}]
    tally = Tally([""], Kept(rows, {"damaged_frames": noted}))
    for index in range(2, 6):
        tally.write(record(index, lost=index == 4, damaged=index == 4))
    summary = tally.summary(None)
    assert (summary["frames"], summary["lost_frames"]) == (6, 2)
    assert [one["frame"] for one in summary["damaged_frames"]] == [1, 4]
