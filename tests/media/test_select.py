import ast
import builtins
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from dslt_jax.media import select

FRAME = np.full((96, 128, 3), 90, np.uint8)


def test_no_display_is_said(monkeypatch):
    tkinter = pytest.importorskip("tkinter", reason="this Python was built without tkinter")

    def no_display():
        raise tkinter.TclError("no display name and no $DISPLAY environment variable")

    monkeypatch.setattr(tkinter, "Tk", no_display)
    with pytest.raises(select.SelectError, match=r"needs a display, .* here .*--box"):
        select.select_box(FRAME)


def test_no_tkinter_is_said(monkeypatch):
    real_import = builtins.__import__

    def refuse(name, *args, **options):
        if name == "tkinter":
            raise ImportError(name)
        return real_import(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(select.SelectError, match="needs tkinter"):
        select.select_box(FRAME)


@pytest.fixture(scope="module")
def display():
    """A screen that nobody sees."""
    pytest.importorskip("tkinter", reason="this Python was built without tkinter")
    if not shutil.which("Xvfb"):
        pytest.skip("needs Xvfb")
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "800x600x24"]
    with subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        with os.fdopen(reading) as answer:
            number = answer.readline().strip()
        yield f":{number}"
        server.terminate()


# In a process of its own: Tk ends its process when the screen goes away.
SCRIPT = """
import tkinter
import numpy as np
from dslt_jax.media import select

def drag(start, end):
    canvas = root.winfo_children()[1]
    canvas.event_generate("<ButtonPress-1>", x=start[0], y=start[1])
    canvas.event_generate("<B1-Motion>", x=(start[0] + end[0]) // 2, y=end[1])
    canvas.event_generate("<B1-Motion>", x=end[0], y=end[1])

def press(key):
    root.event_generate(key)

def act():
    root.after(200, act)  # keys are lost until the window has the focus: again, until it closes
    root.focus_force()
    {actions}

def window():
    global root
    root = real()
    root.after(100, act)
    return root

real, tkinter.Tk = tkinter.Tk, window
print(select.select_box(np.zeros(({height}, {width}, 3), np.uint8)))
"""


@pytest.mark.parametrize(
    ("size", "actions", "box"),
    [
        # Shown 5 times as large; dragged upwards to the left.
        ((128, 96), "drag((300, 250), (50, 100)); press('<Return>')", (10, 20, 50, 30)),
        # Larger than the screen, and dragged beyond its edge.
        ((4000, 2000), "drag((0, 0), (5000, 5000)); press('<Return>')", (0, 0, 4000, 2000)),
        # Enter without a box does nothing.
        ((128, 96), "press('<Return>'); press('<Escape>')", None),
    ],
)
def test_what_is_dragged_comes_back_in_frame_pixels(display, size, actions, box):
    script = SCRIPT.format(actions=actions, width=size[0], height=size[1])
    child = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"DISPLAY": display},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert child.returncode == 0, child.stderr
    answer = ast.literal_eval(child.stdout)
    if box is None:
        assert answer is None
    else:
        np.testing.assert_allclose(answer, box, atol=max(size) / 600)
