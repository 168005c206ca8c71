import itertools

import numpy as np
import pytest

from dslt_jax.app import resume
from dslt_jax.app.sinks import HEADER
from dslt_jax.media.source import DamagedFrame, Frame


def row(index, lost=0, x=1.0):
    return f"{index},{x:.3f},2.000,30.000,40.000,0.5000,{int(lost)},12.30,{index / 25:.3f}"


def write(path, rows, tail=""):
    path.write_text("".join(f"{line}\n" for line in [HEADER, *rows]) + tail)


def test_rows_are_kept_up_to_the_last_in_which_the_target_was_followed(tmp_path):
    rows = [row(i, lost=i in (2, 5, 6), x=i) for i in range(7)]
    write(tmp_path / "boxes.csv", rows)
    kept = resume.read(tmp_path, [""], {"files": []})
    assert kept.rows == {"": rows[:5]}
    assert (kept.frame, kept.count, kept.lost, kept.lost_now) == (4, 5, {"": 1}, [])
    assert kept.boxes.tolist() == [[4, 2, 30, 40]]


def test_all_targets_have_as_many_rows(tmp_path):
    write(tmp_path / "boxes_cat.csv", [row(i + 3) for i in range(6)])
    write(tmp_path / "boxes_dog.csv.part", [row(i + 3, lost=1, x=9) for i in range(4)])
    kept = resume.read(tmp_path, ["cat", "dog"], {})
    assert (kept.frame, kept.count, kept.lost_now) == (6, 4, ["dog"])
    assert kept.boxes[:, 0].tolist() == [1, 9]


@pytest.mark.parametrize(
    "tail", ["3,1.000,2.0", row(3), "\0" * 90 + "\n", row(7) + "\n", "nonsense\n" + row(3) + "\n"]
)
def test_a_torn_row_is_not_kept(tmp_path, tail):
    write(tmp_path / "boxes.csv.part", [row(i) for i in range(3)], tail)
    assert resume.read(tmp_path, [""], {}).count == 3


def test_the_longer_one_of_a_table_and_its_part_is_kept(tmp_path):
    write(tmp_path / "boxes.csv", [row(i) for i in range(3)])
    write(tmp_path / "boxes.csv.part", [row(i) for i in range(5)])
    assert resume.read(tmp_path, [""], {}).count == 5
    write(tmp_path / "boxes.csv.part", [row(i) for i in range(2)])
    assert resume.read(tmp_path, [""], {}).count == 3


def test_a_table_that_somebody_has_changed_is_not_thrown_away(tmp_path):
    rows = [row(i) for i in range(4)]
    write(tmp_path / "boxes.csv", [line.replace(".000,", ",") for line in rows])
    assert resume.read(tmp_path, [""], {}).count == 4  # as a spreadsheet writes numbers
    write(tmp_path / "boxes.csv", [*rows[:2], "mine", *rows[2:]])
    with pytest.raises(resume.ResumeError, match=r"boxes\.csv, line 4, 'mine', is not the row"):
        resume.read(tmp_path, [""], {})


def test_a_target_whose_table_is_gone_does_not_cost_the_others_theirs(tmp_path):
    write(tmp_path / "boxes_cat.csv", [row(i) for i in range(6)])
    with pytest.raises(
        resume.ResumeError, match=r"6 rows of target cat, but boxes_dog\.csv has none"
    ):
        resume.read(tmp_path, ["cat", "dog"], {})


def test_nothing_to_keep(tmp_path):
    assert resume.read(tmp_path, [""], {}) is None
    (tmp_path / "boxes.csv.part").write_text(HEADER)
    assert resume.read(tmp_path, [""], {}) is None


def test_a_table_of_another_version(tmp_path):
    (tmp_path / "boxes.csv").write_text("frame,x,y,w,h\n0,1,2,3,4\n")
    with pytest.raises(resume.ResumeError, match="the columns frame,x,y,w,h of another"):
        resume.read(tmp_path, [""], {})


def test_what_was_asked_for_must_be_the_same():
    asked = {"seed": 1, "config": {"loss": {"a": 10.0}, "rate": 1}, "start_image": "abc"}
    resume.check(asked | {"status": "running"}, asked)
    with pytest.raises(resume.ResumeError) as error:
        resume.check(
            asked, {"seed": 2, "config": {"loss": {"a": 8.0}, "rate": 1}, "start_image": 0}
        )
    assert str(error.value).endswith(
        "another: seed was 1, now 2; config.loss.a was 10.0, now 8.0; "
        "its start frame is another picture"
    )
    with pytest.raises(resume.ResumeError, match="of an older version"):
        resume.check({"seed": 1}, asked)


def test_another_path_to_the_input_is_the_same_input(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.mp4").symlink_to("clip.mp4")
    before = {"input": "clip.mp4", "start_image": "abc"}
    for name in ("clip.mp4", "./clip.mp4", f"{tmp_path}/clip.mp4", "link.mp4"):
        resume.check(before, before | {"input": name})
    with pytest.raises(resume.ResumeError, match=r"input was clip\.mp4, now other\.mp4"):
        resume.check(before, before | {"input": "other.mp4"})


def test_going_on_begins_in_the_last_kept_frame_with_its_box_cut_to_it():
    kept = resume.Kept({"": [row(3), row(4)]}, {})
    image = np.zeros((36, 25, 3), np.uint8)
    frames = (Frame(i, "", image, 0.0) for i in itertools.count(3))
    rest, boxes = resume.go_on(kept, frames)
    assert [frame.index for frame in itertools.islice(rest, 3)] == [4, 5, 6]
    assert boxes.tolist() == [[1, 2, 24, 34]]


def test_the_last_kept_frame_must_be_there_and_readable():
    kept = resume.Kept({"": [row(3), row(4)]}, {})
    for frames in ([], [Frame(4, "", DamagedFrame("bad"), 0.0)]):
        with pytest.raises(resume.ResumeError, match="frame 4, the last of the run before, cannot"):
            resume.go_on(kept, iter(frames))
    with pytest.raises(resume.ResumeError, match="end with 3 now, the run before came to 4"):
        resume.go_on(kept, iter([Frame(3, "", np.zeros((36, 25, 3), np.uint8), 0.0)]))
