"""What a notebook needs beside the library: a video, a box drawn on its frame, the result shown.

    source, box = notebook.open_video("clip.mp4")
    choice = notebook.choose_box(source, box)      drag the box, or type it
    run = notebook.track(source, choice.box)
    notebook.show(run.video)

In Colab, JupyterLab, Notebook and VS Code. Where nobody drags, as when a notebook is executed by a
program, the box is the one that was given. What goes wrong is a sentence, without a traceback.
"""

from dslt_jax.notebook.box import BoxChoice, choose_box
from dslt_jax.notebook.machine import NotebookError, device
from dslt_jax.notebook.video import Run, download, open_video, show, track

__all__ = [
    "BoxChoice",
    "NotebookError",
    "Run",
    "choose_box",
    "device",
    "download",
    "open_video",
    "show",
    "track",
]
