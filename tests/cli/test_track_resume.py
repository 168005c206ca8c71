"""`dslt track --resume`: what is on disk is kept, and the run goes on from there."""

import json

import numpy as np
import pytest
from PIL import Image
from track_fakes import COUNT, scene


@pytest.fixture
def stopped(run, fake):
    """A run that Ctrl-C ended after 5 of 8 frames."""
    fake(fail_at=15, error=KeyboardInterrupt())
    result = run()
    assert result.status == 130 and len(result.rows()) == 5
    fake()
    return result


def kill(result):
    """Makes of a run that was stopped one that was killed."""
    for name in result.summary["files"]:
        (result.out / name).rename(result.out / f"{name}.part")
    summary = result.summary | {"status": "running"}
    for name in ("damaged_frames", "frames"):
        summary.pop(name, None)
    (result.out / "summary.json").write_text(json.dumps(summary))


def xs(result, name="boxes.csv"):
    return [float(row["x"]) for row in result.rows(name)]


def test_it_goes_on_from_the_last_row(run, stopped):
    pytest.importorskip("av")
    before = (stopped.out / "boxes.csv").read_text()
    result = run("--resume")
    assert result.status == 0
    assert "5 frames are kept. The tracker starts again from the last box, in frame 4" in (
        result.stderr
    )
    assert xs(result) == [10 + i for i in range(COUNT)]
    assert (result.out / "boxes.csv").read_text().startswith(before)
    assert len((result.out / "boxes.txt").read_text().splitlines()) == COUNT
    summary = result.summary
    assert (summary["status"], summary["frames"]) == ("done", COUNT)
    assert summary["resumed"] == [{"frame": 4, "kept_frames": 5, "lost_targets": []}]
    names = ["boxes.csv", "boxes.txt", "overlay.mp4", "overlay_2.mp4"]
    assert summary["files"] == names
    assert result.files == [*names, "summary.json"]


def test_after_a_kill_the_part_files_are_read(run, stopped):
    pytest.importorskip("av")
    kill(stopped)
    with open(stopped.out / "boxes.csv.part", "a") as file:
        file.write("5,15.0")
    result = run("--resume")
    assert result.status == 0
    assert xs(result) == [10 + i for i in range(COUNT)]
    assert "overlay.mp4 was not finished" in result.stderr
    assert result.files == ["boxes.csv", "boxes.txt", "overlay_2.mp4", "summary.json"]


def test_what_a_killed_run_left_does_not_stand_beside_another(run, stopped):
    pytest.importorskip("av")
    kill(stopped)
    result = run("--novideo", "--start=2")
    assert result.status == 0
    assert result.files == ["boxes.csv", "boxes.txt", "summary.json"]
    assert [int(row["frame"]) for row in result.rows()] == [2, 3, 4, 5, 6, 7]


def test_it_may_be_stopped_and_resumed_again(run, fake, stopped):
    pytest.importorskip("av")
    fake(fail_at=16, error=KeyboardInterrupt())
    assert run("--resume").status == 130
    fake()
    result = run("--resume")
    assert (result.status, xs(result)) == (0, [10 + i for i in range(COUNT)])
    assert [part["frame"] for part in result.summary["resumed"]] == [4, 5]
    assert result.summary["files"][2:] == ["overlay.mp4", "overlay_2.mp4", "overlay_3.mp4"]


def test_the_targets_need_not_be_named_again(run, fake, tmp_path):
    (tmp_path / "targets.txt").write_text("10,12,20,16 cat\n30,12,20,16 dog\n")
    flags = [f"--targets={tmp_path / 'targets.txt'}", "--novideo", "--start=1"]
    fake(fail_at=13, error=KeyboardInterrupt())
    assert run(*flags, box=None).status == 130
    fake()
    result = run("--novideo", "--start=1", "--resume", box=None)
    assert (result.status, xs(result, "boxes_dog.csv")) == (0, [30 + i for i in range(COUNT - 1)])
    assert result.rows("boxes_cat.csv")[-1]["frame"] == str(COUNT - 1)


