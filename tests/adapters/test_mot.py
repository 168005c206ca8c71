"""MOTChallenge's text, read by us and by the tools that score it."""

import json
import subprocess

import numpy as np
import pytest
import some_tracks
import toolkits

from dslt_jax.adapters import mot
from dslt_jax.app.tracks import TracksError


def test_a_line_a_box_and_none_where_it_is_lost():
    lines = mot.write(some_tracks.tracks()).splitlines()
    assert lines[0] == "1,1,10.000,20.000,30.000,24.000,0.9000,-1,-1,-1"
    assert lines[4:6] == [
        "5,1,18.000,24.000,30.000,26.000,0.9000,-1,-1,-1",
        "5,2,-4.000,60.000,20.000,70.000,0.8000,-1,-1,-1",
    ]
    assert len(lines) == 35 + 6
    assert not any(line.startswith(("11,1,", "15,1,")) for line in lines)
    assert mot.write(some_tracks.tracks(), origin=1).startswith("1,1,11.000,21.000,30.000,")


def test_it_is_read_back(tmp_path):
    written = some_tracks.tracks()
    (tmp_path / "clip.txt").write_text(mot.write(written, origin=1))
    found = mot.read(tmp_path / "clip.txt", origin=1)
    assert (found.video, [track.name for track in found.tracks]) == ("clip", ["1", "2"])
    for theirs, ours in zip(found.tracks, written.tracks, strict=True):
        np.testing.assert_array_equal(theirs.frames, ours.frames[~ours.lost])
        np.testing.assert_allclose(theirs.boxes, ours.boxes[~ours.lost], atol=1e-3)


def test_truth_leaves_out_what_it_does_not_count(tmp_path):
    path = tmp_path / "gt.txt"
    path.write_text("2 7 1 2 3 4 1 1 1\n1 7 1 2 3 4 0 1 1\n1 8 5 5 5 5\n")
    first, second = mot.read(path).tracks
    assert (first.name, list(first.frames), second.name) == ("7", [1], "8")


def test_a_found_box_stays_whatever_its_confidence(tmp_path):
    written = some_tracks.tracks()
    for track in written.tracks:
        track.confidence[:] = 1e-6
    (tmp_path / "clip.txt").write_text(mot.write(written))
    found = mot.read(tmp_path / "clip.txt")
    assert [len(track.frames) for track in found.tracks] == [35, 6]


def test_long_ids_stay_apart(tmp_path):
    (tmp_path / "gt.txt").write_text("1,1234567,2,3,4,5\n1,1234568,2,3,4,5\n")
    assert [track.name for track in mot.read(tmp_path / "gt.txt").tracks] == ["1234567", "1234568"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no line frame,id"),
        ("1,1,2,3,4,5\n1,2,3,4\n", "line 2 of .* is '1,2,3,4', not frame,id"),
        ("0,1,2,3,4,5\n", "with frames from 1"),
        ("10000001,1,2,3,4,5\n", "with frames from 1 to 10000000"),
        ("1,1,2,3,4,nan\n", "line 1"),
        ("1,1,2,3,4,5,nan\n", "line 1"),
        ("1,1,2,3,-4,5\n", "line 1 of .*, a box of no size"),
        ("1,1,2,3,4,5\n2,1,2,3,4,0\n", "line 2 of .*, a box of no size"),
        ("1,1,2,3,4,5\n1,1,2,3,4,6\n", "two boxes of target 1 in frame 1"),
        ("1,-1,2,3,4,5\n1,-1,2,3,4,6\n", r"has detections, which belong to no target \(id -1\)"),
        ("frame,id,x,y,w,h\n1,1,2,3,4,5\n", "line 1 of .* is a header, .*: remove it"),
        ("1,1,2,3,4,5,0\n2,1,2,3,4,5,0\n", "no box that counts: every confidence in it is 0"),
    ],
)
def test_what_is_no_mot_file_is_told(tmp_path, text, says):
    (tmp_path / "clip.txt").write_text(text)
    with pytest.raises(TracksError, match=says):
        mot.read(tmp_path / "clip.txt")


READERS = """
import json, sys
import motmetrics
from trackeval.datasets._base_dataset import _BaseDataset
frame = motmetrics.io.load_motchallenge(sys.argv[1])
numbers = frame[["X", "Y", "Width", "Height"]].values
boxes = [[*index, *row] for index, row in zip(frame.index, numbers)]
data, _ = _BaseDataset._load_simple_text_file(sys.argv[1])
rows = [[float(x) for x in row] for at in sorted(data, key=int) for row in data[at]]
print(json.dumps([boxes, rows]))
"""


def test_the_tools_that_score_it_read_it(tmp_path):
    if not toolkits.PYTHON.exists():
        pytest.skip("motmetrics and trackeval are not installed")
    (tmp_path / "clip.txt").write_text(mot.write(some_tracks.tracks(), origin=1))
    command = [toolkits.PYTHON, "-c", READERS, tmp_path / "clip.txt"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if "No module named" in done.stderr:
        pytest.skip("motmetrics and trackeval are not installed")
    assert done.returncode == 0, done.stderr
    boxes, rows = json.loads(done.stdout.splitlines()[-1])
    expected = np.array(
        [
            [frame + 1, number, *box]
            for number, track in enumerate(some_tracks.tracks().tracks, start=1)
            for frame, box, lost in zip(track.frames, track.boxes, track.lost, strict=True)
            if not lost
        ]
    )
    expected = expected[np.lexsort((expected[:, 1], expected[:, 0]))]
    np.testing.assert_allclose(boxes, expected, atol=1e-3)  # py-motmetrics counts from 0
    expected[:, 2:4] += 1
    np.testing.assert_allclose(np.array(rows)[:, :6], expected, atol=1e-3)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("20,40,28,24\n", r"is '20,40,28,24', x,y,w,h, as a truth .* number its lines first"),
        ("nan,nan,nan,nan\n", "as a truth of one target has it"),
        ("version https://git-lfs.github.com/spec/v1\noid", "a.txt is a pointer of Git LFS"),
    ],
)
def test_what_looks_like_another_file_is_told(tmp_path, text, says):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(TracksError, match=says):
        mot.read(tmp_path / "a.txt")
