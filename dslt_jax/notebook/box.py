"""A box on the first frame of a video: dragged in the notebook, or typed."""

import contextlib
import uuid
from typing import Any

from dslt_jax.cli.box_check import settle_box
from dslt_jax.cli.box_text import Box, parse_box
from dslt_jax.media.frames import DamagedFrame, FramesError, Image, Source
from dslt_jax.notebook.machine import NotebookError, in_colab, sentences
from dslt_jax.notebook.page import box_page


class BoxChoice:
    """A frame on which a box is dragged, or typed beneath it; `box` is what was chosen last.

    Args:
      image: (H, W, 3) uint8 RGB.
      box: x, y, w, h in frame pixels to begin with, or None.
    """

    def __init__(self, image: Image, box: Any = None):
        self._image = image
        self._name = f"dslt-box-{uuid.uuid4().hex[:8]}"
        self._text = ""
        self._field: Any = None  # where it is typed
        if box is not None:
            self.box = box

    @property
    def box(self) -> Box:
        """x, y, w, h in frame pixels; set it to four numbers, or to text as of `dslt track --box`.

        Raises:
          NotebookError: there is none yet, or it is not on the frame.
        """
        text = self._text if self._field is None else self._field.value
        if not text.strip():
            raise NotebookError(
                "there is no box yet: drag one on the frame above and run this cell again, or "
                "write choice.box = x, y, w, h"
            )
        return self._settle(text)

    @box.setter
    def box(self, value: Any) -> None:
        text = value if isinstance(value, str) else ",".join(f"{float(v):g}" for v in value)
        self._settle(text)
        self._take(text)

    @sentences()
    def _settle(self, text: str) -> Box:
        height, width = self._image.shape[:2]
        return settle_box(parse_box(text, "the box"), width, height, 1.0)[0]

    def _take(self, text: str) -> None:
        self._text = text
        if self._field is not None:
            self._field.value = text

    def _repr_html_(self) -> str:
        return box_page(self._image, self._name, self.box if self._text else None)

    def _ipython_display_(self) -> None:
        from IPython.display import HTML, display

        if in_colab():
            from google.colab import output

            output.register_callback(self._name, self._take)
        display(HTML(self._repr_html_()))
        with contextlib.suppress(ImportError):
            import ipywidgets

            self._field = ipywidgets.Text(self._text, description="x,y,w,h")
            self._field.add_class(f"{self._name}-text")
            display(self._field)


@sentences()
def choose_box(source: Source, box: Any = None) -> BoxChoice:
    """Returns the first frame to drag the target's box on; the last line of a cell shows it.

    Args:
      source: of `open_video`.
      box: x, y, w, h in frame pixels to begin with, or None.

    Raises:
      NotebookError: the first frame cannot be read, or the box is not on it.
    """
    with contextlib.closing(iter(source)) as frames:
        first = next(frames, None)
    if first is None:
        raise FramesError("there are no frames")
    if isinstance(first.image, DamagedFrame):
        raise FramesError(f"the first frame cannot be read: {first.image.reason}")
    return BoxChoice(first.image, box)
