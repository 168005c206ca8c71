"""The page's whole path in a browser: choose, drag, follow, correct, add, take home; a camera."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
sys.path.append(str(Path(__file__).parents[1]))
import browser as browser_lib
import small

from dslt_jax import boxes
from dslt_jax.app.spec import Spec
from dslt_jax.app.tracks import read_run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (browser_lib.CHROMIUM and browser_lib.DRIVER),
        reason="no chromium and chromedriver on this machine",
    ),
]
COUNT = 20
KCF = Spec("kcf")


@pytest.fixture(scope="module")
def browser():
    with browser_lib.launch() as launched:
        yield launched


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A folder of images, and the true boxes."""
    folder = tmp_path_factory.mktemp("frames")
    frames, truth = small.clip(COUNT)
    for i, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{i}.png")
    return folder, truth


@pytest.fixture
def page(browser, start, clip, request):
    """The page in the browser, with the video chosen as a user does it."""
    options = getattr(request, "param", {"spec": KCF})
    client = start(str(clip[0]), **options)
    browser.device(1280, 800)
    browser.go("about:blank")
    browser.go(client.server.address)
    browser.wait("document.querySelector('#inputs').options.length > 1")
    choose(browser, "#inputs", "named-0")
    browser.wait("!document.querySelector('#view').hidden")
    browser.client = client
    yield browser
    assert browser.errors() == []
    browser.go("about:blank")  # it would go on asking the server, which ends now


def choose(page, select, value):
    page.run(
        "const node = document.querySelector(arguments[0]); node.value = arguments[1];"
        "node.dispatchEvent(new Event('change'))",
        select,
        value,
    )


def click(page, selector):
    page.run("document.querySelector(arguments[0]).click()", selector)


def text(page, selector):
    return page.run("return document.querySelector(arguments[0]).textContent", selector)


def drag(page, *points):
    """Drags from point to point, in pixels of the frame."""
    left, top, width = page.run(
        "const r = document.querySelector('#view').getBoundingClientRect();"
        "return [r.left, r.top, r.width]"
    )
    zoom = width / 160
    page.drag(*((left + x * zoom, top + y * zoom) for x, y in points))


def drag_around(page, box):
    x, y, w, h = (float(value) for value in box)
    drag(page, (x, y), (x + w / 2, y + h / 2), (x + w, y + h))


def followed(page, frame=COUNT - 1, state="done"):
    page.wait(f"document.body.dataset.state === '{state}'", 60)
    page.wait(f"document.querySelector('#where').textContent.startsWith('frame {frame} ')")


def rows_of(page):
    return page.client.wait(lambda state: True)[1]


def overlaps(rows, truth, target="1"):
    found = np.array([rows[i]["cells"][target][:4] for i in range(COUNT)])
    return boxes.iou(found, truth)


def test_from_a_video_to_boxes(page, clip, tmp_path):
    _, truth = clip
    assert page.run("return document.querySelector('#track').disabled")
    drag_around(page, truth[0])
    assert "Target 1" in text(page, "#targets")
    click(page, "#track")
    followed(page)
    rows = rows_of(page)
    assert np.abs(np.array(rows[0]["cells"]["1"][:4]) - truth[0]).max() < 0.6
    assert overlaps(rows, truth).mean() > 0.6
    page.wait("document.querySelector('#map').getContext('2d').getImageData(96, 96, 1, 1).data[3]")
    click(page, "#draw")
    page.wait("document.querySelector('#files').textContent.includes('overlay')", 60)
    page.screenshot(tmp_path / "followed.png")
    (kept,) = (tmp_path / "kept").iterdir()
    assert len(read_run(kept).tracks[0].frames) == COUNT
    status = page.run(
        "return fetch(document.querySelector('#files a').href).then((answer) => answer.status)"
    )
    assert status == 200


def test_a_window_that_comes_later_names_what_is_open(page):
    page.go("about:blank")
    page.go(page.client.server.address)
    page.wait("document.querySelector('#inputs').value === 'named-0'")
    page.wait("!document.querySelector('#view').hidden")


def test_a_box_is_corrected_at_any_frame_and_followed_on(page, clip):
    _, truth = clip
    drag_around(page, truth[0] + [65, 45, 0, 0])  # beside the target
    click(page, "#track")
    followed(page)
    assert overlaps(rows_of(page), truth)[-1] < 0.3
    page.press("home")
    for _ in range(4):
        page.press("right")
    page.wait("document.querySelector('#where').textContent.startsWith('frame 4 ')")
    x, y, w, h = (float(v) for v in rows_of(page)[4]["cells"]["1"][:4])
    tx, ty = (float(v) for v in truth[4][:2])
    middle = x + w / 2, y + h / 2
    drag(page, middle, (tx + w / 2, ty + h / 2))  # the box is moved as a whole
    page.press("enter")
    followed(page)
    rows = rows_of(page)
    assert overlaps(rows, truth)[4:].mean() > 0.6
    assert [i for i in rows if rows[i]["cells"]["1"][6]] == [0, 4]


def test_a_second_target_and_keys(page, clip):
    _, truth = clip
    drag_around(page, truth[0])
    page.press("n")
    drag_around(page, [100, 60, 30, 30])
    assert "Target 2" in text(page, "#targets")
    page.press("enter")
    followed(page)
    rows = rows_of(page)
    assert all(set(rows[i]["cells"]) == {"1", "2"} for i in range(COUNT))
    page.press("left", "left")
    page.wait("document.querySelector('#where').textContent.startsWith('frame 17 ')")
    page.press("home", " ")
    page.wait("document.querySelector('#where').textContent.startsWith('frame 19 ')")
    page.press("delete")  # target 1, from the last frame on
    page.wait("!document.querySelector('#targets').textContent.includes('Target 1')")
    assert "1" in rows_of(page)[18]["cells"]


def test_what_goes_wrong_is_a_sentence(page, clip):
    drag_around(page, clip[1][0])
    page.run("document.querySelector('#settings').value = 'nothing=1'")
    click(page, "#track")
    page.wait("document.querySelector('#message').classList.contains('bad')")
    assert "there is no setting 'nothing'" in text(page, "#message")
    page.errors()  # the refused request


def test_without_the_token_the_page_says_what_to_open(browser, start):
    address = start().server.address.partition("#")[0]
    browser.go("about:blank")
    browser.go(address)
    browser.wait("document.querySelector('#message').classList.contains('bad')")
    assert "open the whole address" in text(browser, "#message")
    browser.errors()


def test_the_camera_of_the_browser(fake, page):
    click(page, "#camera")
    page.wait("document.querySelector('#seek').hidden", 30)
    page.wait(
        "document.querySelector('#view').width > 0 && !document.querySelector('#view').hidden"
    )
    drag_around(page, [30, 30, 40, 40])
    click(page, "#track")
    page.wait("document.body.dataset.state === 'tracking'", 60)
    page.wait("document.querySelector('#numbers').textContent.includes('Latency')", 30)
    click(page, "#stop")
    page.wait("document.body.dataset.state === 'stopped'", 30)
    rows = page.client.get("state")
    assert rows["input"]["live"]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_cut_off(page, width, dark):
    page.device(width, 800, dark)
    assert page.run("return document.documentElement.scrollWidth <= window.innerWidth")
