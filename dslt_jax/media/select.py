"""A window in which to drag a box on a frame (tkinter, which most Pythons bring)."""

import contextlib
from typing import Any

from PIL import Image as PillowImage

from dslt_jax.media.source import Image

Box = tuple[float, float, float, float]

HELP = "Drag a box around the target, then press Enter. Escape leaves."


class SelectError(RuntimeError):
    """No window can be opened here; the text says why and what to do."""


def select_box(image: Image) -> Box | None:
    """Shows a frame in a window and returns the box (x, y, w, h) that is dragged on it.

    Args:
      image: (H, W, 3) uint8 RGB; one larger than the screen is shown smaller.

    Returns:
      The box in frame pixels, or None when the window is closed without one.

    Raises:
      SelectError: there is no display, or this Python has no tkinter.
    """
    try:
        import tkinter

        root = tkinter.Tk()
    except ImportError:
        raise SelectError(
            "--gui needs tkinter, which this Python lacks (on Debian: apt install python3-tk): "
            "pass --box x,y,w,h"
        ) from None
    except tkinter.TclError as error:
        raise SelectError(
            f"--gui needs a display, and there is none here ({error}): pass --box x,y,w,h, or "
            "`dslt ui`, whose page takes the box"
        ) from None
    try:
        window = Selection(root, image)
        root.mainloop()
        return window.box
    finally:
        with contextlib.suppress(tkinter.TclError):  # closed by the user
            root.destroy()


class Selection:
    """The window's content; `box` holds the answer once Enter was pressed."""

    def __init__(self, root: Any, image: Image):
        import tkinter

        from PIL import ImageTk

        height, width = image.shape[:2]
        room = min(0.9 * root.winfo_screenwidth() / width, 0.8 * root.winfo_screenheight() / height)
        # Small frames are enlarged by a whole number, as nobody can drag a box of 10 pixels well.
        self._zoom = min(room, max(1, 640 // max(width, height)))
        size = (max(1, round(width * self._zoom)), max(1, round(height * self._zoom)))
        self.box: Box | None = None
        self._root = root
        self._limits = size
        self._start = self._end = (0, 0)
        root.title("dslt track")
        tkinter.Label(root, text=HELP).pack()
        self._canvas = tkinter.Canvas(root, width=size[0], height=size[1], cursor="crosshair")
        self._canvas.pack()
        self._photo = ImageTk.PhotoImage(PillowImage.fromarray(image).resize(size), master=root)
        self._canvas.create_image(0, 0, image=self._photo, anchor="nw")
        self._shape = self._canvas.create_rectangle(0, 0, 0, 0, outline="#39ff78", width=2)
        self._canvas.bind("<ButtonPress-1>", self._press)
        self._canvas.bind("<B1-Motion>", self._drag)
        root.bind("<Return>", self._accept)
        root.bind("<Escape>", lambda event: root.quit())
        root.protocol("WM_DELETE_WINDOW", root.quit)
        root.lift()
        root.focus_force()

    def _press(self, event: Any) -> None:
        self._start = self._inside(event)
        self._drag(event)

    def _drag(self, event: Any) -> None:
        self._end = self._inside(event)
        self._canvas.coords(self._shape, *self._start, *self._end)

    def _inside(self, event: Any) -> tuple[int, int]:
        return (
            min(max(event.x, 0), self._limits[0]),
            min(max(event.y, 0), self._limits[1]),
        )

    def _accept(self, event: Any) -> None:
        left, right = sorted((self._start[0], self._end[0]))
        top, bottom = sorted((self._start[1], self._end[1]))
        if right > left and bottom > top:
            edges = (left, top, right - left, bottom - top)
            x, y, w, h = (edge / self._zoom for edge in edges)
            self.box = (x, y, w, h)
            self._root.quit()
