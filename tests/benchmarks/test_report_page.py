"""What the report's page does in a browser: sort, filter, step, play, narrow, dark, by keyboard."""

from pathlib import Path

import browser as browser_lib
import layouts
import numpy as np
import pytest

from dslt_jax.benchmarks import datasets, report, results, trajectory

SHARED = Path(__file__).parents[3] / "shared"
pytestmark = pytest.mark.skipif(
    not (browser_lib.CHROMIUM and browser_lib.DRIVER),
    reason="no chromium and chromedriver on this machine",
)


@pytest.fixture(scope="module")
def browser():
    with browser_lib.launch() as launched:
        yield launched


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """Four sequences with images, three trackers; the first one loses Skiing from frame 41 on."""
    folder = tmp_path_factory.mktemp("page")
    counts = {"Deer": 71, "Skiing": 81, "Man": 40, "Coke": 30}
    for name, count in counts.items():
        truth = layouts.truth(count)
        layouts.images(folder / "otb" / name / "img", 1, count)
        layouts.text(folder / "otb" / name / "groundtruth_rect.txt", truth)
        for tracker, shift in (("Mine", 1), ("Other", 3), ("Third", 6)):
            moved = truth + np.array([shift, 0, 0, 0])
            if tracker == "Mine" and name == "Skiing":
                moved[40:, 0] += 100
            layouts.text(folder / tracker / f"{name}.txt", moved)
    dataset = datasets.load("otb", folder / "otb")
    read = [results.read(folder / name, dataset) for name in ("Mine", "Other", "Third")]
    return report.write_page(report.gather(dataset, read), folder / "report")


@pytest.fixture
def page(browser, page_file):
    """The page, freshly opened at desktop size; fails when it wrote errors to the console."""
    browser.device(1280, 900)
    browser.open(page_file)
    browser.wait("document.querySelector('.strip .lost') && document.querySelector('.box')")
    yield browser
    assert browser.errors() == []


def _column(page, table, number):
    script = "return [...document.querySelectorAll(arguments[0])].map(cell => cell.textContent)"
    return page.run(script, f"{table} tbody tr > :nth-child({number})")


def _click(page, selector, number=0):
    page.run("document.querySelectorAll(arguments[0])[arguments[1]].click()", selector, number)


def test_the_leaderboard_is_ranked_and_sorts(page):
    scores = [float(text) for text in _column(page, ".leaderboard", 2)]
    assert scores == sorted(scores, reverse=True)
    _click(page, ".leaderboard thead button", 1)
    assert [float(text) for text in _column(page, ".leaderboard", 2)] == sorted(scores)
    state = "return document.querySelectorAll('.leaderboard th')[1].getAttribute('aria-sort')"
    assert page.run(state) == "ascending"
    _click(page, ".leaderboard thead button", 0)
    names = _column(page, ".leaderboard", 1)
    assert [name.strip("0123456789") for name in names] == ["Mine", "Other", "Third"]


def test_the_legend_is_ranked_and_follows_the_attribute(page):
    values = "return [...document.querySelectorAll('.legend')[0].querySelectorAll('.value')]"
    all_of_them = [float(v) for v in page.run(values + ".map(v => v.textContent)")]
    assert all_of_them == sorted(all_of_them, reverse=True)
    page.run(
        "const select = document.querySelector('#curves select'); select.value = 'IV';"
        "select.dispatchEvent(new Event('change'))"
    )
    some = [float(v) for v in page.run(values + ".map(v => v.textContent)")]
    assert some == sorted(some, reverse=True)
    assert some != all_of_them


def test_plots_are_read_with_the_arrow_keys(page):
    page.run("document.querySelector('#curves .chart').focus()")
    page.press("right", "right")
    reading = "return document.querySelector('#curves .reading').textContent"
    assert page.run(reading) == "At overlap threshold 0.05"
    page.run("document.activeElement.blur()")
    assert page.run(reading) == "Ranked by AUC"


