"""A page in the browser: drag a box, watch it followed, correct it, take the boxes home.

from dslt_jax import ui

ui.show("clip.mp4")     # in a notebook, Colab's too; `dslt ui clip.mp4` is the same outside
"""

from dslt_jax.ui.launch import show

__all__ = ["show"]
