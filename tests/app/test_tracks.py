"""Tracks of a run of `dslt track`, as others take them further."""

import json

import pytest

from dslt_jax.app.sinks import HEADER
from dslt_jax.app.tracks import TracksError, read_run


def row(frame):
    return f"{frame},10.000,12.000,20.000,16.000,0.900,0,3.000,{frame / 25:.3f}\n"


def write(folder, frames, name="boxes.csv", end=""):
    (folder / name).write_text(HEADER + "\n" + "".join(map(row, frames)) + end)


@pytest.fixture
def folder(tmp_path):
    target = {"name": "", "box": [10, 12, 20, 16]}
    summary = {"status": "running", "files": ["boxes.csv"], "targets": [target], "input": "a.mp4"}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    return tmp_path


def test_the_rate_is_the_videos_where_frames_have_no_row(folder):
    write(folder, [*range(0, 50, 5), *range(400, 410)])
    assert read_run(folder).fps == pytest.approx(25.0)
    assert read_run(folder).tracks[0].times is not None


def test_what_a_kill_has_left_of_a_resumed_run_counts(folder):
    write(folder, range(10))
    write(folder, range(30), "boxes.csv.part", end="30,10.000,12.0")
    assert read_run(folder).tracks[0].frames.tolist() == list(range(30))
    write(folder, range(4), "boxes.csv.part")  # the next run had just begun
    assert len(read_run(folder).tracks[0].frames) == 10
    (folder / "boxes.csv").unlink()
    assert len(read_run(folder).tracks[0].frames) == 4


@pytest.mark.parametrize(
    ("last", "says"),
    [
        ("5,10.0,12.0\n", "line 7 is '5,10.0,12.0', not frame,x,y,w,h,confidence,lost"),
        ("5,10,a,20,16,0.9,0,3,0.2\n", "line 7 is '5,10,a,20"),
        ("5,10,12,-20,16,0.9,0,3,0.2\n", "line 7 is '5,10,12,-20,16,.*, a box of no size"),
        ("5,nan,12,20,16,0.9,0,3,0.2\n", "line 7 is '5,nan"),
        ("5,,,,,,,,\n", "line 7 is '5,,,,"),
        ("\n", "line 7 is '', not"),
        ("5" * 200_000 + "\n", "line 7 is '555"),
        ("9" * 30 + row(5)[1:], "line 7: '99999999999999999999' is no frame's number"),
        ("100000000" + row(5)[1:], "line 7: '100000000' is no frame's number from 0 to 9999999"),
        ("5.5" + row(5)[1:], "line 7: '5.5' is no frame's number"),
        ("-5" + row(5)[1:], "line 7: '-5' is no frame's number"),
        (row(4), "line 7: its frame is not behind that of line 6"),
    ],
)
def test_a_damaged_line_is_told(folder, last, says):
    write(folder, range(5), end=last)
    with pytest.raises(TracksError, match=says):
        read_run(folder)


def test_a_table_without_a_line_is_told(folder):
    write(folder, [])
    with pytest.raises(TracksError, match="has no box: there is no line below"):
        read_run(folder)


@pytest.mark.parametrize("targets", [[{"name": 5, "box": [10, 12, 20, 16]}], [{}], [], "boxes", 1])
def test_a_summary_of_something_else_is_told(folder, targets):
    write(folder, range(5))
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | {"targets": targets}))
    with pytest.raises(TracksError, match="no run of `dslt track`"):
        read_run(folder)


def test_a_confidence_that_is_no_number_is_none(folder):
    write(folder, range(5), end=row(5).replace("0.900", "nan"))
    assert read_run(folder).tracks[0].confidence.tolist() == [0.9] * 5 + [0.0]


def test_a_run_that_goes_on_ends_after_the_target_that_is_seen_last(folder):
    targets = [{"name": name, "box": [10, 12, 20, 16]} for name in ("1", "2")]
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | {"targets": targets}))
    write(folder, range(5), "boxes_1.csv")
    write(folder, range(20), "boxes_2.csv")
    read = read_run(folder)
    assert (read.total, read.goes_on) == (20, True)