def test_sequences_filter_and_sort(page):
    assert _column(page, ".sequences", 1)[0] == "Skiing"  # the worst of the first tracker
    page.run("document.querySelector('input[type=search]').focus()")
    page.press("d", "e")
    assert _column(page, ".sequences", 1) == ["Deer"]
    told = "return document.querySelector('#sequences .reading').textContent"
    assert page.run(told) == "1 of 4 sequences"
    page.run(
        "const search = document.querySelector('input[type=search]'); search.value = '';"
        "search.dispatchEvent(new Event('input'))"
    )
    _click(page, ".sequences thead button", 1)
    frames = [int(text) for text in _column(page, ".sequences", 2)]
    assert frames == [81, 71, 40, 30]
    page.run(
        "const select = document.querySelector('#sequences select'); select.value = 'IV';"
        "select.dispatchEvent(new Event('change'))"
    )
    assert _column(page, ".sequences", 1) == ["Skiing", "Man", "Coke"]


def test_the_player_starts_at_the_worst_failure_and_steps(page):
    where = "return document.querySelector('.where').textContent"
    assert page.run(where) == "Frame 41 of 81"
    assert page.run("return document.querySelector('.failures').textContent").startswith(
        "Skiing from 4141 frames, to the end"
    )
    page.wait("document.querySelector('.stage img').naturalWidth === 64")
    page.run("document.querySelector('.stage').focus()")
    page.press("right", "right", "left")
    assert page.run(where) == "Frame 42 of 81"
    assert page.run("return document.querySelector('.stage img').src").endswith("/0042.jpg")
    corners = page.run("return document.querySelector('.boxes .truth').getAttribute('points')")
    x, y, w, h = layouts.truth(81)[41]
    expected = [(x - 1, y - 1), (x - 1 + w, y - 1), (x - 1 + w, y - 1 + h), (x - 1, y - 1 + h)]
    assert [tuple(map(float, point.split(","))) for point in corners.split()] == expected
    overlaps = page.run(
        "return [...document.querySelectorAll('.chip')].map(chip => chip.textContent)"
    )
    assert overlaps[0] == "Ground truth"
    assert "Mine0.00" in overlaps
    page.press("n")  # the only failure: back to its first frame
    page.wait("document.querySelector('.where').textContent === 'Frame 41 of 81'")
    page.press(" ")
    page.wait("document.querySelector('.where').textContent === 'Frame 81 of 81'", 20)
    assert page.run("return document.querySelector('.buttons').textContent") == "‹Play›"


def test_boxes_are_switched_off(page):
    boxes = "return document.querySelectorAll('.boxes .box').length"
    assert page.run(boxes) == 3
    _click(page, ".chip", 1)
    assert page.run(boxes) == 2
    assert page.run("return document.querySelectorAll('.chip')[1].ariaChecked") == "false"


def test_the_focus_follows_the_chosen_tracker(page):
    _click(page, ".leaderboard .tracker", 1)
    name = page.run("return document.querySelector('.leaderboard tr.focused .tracker').textContent")
    assert name.strip("0123456789") in page.run(
        "return document.querySelector('aside h3').textContent"
    )
    assert page.run("return document.querySelectorAll('.line.focused').length") >= 3


def test_a_sequence_opens_in_the_player_by_keyboard(page):
    page.run("document.querySelectorAll('.open')[1].focus()")
    name = page.run("return document.activeElement.textContent")
    page.press("enter")
    page.wait(f"document.querySelector('.stage img').src.includes('/{name}/')")
    assert page.run("return document.activeElement.className").startswith("stage")


def test_every_control_has_a_name(page):
    nameless = page.run(
        "return [...document.querySelectorAll('button, select, input, [tabindex], [role=img]')]"
        ".filter(node => !(node.textContent.trim() && node.tagName === 'BUTTON')"
        " && !node.getAttribute('aria-label') && !node.labels?.length)"
        ".map(node => node.outerHTML.slice(0, 80))"
    )
    assert nameless == []


def test_a_narrow_screen_does_not_scroll_sideways(page):
    page.device(380, 800)
    page.wait("document.querySelector('.chart svg').clientWidth < 380")
    assert page.run("return document.documentElement.scrollWidth") <= 380
    text = "return parseFloat(getComputedStyle(document.querySelector('.tick')).fontSize)"
    assert page.run(text) >= 12


def test_dark_mode(page):
    colours = "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"
    light = page.run(colours)
    page.device(1280, 900, dark=True)
    dark = page.run(colours)
    assert light[0] == "rgb(255, 255, 255)"
    assert sum(map(int, dark[0][4:-1].split(","))) < 100 < sum(map(int, dark[1][4:-1].split(",")))


