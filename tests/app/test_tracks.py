"""Tracks of a run of `dslt track`, as others take them further."""

import json

import pytest

from dslt_jax.app.sinks import HEADER
from dslt_jax.app.tracks import read_run


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


def test_what_a_kill_has_left_of_a_resumed_run_counts(folder):
    write(folder, range(10))
    write(folder, range(30), "boxes.csv.part", end="30,10.000,12.0")
    assert read_run(folder).tracks[0].frames.tolist() == list(range(30))
    write(folder, range(4), "boxes.csv.part")  # the next run had just begun
    assert len(read_run(folder).tracks[0].frames) == 10
    (folder / "boxes.csv").unlink()
    assert len(read_run(folder).tracks[0].frames) == 4
