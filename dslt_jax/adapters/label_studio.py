"""Label Studio's tasks with boxes in a video, as predictions that people accept or correct.

Source of the format: labelstud.io, "VideoRectangle". Frames count from 1, boxes are percent of the
frame, and between two entries of a sequence the box moves along a straight line; one that is not
`enabled` ends it.
"""

import json
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from dslt_jax.adapters.cvat import label_of
from dslt_jax.app.tracks import Track, Tracks, TracksError, keyframes
from dslt_jax.version import __version__


def write(
    tracks: Tracks, *, label: str | None = None, tolerance: float = 1.0, url: str | None = None
) -> str:
    """Returns the JSON to import.

    Args:
      label, tolerance: as of `cvat.write`.
      url: where Label Studio finds the video; None is its local files' address of that name.

    Raises:
      TracksError: there is no track, or the frame's size or the frames a second are not known.
    """
    tracks = tracks.clipped()
    if not tracks.fps:
        raise TracksError("the frames a second are not known here: --fps NUMBER")
    if not tracks.tracks:
        raise TracksError("there is no track to write")
    confidence = np.concatenate([track.confidence[~track.lost] for track in tracks.tracks])
    prediction = {
        "model_version": f"dslt_jax {__version__}",
        "score": round(float(np.clip(confidence, 0, 1).mean()), 4) if len(confidence) else 0.0,
        "result": [
            _region(number, track, tracks, label_of(track, label), tolerance)
            for number, track in enumerate(tracks.tracks, start=1)
            if not track.lost.all()
        ],
    }
    video = url or f"/data/local-files/?d={tracks.video}"
    return json.dumps([{"data": {"video": video}, "predictions": [prediction]}], indent=1) + "\n"


def config(tracks: Tracks, *, label: str | None = None) -> str:
    """Returns the labelling interface that the tasks are for."""
    labels = dict.fromkeys(label_of(track, label) for track in tracks.tracks)
    choices = "".join(f"<Label value={quoteattr(name)}/>" for name in labels)
    return (
        f'<View><Labels name="label" toName="video">{choices}</Labels>'
        f'<Video name="video" value="$video" framerate="{tracks.fps:g}"/>'
        '<VideoRectangle name="box" toName="video"/></View>'
    )


def _region(
    number: int, track: Track, tracks: Tracks, label: str, tolerance: float
) -> dict[str, Any]:
    assert tracks.size is not None and tracks.fps
    sequence = []
    percent = 100 * track.boxes / np.tile(tracks.size, 2)
    for run in track.runs():
        for i in keyframes(track, run, tolerance):
            frame = int(track.frames[i]) + 1
            x, y, width, height = (round(float(value), 4) for value in percent[i])
            box = {"x": x, "y": y, "width": width, "height": height, "rotation": 0}
            ends = i == run.stop - 1 and frame < tracks.length + tracks.goes_on
            # The end of the frame. Where the rate varies, only the frames' own times are right.
            end = frame / tracks.fps if track.times is None else track.times[i] + 1 / tracks.fps
            time = round(float(end), 6)
            sequence.append({"frame": frame, "time": time, "enabled": not ends, **box})
    about = {"framesCount": tracks.length, "duration": round(tracks.length / tracks.fps, 6)}
    value = {**about, "sequence": sequence, "labels": [label]}
    names = {"from_name": "box", "to_name": "video", "type": "videorectangle"}
    return {"id": f"track_{number}", **names, "value": value}
