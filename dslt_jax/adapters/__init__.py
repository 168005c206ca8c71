"""Our trackers behind the interfaces of other tools; each module is one of them.

opencv       what a program written for `cv2.TrackerCSRT` calls
got10k       a `Tracker` of the got10k toolkit
pytracking   `initialize` and `track`, as PyTracking's evaluation calls them
vot          the vot-toolkit's `protocol = python`

Each is a thin file over `app.session.Session`; what is installed beside us is imported only where
its base class is needed.
"""