def test_embedded_images_are_shown(browser, page_file, tmp_path):
    folder = page_file.parents[1]
    dataset = datasets.load("otb", folder / "otb")
    made = report.gather(dataset, [results.read(folder / "Mine", dataset)])
    browser.open(report.write_page(made, tmp_path, embed_frames=True))
    browser.wait("document.querySelector('.stage img')?.naturalWidth === 64")
    assert browser.run("return document.querySelector('.stage img').src").startswith("data:image")
    assert browser.errors() == []


def test_vot_plots(browser, tmp_path):
    layouts.images(tmp_path / "vot" / "bag", 1, 1, digits=8)
    layouts.text(tmp_path / "vot" / "bag" / "groundtruth.txt", np.tile([5.0, 5, 30, 20], (400, 1)))
    dataset = datasets.load("vot2016", tmp_path / "vot")
    read = []
    for name, lost in (("A", 40), ("B", 90)):
        run = trajectory.empty(400)
        run.codes[:], run.regions[:] = trajectory.TRACKED, (5, 5, 30, 20)
        run.codes[[0, lost + 5]] = trajectory.INITIALIZATION
        run.codes[lost], run.codes[lost + 1 : lost + 5] = trajectory.FAILURE, trajectory.UNKNOWN
        run.regions[run.codes != trajectory.TRACKED] = np.nan
        read.append(results.Results(name, {"bag": [run]}, format="vot"))
    browser.open(report.write_page(report.gather(dataset, read), tmp_path / "report"))
    browser.wait("document.querySelectorAll('#vot .point').length === 4")
    assert browser.run("return document.querySelectorAll('#curves .band').length") == 1
    assert browser.run("return document.querySelector('aside h3').textContent") == "A: 1 failure"
    assert [m for m in browser.errors() if "0000" not in m] == []  # images that are not there


@pytest.mark.skipif(not (SHARED / "results").is_dir(), reason="no published results here")
def test_twelve_trackers_open_within_two_seconds(browser, tmp_path):
    dataset = datasets.load("otb100", None, SHARED / "data" / "otb_anno")
    folders = sorted((SHARED / "results" / "otb100").iterdir())
    made = report.gather(dataset, [results.read(folder, dataset) for folder in folders])
    path = report.write_page(made, tmp_path)
    assert path.stat().st_size < 5e6
    browser.device(1280, 900)
    browser.open(path)
    browser.wait("document.querySelector('.box')")
    timing = "return performance.getEntriesByType('navigation')[0].loadEventEnd"
    assert browser.run(timing) < 2000
    first = _column(browser, ".leaderboard", 1)[0]
    assert first == "1SiamRPNpp"
    assert browser.errors() == []


def test_vot_plots_without_overlap_and_of_many_failures(browser, tmp_path):
    """Axes reach to what there is, and nothing is divided by a range of zero."""
    folder = tmp_path / "vot" / "bag"
    layouts.images(folder, 1, 1, digits=8)
    layouts.text(folder / "groundtruth.txt", np.tile([5.0, 5, 30, 20], (120, 1)))
    for tag in ("occlusion", "size_change", "motion_change"):
        (folder / f"{tag}.tag").write_text("1\n" * 120)
    dataset = datasets.load("vot2016", tmp_path / "vot")
    lost = trajectory.empty(120)
    lost.codes[0::10], lost.codes[5::10] = trajectory.INITIALIZATION, trajectory.FAILURE
    read = [results.Results("A", {"bag": [lost]}, format="vot")]
    browser.open(report.write_page(report.gather(dataset, read), tmp_path / "report"))
    for key in ("failures", "eao", "accuracy"):
        choose = """
        const select = document.querySelector('#attributes select');
        select.value = arguments[0];
        select.dispatchEvent(new Event('change'));
        """
        browser.run(choose, key)
        browser.wait("document.querySelector('.attributes path.line')")
        size = (
            "return document.querySelector('.attributes path.line').getBoundingClientRect().width"
        )
        assert (browser.run(size) > 100) == (key == "failures"), key  # of 12 failures, the others 0
    drawn = "return [...document.querySelectorAll('svg *')].map(node => node.outerHTML).join()"
    assert "NaN" not in browser.run(drawn) and "Infinity" not in browser.run(drawn)
    assert [m for m in browser.errors() if "0000" not in m] == []