def test_frames_are_counted_from_the_start(run, fake, tmp_path):
    fake(fail_at=13, error=KeyboardInterrupt())
    assert run("--novideo", "--max_frames=6").status == 130
    fake()
    assert xs(run("--novideo", "--max_frames=6", "--resume")) == [10 + i for i in range(6)]


@pytest.mark.parametrize(
    ("flags", "box", "message"),
    [
        (["--seed=4"], "10,12,20,16", "seed was 0, now 4"),
        (["--set=loss.a=8"], "10,12,20,16", "config.loss.a was 10.0, now 8.0"),
        ([], "11,12,20,16", "targets was [{'name': '', 'box': [10.0"),
    ],
)
def test_another_run_is_not_resumed(run, stopped, flags, box, message):
    files = {name: (stopped.out / name).read_bytes() for name in stopped.files}
    result = run("--resume", *flags, box=box)
    assert result.status == 1
    assert "the run to be resumed was another" in result.stderr and message in result.stderr
    assert {name: (stopped.out / name).read_bytes() for name in stopped.files} == files


def test_another_input_is_not_resumed(run, stopped, folder):
    Image.fromarray(scene(3)).save(folder / "0.png")
    result = run("--resume")
    assert result.status == 1
    assert "its start frame is another picture" in result.stderr


def test_a_whole_run_has_nothing_to_resume(run, fake):
    run("--novideo")
    result = run("--novideo", "--resume")
    assert result.status == 0
    assert "came to its end: there is nothing to resume" in result.stderr
    assert len(result.rows()) == COUNT


@pytest.mark.parametrize(
    ("first", "then", "count"),
    [
        (["--end=4"], ["--end=6"], 6),
        (["--end=4"], [], COUNT),
        (["--max_frames=3"], ["--max_frames=5"], 5),
        (["--max_frames=3"], ["--end=2"], None),
        ([], ["--end=6"], None),
    ],
)
def test_a_run_that_came_to_its_end_goes_on_to_a_later_one(run, fake, first, then, count):
    before = run("--novideo", *first)
    result = run("--novideo", "--resume", *then)
    if count is None:
        assert result.status == 1
        assert "give a later end, or begin anew without --resume" in result.stderr
        assert xs(result) == xs(before)
    else:
        assert (result.status, xs(result)) == (0, [10 + i for i in range(count)])
        again = run("--novideo", "--resume", *then)
        assert (again.status, xs(again)) == (0, xs(result))
        assert "there is nothing to resume" in again.stderr


def test_without_a_run_before_it_begins_at_the_start(run, fake):
    result = run("--novideo", "--resume")
    assert result.status == 0
    assert "there is no run in" in result.stderr
    assert len(result.rows()) == COUNT
    assert "resumed" not in result.summary
    (result.out / "summary.json").unlink()
    result = run("--novideo", "--resume")
    assert result.status == 1
    assert "has boxes.csv but no summary.json" in result.stderr
    assert len(result.rows()) == COUNT


def test_a_run_without_rows_begins_anew(run, fake):
    fake(fail_at=12, error=KeyboardInterrupt())
    stopped = run("--novideo")
    assert stopped.status == 130
    (stopped.out / "boxes.csv").unlink()
    fake()
    result = run("--novideo", "--resume")
    assert result.status == 0
    assert "has no frame that is kept: this one begins at the start" in result.stderr
    assert len(result.rows()) == COUNT


def test_a_run_that_broke_off_goes_on_once_its_input_is_whole(run, fake, folder):
    (folder / "6.png").write_bytes(b"")
    fake(fail_at=14, error=OSError(28, "No space left on device"))
    assert run("--novideo").status == 1
    fake()
    Image.fromarray(np.asarray(scene(6))).save(folder / "6.png")
    result = run("--novideo", "--resume")
    assert (result.status, len(result.rows())) == (0, COUNT)
