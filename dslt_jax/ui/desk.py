"""What the page does: opens a video, has targets followed, keeps boxes. One user, one video."""

import itertools
import queue
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dslt_jax.app.spec import Spec
from dslt_jax.media.source import Source
from dslt_jax.ui import kept, requests
from dslt_jax.ui.book import Book
from dslt_jax.ui.clip import Clip, Live, image_of, jpeg, open_clip, size_of
from dslt_jax.ui.drawing import Drawing
from dslt_jax.ui.inputs import Inputs
from dslt_jax.ui.job import Job, Sessions
from dslt_jax.ui.pushed import Pushed
from dslt_jax.ui.requests import RequestError


class Opened(NamedTuple):
    """A video that is open, and what is known of it."""

    number: int
    key: str  # among the inputs; "" for the browser's camera
    name: str
    source: Source
    clip: Clip | Live
    book: Book
    kept: kept.Kept


class Desk:
    """All methods may be called by any thread; those that refuse raise an error with a sentence.

    Args:
      inputs: what may be opened; output: where boxes are kept; spec: the tracker to begin with.
    """

    def __init__(self, inputs: Inputs, output: Path, spec: Spec):
        self.inputs, self.spec, self.begun = inputs, spec, spec
        self._output = output
        self._opened: Opened | None = None
        self._job: Job | None = None
        self._drawing: Drawing | None = None
        self._pushed: Pushed | None = None
        self._problem = ""
        self._change = threading.Condition()
        self._version = 0
        self._looked = time.monotonic()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()  # of what opens and starts
        self._sessions = Sessions()
        self._warming = 0
        self._tasks: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._worker = threading.Thread(target=self._work, name="dslt-page", daemon=True)
        self._worker.start()

    def open(self, key: str) -> None:
        """Opens an input in place of the one before."""
        self.show(self.inputs.open(key), key)

    def tell(self, problem: str) -> None:
        """Has the page show a problem, until something is opened or followed."""
        self._problem = problem
        self._changed()

    def open_camera(self) -> None:
        """Opens the browser's camera, whose pictures come by `push`; raises FramesError."""
        self._pushed = Pushed()
        self.show(self._pushed.source)

    def push(self, jpeg: bytes) -> None:
        """Takes a picture of the browser's camera; raises FramesError where it is none."""
        if self._pushed is None:
            raise RequestError("the browser's camera is not open")
        self._pushed.put(jpeg)

    def show(self, source: Source, key: str = "") -> None:
        """Opens a source in place of the one before; raises FramesError."""
        clip = open_clip(source)
        with self._lock:
            self._close()
            name = source.name
            self._opened = Opened(
                next(self._numbers), key, name, source, clip, Book(), kept.Kept(self._output, name)
            )
            self._job, self._drawing, self._problem = None, None, ""
        self.warm(self.spec)

    def warm(self, spec: Spec) -> None:
        """Compiles what a tracker needs for one target, while a box is dragged."""
        if (opened := self._opened) is None:
            return
        width, height = opened.clip.size
        self._warming += 1

        def compile_now() -> None:
            try:
                if self._opened is opened:
                    box = np.array([width, height, width, height]) * [0.4, 0.4, 0.2, 0.2]
                    blank = np.zeros((height, width, 3), np.uint8)
                    self._sessions.get(spec).warm_up(blank, box)
            except Exception:
                pass  # following says it
            finally:
                self._warming -= 1
                self._changed()

        self._tasks.put(compile_now)
        self._changed()

    def track(self, asked: Mapping[str, Any]) -> None:
        """Follows targets from a frame on; see `requests.tracking`."""
        opened = self._need()
        frame = opened.clip.frame(requests.frame_of(asked))  # it may have a size of its own
        wanted = requests.tracking(asked, self.spec, self.begun, size_of(frame))
        with self._lock:
            if self._job is not None:
                self._job.stop()
            self.spec, self._problem = wanted.spec, ""
            self._undraw(opened)
            beside = []
            if opened.clip.live:  # its frames are gone afterwards: they are drawn at once
                beside = [opened.kept.camera_overlay(list(wanted.boxes), opened.source.fps)]
            job = Job(
                opened.clip,
                wanted.spec,
                wanted.frame,
                wanted.boxes,
                opened.book,
                sinks=beside,
                changed=self._changed,
                keep=lambda status, now: self._keep(opened, wanted.spec, status, now),
                looked=lambda: self._looked,
            )
            self._job = job
        self._tasks.put(lambda: job.run(self._sessions))
        self._changed()

    def stop(self) -> None:
        """Ends following and drawing; what is done stays."""
        if self._job is not None:
            self._job.stop()
        if self._drawing is not None:
            self._drawing.stop()

    def forget(self, asked: Mapping[str, Any]) -> None:
        """Removes a target, or all, from a frame on; see `requests.forgetting`."""
        opened = self._need()
        frame, target = requests.forgetting(asked)
        if self._job is not None and self._job.running:
            raise RequestError("the target is being followed: stop first")
        opened.book.forget(frame, target)
        self._undraw(opened)
        opened.kept.save(opened.book, self.spec, "interrupted")
        self._changed()

    def draw(self) -> None:
        """Draws the overlay video of a file, behind everything else."""
        opened = self._need()
        if isinstance(opened.clip, Live):
            raise RequestError("the overlay of a camera is there when following has ended")
        if not opened.book.targets():
            raise RequestError("there are no boxes to draw: follow something first")
        self._drawing = Drawing(opened.book, opened.clip, opened.kept, self.spec, self._changed)

    def _undraw(self, opened: Opened) -> None:
        """Takes the overlay of a file away, as its boxes are others now; a camera's stays."""
        if self._drawing is not None:
            self._drawing.stop()
        self._drawing = None
        if not opened.clip.live:
            opened.kept.undraw()

    def picture(self, number: int | None) -> tuple[int, bytes, tuple[int, int]]:
        """Returns a frame's number, a JPEG of it, its width and height; None: a camera's newest."""
        opened, job = self._need(), self._job
        record = job.records.get(number) if job is not None and number is not None else None
        if record is not None:
            image = record.image
            opened.clip.looked_at(record.frame)
        else:
            frame = opened.clip.frame(number)
            number, image = frame.index, image_of(frame)
        return number or 0, jpeg(image), (image.shape[1], image.shape[0])

    def response(self, frame: int, target: str) -> dict[str, Any]:
        """Returns a response map and where it lies; side 0 where there is none."""
        row = self._need().book.row(frame)
        cell = row.cells.get(target) if row else None
        if cell is None or cell.response is None:
            return {"side": 0}
        values = cell.response.ravel().tolist()
        return {"side": cell.response.shape[0], "values": values, "search_box": cell.search_box}

    def file(self, name: str) -> Path:
        """Returns a file of the run, by its name alone."""
        if (path := self._need().kept.file(name)) is None:
            raise RequestError(f"there is no file {name}")
        return path

    def state(self, number: int, since: int, version: int, seconds: float) -> dict[str, Any]:
        """Returns what the page shows, once it differs from `version` or the time is over.

        Args:
          number: of the video that the page knows; since: the version of its rows there.
        """
        self._looked = time.monotonic()
        with self._change:
            self._change.wait_for(lambda: self._version != version, seconds)
            version = self._version
        self._looked = time.monotonic()
        opened, job, drawing = self._opened, self._job, self._drawing
        return {
            "version": version,
            "input": opened
            and requests.of_input(opened.number, opened.key, opened.name, opened.clip),
            "job": job and requests.of_job(job),
            "warming": self._warming > 0,
            "drawing": drawing and drawing.state(),
            "problem": self._problem,
            **requests.of_rows(opened and opened.book, since if _is(opened, number) else 0),
            "files": opened.kept.names() if opened else [],
            "folder": str(self._output),
        }

    def close(self) -> None:
        """Keeps what is done, and waits until what is running has ended; a compilation cannot."""
        with self._lock:
            self._close()
            self._opened = None
        self._tasks.put(None)
        self._worker.join()

    def _close(self) -> None:
        self.stop()
        if self._opened is not None:
            self._tasks.put(self._opened.clip.close)

    def _need(self) -> Opened:
        if self._opened is None:
            raise RequestError("no video is open: choose one")
        return self._opened

    def _keep(self, opened: Opened, spec: Spec, status: str, now: bool) -> None:
        try:
            opened.kept.save(opened.book, spec, status, now=now)
        except OSError as error:
            self._problem = f"the boxes cannot be kept in {self._output}: {error.strerror}"

    def _changed(self) -> None:
        with self._change:
            self._version += 1
            self._change.notify_all()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()


def _is(opened: Opened | None, number: int) -> bool:
    return opened is not None and opened.number == number
