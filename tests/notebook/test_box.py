"""A box that is dragged on a page or typed, in Colab and elsewhere."""

import itertools

import browser as chromium
import numpy as np
import pytest

from dslt_jax import notebook
from dslt_jax.media import synthetic
from dslt_jax.media.source import DamagedFrame, Source
from dslt_jax.notebook.page import box_page

FRAME = np.full((120, 160, 3), 90, np.uint8)


@pytest.mark.parametrize(
    "given", [(20, 30, 40, 50), np.array([20.0, 30, 40, 50]), "20,30,40,50", "12.5%,25%,25%,50px"]
)
def test_a_box_is_typed(given):
    choice = notebook.BoxChoice(FRAME)
    choice.box = given
    assert choice.box == (20, 30, 40, 50)


@pytest.mark.parametrize(
    "given, said",
    [
        ((20, 30, 40), "3 numbers: four numbers are needed"),
        ("20,30,40,x", "'x' is no number"),
        ((200, 30, 40, 50), "outside the frame of 160 x 120"),
        ((20, 30, -1, 50), "must be positive"),
    ],
)
def test_a_wrong_box_is_a_sentence_and_the_old_one_stays(given, said):
    choice = notebook.BoxChoice(FRAME, (1, 2, 30, 40))
    with pytest.raises(notebook.NotebookError, match=said) as error:
        choice.box = given
    shown = error.value._render_traceback_()
    assert " ".join(shown) == str(error.value) and max(map(len, shown)) <= 90
    assert choice.box == (1, 2, 30, 40)


def test_no_box_is_a_sentence():
    with pytest.raises(notebook.NotebookError, match="drag one on the frame above"):
        _ = notebook.BoxChoice(FRAME).box


def test_the_first_frame_is_shown():
    clip = synthetic.beetle_clip(2, 160, 160)
    choice = notebook.choose_box(clip.source, clip.boxes[0])
    assert np.allclose(choice.box, clip.boxes[0], atol=1e-3)
    assert "data:image/jpeg" in choice._repr_html_()


def test_a_first_frame_that_cannot_be_read_is_a_sentence():
    def read():
        yield "one", DamagedFrame("it is cut")

    with pytest.raises(notebook.NotebookError, match="the first frame cannot be read: it is cut"):
        notebook.choose_box(Source("clip", read))
    with pytest.raises(notebook.NotebookError, match="there are no frames"):
        notebook.choose_box(Source("clip", lambda: iter(())))


def test_a_drag_in_colab_arrives(colab):
    pytest.importorskip("IPython", reason="IPython is not installed: extra notebooks")
    choice = notebook.BoxChoice(FRAME, (1, 2, 30, 40))
    choice._ipython_display_()
    ((_, call),) = colab.called.items()
    call("20,30,40,50")
    assert choice.box == (20, 30, 40, 50)


def test_a_widget_is_typed_in():
    pytest.importorskip("ipywidgets", reason="ipywidgets is not installed: extra notebooks")
    choice = notebook.BoxChoice(FRAME, (1, 2, 30, 40))
    choice._ipython_display_()
    choice._field.value = "20,30,40,50"
    assert choice.box == (20, 30, 40, 50)
    choice.box = (5, 6, 70, 80)
    assert choice._field.value == "5,6,70,80"
    choice._field.value = "20,30"
    with pytest.raises(notebook.NotebookError, match="2 numbers"):
        _ = choice.box


# --- the page, in a browser ---

COLAB = """
<script>
window.calls = [];
window.google = {colab: {kernel: {invokeFunction: (...call) => calls.push(call)}}};
</script>
"""
FIELD = """
<div class="dslt-box-1-text"><input></div>
<script>
window.heard = [];
for (const kind of ["input", "change"]) {
  document.addEventListener(kind, (event) => heard.push([kind, event.target.value]));
}
</script>
"""


@pytest.fixture(scope="module")
def browser():
    if not (chromium.CHROMIUM and chromium.DRIVER):
        pytest.skip("needs chromium and chromedriver")
    with chromium.launch() as one:
        one.device(900, 700)
        yield one


@pytest.fixture
def shown(browser, tmp_path):
    """Shows a page of a frame of 160 x 120, four CSS pixels a pixel, and returns its corner."""

    def show(beside="", box=None):
        path = tmp_path / "page.html"
        page = box_page(FRAME, "dslt-box-1", box)
        path.write_text(f"<!doctype html>{beside}{page}", encoding="utf-8")
        browser.open(path)
        script = "const a = document.getElementById('dslt-box-1').getBoundingClientRect();"
        return browser.run(script + "return [a.left, a.top, a.width, a.height]")

    return show


def drag(browser, corner, *points):
    """Drags over points in frame pixels."""
    browser.drag(*((corner[0] + 4 * x, corner[1] + 4 * y) for x, y in points))


def test_a_drag_reaches_colab_and_the_mark_follows(browser, shown):
    corner = shown(COLAB)
    assert corner[2:] == [640, 480]
    drag(browser, corner, (60, 80), (30, 30), (20, 30))
    assert browser.run("return calls") == [["dslt-box-1", ["20,30,40,50"], {}]]
    drawn = browser.run(
        "const a = document.querySelector('#dslt-box-1 div').getBoundingClientRect();"
        "return [a.left, a.top, a.width, a.height]"
    )
    wanted = [corner[0] + 80, corner[1] + 120, 160, 200]
    assert np.allclose(drawn, wanted, atol=0.5)
    assert browser.errors() == []


def test_a_drag_reaches_a_text_field(browser, shown):
    drag(browser, shown(FIELD), (20, 30), (60, 80))
    assert browser.run("return heard") == [["input", "20,30,40,50"], ["change", "20,30,40,50"]]


def test_a_drag_beyond_the_frame_ends_at_its_edge_and_a_click_is_none(browser, shown):
    corner = shown(COLAB)
    drag(browser, corner, (100, 100), (170, 130))
    drag(browser, corner, (30, 30))
    assert [call[1] for call in browser.run("return calls")] == [["100,100,60,20"]]


def test_a_box_that_is_given_or_typed_is_drawn(browser, shown):
    shown(FIELD, (1, 2, 30, 40))
    told = "return document.getElementById('dslt-box-1-told').textContent"
    assert browser.run(told) == "box 1,2,30,40"
    browser.run(
        "const field = document.querySelector('input'); field.value = '5,6,70,80';"
        "field.dispatchEvent(new Event('input', {bubbles: true}))"
    )
    assert browser.run(told) == "box 5,6,70,80"


def test_a_page_without_a_way_back_says_what_to_type(browser, shown):
    drag(browser, shown(), (20, 30), (60, 80))
    told = "return document.getElementById('dslt-box-1-told').textContent"
    assert "choice.box = '20,30,40,50'" in browser.run(told)


def test_large_frames_are_sent_smaller():
    rng = np.random.default_rng(0)
    large = rng.integers(0, 256, (1500, 2000, 3), np.uint8)
    small = [len(box_page(large[:h], "a")) for h in (1500, 750)]
    assert small[0] < 3_000_000 and "width = 2000, height = 1500" in box_page(large, "a")
    assert all(a > b for a, b in itertools.pairwise(small))
