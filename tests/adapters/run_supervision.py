"""supervision with our tracker: python run_supervision.py FRAMES.npy (BGR); prints JSON."""

import json
import sys

import numpy as np
import supervision as sv

from dslt_jax.adapters.supervision import Tracker

if __name__ == "__main__":
    frames = np.load(sys.argv[1])
    tracker = Tracker("mosse")
    assert len(tracker.update(frames[0])) == 0  # before a start
    boxes = np.array([[40, 30, 64, 50], [90, 60, 120, 90]], float)
    started = tracker.start(frames[0], sv.Detections(boxes, class_id=np.array([5, 7])))
    rows = [started, *(tracker.update(frame) for frame in frames[1:])]
    picture = sv.BoxAnnotator().annotate(frames[-1].copy(), rows[-1])
    picture = sv.TraceAnnotator().annotate(picture, rows[-1])
    assert (picture != frames[-1]).any()
    again = tracker.start(frames[0], boxes[0])
    tracker.reset()
    anew = tracker.start(frames[0], boxes[0])
    strict = Tracker("mosse", ["lost=1e6"])
    strict.start(frames[0], boxes)
    lost = strict.update(frames[1])
    try:
        tracker.start(frames[0], sv.Detections.empty())
    except ValueError as error:
        refused = str(error)
    try:
        tracker.start(frames[0], np.array([[5, 5, 60, 70, 2, 0], [62, 42, 90, 72, 100, 100]]))
    except ValueError as error:
        refused += str(error)
    told = {
        "xyxy": [row.xyxy.tolist() for row in rows],
        "ids": [row.tracker_id.tolist() for row in rows],
        "classes": rows[-1].class_id.tolist(),
        "confidence": rows[-1].confidence.tolist(),
        "starts": [again.tracker_id.tolist(), anew.tracker_id.tolist()],
        "lost": len(lost),
        "refused": refused,
    }
    print(json.dumps(told))
