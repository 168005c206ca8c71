"""Label Studio's tasks, by the rules of their format."""

import json
import xml.etree.ElementTree as xml

import numpy as np
import pytest
import some_tracks

from dslt_jax.adapters import label_studio
from dslt_jax.app.tracks import TracksError


def test_a_prediction_with_the_boxes_in_percent():
    (task,) = json.loads(label_studio.write(some_tracks.tracks(), tolerance=0.1))
    assert task["data"] == {"video": "/data/local-files/?d=clip.mp4"}
    (prediction,) = task["predictions"]
    assert prediction["score"] == pytest.approx((35 * 0.9 + 6 * 0.8) / 41, abs=1e-4)
    left, other = prediction["result"]
    assert (left["type"], left["value"]["labels"]) == ("videorectangle", ["left"])
    assert (left["value"]["framesCount"], left["value"]["duration"]) == (40, 2.0)
    entries = [(entry["frame"], entry["enabled"]) for entry in left["value"]["sequence"]]
    # From frame 11 on it is lost, until frame 16.
    assert entries == [(1, True), (10, False), (16, True), (21, True), (40, True)]
    first, second = other["value"]["sequence"]
    assert first == {
        "frame": 5,
        "time": 0.25,
        "enabled": True,
        "x": 0.0,
        "y": 50.0,
        "width": 10.0,
        "height": 50.0,
        "rotation": 0,
    }
    assert (second["frame"], second["enabled"]) == (10, False)


def test_the_interface_has_what_the_results_name():
    tracks = some_tracks.tracks()
    view = xml.fromstring(label_studio.config(tracks, label='"car" & co'))
    assert view.find("Labels/Label").get("value") == '"car" & co'
    task = json.loads(label_studio.write(tracks, url="s3://videos/a.mp4"))[0]
    assert task["data"] == {view.find("Video").get("value")[1:]: "s3://videos/a.mp4"}
    for result in task["predictions"][0]["result"]:
        assert result["from_name"] == view.find("VideoRectangle").get("name")
        assert result["to_name"] == view.find("Video").get("name")


def test_what_it_must_know_is_told():
    with pytest.raises(TracksError, match="--fps NUMBER"):
        label_studio.write(some_tracks.tracks()._replace(fps=None))
    with pytest.raises(TracksError, match="--size"):
        label_studio.write(some_tracks.tracks()._replace(size=None))


def test_times_are_the_frames_own_where_the_rate_varies():
    tracks = some_tracks.tracks()
    times = np.arange(40) * 0.02 + 0.06 * (np.arange(40) > 9) * (np.arange(40) - 9)
    varying = [tracks.tracks[0]._replace(times=times)]
    (task,) = json.loads(label_studio.write(tracks._replace(tracks=varying), tolerance=0.1))
    sequence = task["predictions"][0]["result"][0]["value"]["sequence"]
    wanted = [times[entry["frame"] - 1] + 0.05 for entry in sequence]
    assert [entry["time"] for entry in sequence] == pytest.approx(wanted, abs=1e-6)
