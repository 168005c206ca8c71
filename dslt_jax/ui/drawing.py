"""The overlay of a file, drawn by a thread while the page goes on."""

import threading
from collections.abc import Callable
from typing import Any

from dslt_jax.app.spec import Spec
from dslt_jax.media.source import FramesError
from dslt_jax.ui.book import Book
from dslt_jax.ui.clip import Clip
from dslt_jax.ui.kept import Kept, draw_overlay


class Drawing:
    """Draws at once; see `kept.draw_overlay`.

    Args:
      changed: called when it has come further.
    """

    def __init__(self, book: Book, clip: Clip, kept: Kept, spec: Spec, changed: Callable[[], None]):
        self._book, self._clip, self._kept, self._spec = book, clip, kept, spec
        self._changed = changed
        self._done, self._total, self._text, self._name = 0, 0, "", ""
        self._stopped = False
        threading.Thread(target=self._run, name="dslt-page-overlay", daemon=True).start()

    def stop(self) -> None:
        self._stopped = True

    def state(self) -> dict[str, Any]:
        """Returns how far it is: the name is there at the end, a text if something went wrong."""
        state = {"done": self._done, "total": self._total}
        return state | {"text": self._text, "name": self._name}

    def _run(self) -> None:
        try:
            self._name = draw_overlay(
                self._book, self._clip, self._kept.folder, self._progress
            ).name
            self._kept.save(self._book, self._spec, "done")
        except FramesError as error:
            self._text = f"the overlay could not be drawn: {error}"
        except OSError as error:
            self._text = f"the overlay could not be written: {error.strerror or error}"
        finally:
            self._changed()

    def _progress(self, done: int, total: int) -> bool:
        self._done, self._total = done, total
        self._changed()
        return not self._stopped
