"""Our trackers behind the interfaces of other tools, and their tracks in other tools' files.

opencv         what a program written for `cv2.TrackerCSRT` calls
got10k         a `Tracker` of the got10k toolkit
pytracking     `initialize` and `track`, as PyTracking's evaluation calls them
vot            the vot-toolkit's `protocol = python`
trax           the TraX protocol
supervision    `Detections` of supervision, with the habits of roboflow's trackers

mot            MOTChallenge's text, out and in
cvat           CVAT's annotations of a video, out and in
label_studio   Label Studio's predictions in a video

The first are thin files over `app.session.Session`, with `single` and `targets` in common; the
others are of `app.tracks`. What is installed beside us is imported only where it is needed.
"""
