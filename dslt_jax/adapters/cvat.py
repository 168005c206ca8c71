"""CVAT's annotations of a video ("CVAT for video 1.1"), out to be corrected, and back in.

Source of the format: docs.cvat.ai, "XML annotation format". A track has boxes at keyframes, between
which CVAT draws straight lines; an `outside` one hides the target from there on. Few keyframes make
a track that people can correct, so only those are written that the lines need.
"""

import re
import xml.etree.ElementTree as xml
from pathlib import Path

import numpy as np

from dslt_jax.app.tracks import MOST_FRAMES, Track, Tracks, TracksError, keyframes
from dslt_jax.boxes import from_corners
from dslt_jax.stand_ins import stand_in

EDGES = ("xtl", "ytl", "xbr", "ybr")
# Characters that XML does not have, not even escaped.
FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
LABEL = "object"  # of targets without a name that says what they are


def write(tracks: Tracks, *, label: str | None = None, tolerance: float = 1.0) -> str:
    """Returns the file's text; the task in CVAT must have its labels.

    Args:
      label: of all targets; None takes each target's name, and `LABEL` for numbers.
      tolerance: pixels by which a box's edge may lie beside the line between keyframes.

    Raises:
      TracksError: the frame's size is not known.
    """
    tracks, end = tracks.clipped(), tracks.length
    behind = end + tracks.goes_on  # there a box must be taken away, too
    assert tracks.size is not None
    root = xml.Element("annotations")
    _text(root, "version", "1.1")
    task = xml.SubElement(xml.SubElement(root, "meta"), "task")
    for name, text in (("name", tracks.video), ("size", end), ("mode", "interpolation")):
        _text(task, name, text)
    labels = xml.SubElement(task, "labels")
    for name in dict.fromkeys(label_of(track, label) for track in tracks.tracks):
        _text(xml.SubElement(labels, "label"), "name", name)
    size = xml.SubElement(task, "original_size")
    _text(size, "width", tracks.size[0])
    _text(size, "height", tracks.size[1])
    for number, track in enumerate(tracks.tracks):
        attributes = {"id": str(number), "label": label_of(track, label), "source": "auto"}
        parent = xml.SubElement(root, "track", attributes)
        for run in track.runs():
            for i in keyframes(track, run, tolerance):
                _box(parent, track.frames[i], track.boxes[i], outside=False)
            last = run.stop - 1
            if track.frames[last] + 1 < behind:
                _box(parent, track.frames[last] + 1, track.boxes[last], outside=True)
    xml.indent(root)
    text = FORBIDDEN.sub("?", xml.tostring(root, encoding="unicode"))
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _refuse_stand_in(path: Path) -> None:
    if says := stand_in(path):
        raise TracksError(f"{path} {says}") from None


def read(path: Path) -> Tracks:
    """Returns the tracks of an annotations.xml, a box in every frame where a target is seen.

    Raises:
      TracksError: it is no such file, or has no box of a track.
    """
    try:
        root = xml.parse(path).getroot()
    except OSError as error:
        raise TracksError(f"cannot read {path}: {error.strerror}") from None
    except (xml.ParseError, LookupError, ValueError) as error:  # no such encoding; of many bytes
        _refuse_stand_in(path)
        raise TracksError(f"{path} is no XML: {error}") from None
    count = root.findtext("./meta/*/size")
    try:
        end = int(count or 0)
        found = [_read(element, end) for element in root.iter("track")]
        size = [int(text) for name in ("width", "height") if (text := root.findtext(f".//{name}"))]
    except (KeyError, ValueError) as error:
        raise TracksError(f"{path} is no 'CVAT for video 1.1' file: {error}") from None
    tracks = [track for track in found if track is not None]
    if not tracks:
        _refuse_stand_in(path)
        raise TracksError(f"{path} has no track with boxes: is it a 'CVAT for video 1.1' file?")
    names = [track.name for track in tracks]
    tracks = [track._replace(name=_distinct(i, names)) for i, track in enumerate(tracks)]
    video = root.findtext("./meta/*/name") or path.stem
    return Tracks(tracks, video, (size[0], size[1]) if len(size) == 2 else None, end or None)


def label_of(track: Track, label: str | None) -> str:
    """Returns what is written as the label of a target."""
    return label or (LABEL if not track.name or track.name.isdigit() else track.name)


def _distinct(place: int, names: list[str]) -> str:
    """The name at a place, with its number behind it where others have it too."""
    name, others = names[place], {*names[:place], *names[place + 1 :]}
    while name in others:
        name = f"{name}_{place + 1}"
    return name


def _read(element: xml.Element, end: int) -> Track | None:
    """The track of an element, `end` frames at most; None where it is never seen."""
    keys = {int(box.attrib["frame"]): box for box in element.iter("box")}
    if not keys:
        return None
    at = sorted(keys)
    if at[0] < 0 or max(at[-1], end) > MOST_FRAMES:
        raise ValueError(f"its frames are not within 0 and {MOST_FRAMES}")
    hidden = np.array([keys[frame].get("outside") == "1" for frame in at])
    edges = np.array([[float(keys[frame].attrib[name]) for name in EDGES] for frame in at])
    if not np.isfinite(edges).all():
        raise ValueError("the edges of its boxes are not all numbers")
    turned = ~hidden & (edges[:, 2:] <= edges[:, :2]).any(axis=1)
    if turned.any():
        frame = at[int(np.argmax(turned))]
        raise ValueError(
            f"its box in frame {frame} has no size: xbr and ybr must be beyond xtl, ytl"
        )
    frames = np.arange(at[0], max(at[-1] + 1, end))
    frames = frames[~hidden[np.searchsorted(at, frames, side="right") - 1]]
    lines = np.stack([np.interp(frames, at, edge) for edge in edges.T], axis=-1)
    name, seen = element.get("label") or LABEL, np.ones(len(frames))
    return Track(name, frames, from_corners(lines), seen, seen == 0) if len(frames) else None


def _box(parent: xml.Element, frame: int, box: np.ndarray, *, outside: bool) -> None:
    x, y, w, h = box
    edges = zip(EDGES, (x, y, x + w, y + h), strict=True)
    attributes = {"frame": str(frame), "keyframe": "1", "outside": str(int(outside))}
    attributes |= {"occluded": "0", **{name: f"{value:.2f}" for name, value in edges}}
    xml.SubElement(parent, "box", {**attributes, "z_order": "0"})


def _text(parent: xml.Element, name: str, text: object) -> None:
    xml.SubElement(parent, name).text = str(text)
