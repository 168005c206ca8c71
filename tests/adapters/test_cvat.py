"""CVAT's annotations of a video, by the rules of its format, and read back."""

import xml.etree.ElementTree as xml

import numpy as np
import pytest
import some_tracks

from dslt_jax.adapters import cvat
from dslt_jax.app.tracks import TracksError


def parts(text):
    return {
        track.get("label"): [
            (int(box.get("frame")), box.get("outside") == "1") for box in track.iter("box")
        ]
        for track in xml.fromstring(text).iter("track")
    }


def test_keyframes_are_where_the_line_bends_and_where_it_is_lost_or_ends():
    text = cvat.write(some_tracks.tracks(), tolerance=0.1)
    # It moves straight, is lost, comes back, stops; and the other one leaves before the end.
    left = [(0, False), (9, False), (10, True), (15, False), (20, False), (39, False)]
    assert parts(text) == {"left": left, "object": [(4, False), (9, False), (10, True)]}


def test_the_task_and_the_numbers():
    root = xml.fromstring(cvat.write(some_tracks.tracks(), label="car"))
    assert root.findtext("version") == "1.1"
    task = root.find("meta/task")
    assert (task.findtext("size"), task.findtext("mode")) == ("40", "interpolation")
    assert (task.findtext("original_size/width"), task.findtext("name")) == ("160", "clip.mp4")
    assert [label.findtext("name") for label in task.iter("label")] == ["car"]
    box = root.findall("track")[1].find("box")
    assert [box.get(name) for name in cvat.EDGES] == ["0.00", "60.00", "16.00", "120.00"]  # cut


@pytest.mark.parametrize("tolerance", [0.0, 1.0])
def test_it_is_read_back_within_the_tolerance(tmp_path, tolerance):
    written = some_tracks.tracks().clipped()
    (tmp_path / "cvat.xml").write_text(cvat.write(written, tolerance=tolerance))
    found = cvat.read(tmp_path / "cvat.xml")
    assert (found.video, found.size, found.total) == ("clip.mp4", (160, 120), 40)
    for theirs, ours in zip(found.tracks, written.tracks, strict=True):
        np.testing.assert_array_equal(theirs.frames, ours.frames[~ours.lost])
        np.testing.assert_allclose(theirs.boxes, ours.boxes[~ours.lost], atol=2 * tolerance + 0.01)


def test_a_track_of_a_labeller_goes_on_to_the_end(tmp_path):
    box = '<box frame="{}" keyframe="1" outside="{}" xtl="{}" ytl="2" xbr="9" ybr="8"/>'
    one = box.format(2, 0, 4) + box.format(6, 0, 8)
    none = box.format(0, 1, 0)
    path = tmp_path / "a.xml"
    path.write_text(
        "<annotations><meta><job><size>9</size></job></meta>"
        f'<track label="car">{one}</track><track label="car">{one}</track>'
        f'<track label="car">{none}</track></annotations>'
    )
    first, second = cvat.read(path).tracks
    assert (first.name, second.name) == ("car_1", "car_2")
    np.testing.assert_array_equal(first.frames, np.arange(2, 9))
    np.testing.assert_allclose(first.boxes[:, 0], [4, 5, 6, 7, 8, 8, 8])


def test_targets_of_one_label_get_names_that_nothing_else_has(tmp_path):
    box = '<box frame="0" outside="0" xtl="1" ytl="2" xbr="9" ybr="8"/>'
    labels = ["car", "car", "car_1", "tree"]
    tracks = "".join(f'<track label="{label}">{box}</track>' for label in labels)
    (tmp_path / "a.xml").write_text(f"<annotations>{tracks}</annotations>")
    names = [track.name for track in cvat.read(tmp_path / "a.xml").tracks]
    assert names == ["car_1_1", "car_2", "car_1", "tree"]


def test_what_xml_has_no_character_for_is_replaced(tmp_path):
    tracks = some_tracks.tracks()._replace(video="a\x01b\ufffe.mp4")
    (tmp_path / "a.xml").write_text(cvat.write(tracks, label="<\x00>"))
    found = cvat.read(tmp_path / "a.xml")
    assert (found.video, found.tracks[0].name) == ("a?b?.mp4", "<?>_1")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no xml", "is no XML"),
        ("<annotations/>", "no track with boxes"),
        ('<annotations><track><box frame="0"/></track></annotations>', "is no 'CVAT for video"),
        (
            '<annotations><track><box frame="0" xtl="a" ytl="1" xbr="1" ybr="1"/></track>'
            "</annotations>",
            "is no 'CVAT for video",
        ),
        (
            '<annotations><track><box frame="0" xtl="inf" ytl="1" xbr="1" ybr="1"/></track>'
            "</annotations>",
            "edges of its boxes are not all numbers",
        ),
        (
            '<annotations><track><box frame="7" xtl="9" ytl="1" xbr="4" ybr="3"/></track>'
            "</annotations>",
            "its box in frame 7 has no size",
        ),
        ('<?xml version="1.0" encoding="no such"?><annotations/>', "is no XML"),
        ("version https://git-lfs.github.com/spec/v1", "a.xml is a pointer of Git LFS"),
        ("<!DOCTYPE html><html></html>", "a.xml is a web page, saved in place of the file"),
        ('<?xml version="1.0" encoding="utf-32"?><annotations/>', "is no XML"),
    ],
)
def test_what_is_no_such_file_is_told(tmp_path, text, says):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(TracksError, match=says):
        cvat.read(tmp_path / "a.xml")


def test_without_the_frames_size_it_is_told():
    for size in (None, (0, 480)):
        with pytest.raises(TracksError, match="--size WIDTHxHEIGHT"):
            cvat.write(some_tracks.tracks()._replace(size=size))
