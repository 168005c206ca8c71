"""The report: its numbers, the page's data and files; what the page does is in test_report_page."""

import base64
import csv
import dataclasses
import html.parser
import io
import json
import re
import sys
import zlib
from pathlib import Path

import layouts
import numpy as np
import pytest
from matplotlib import axes
from PIL import Image

from dslt_jax.benchmarks import datasets, metrics, report, results, trajectory
from dslt_jax.benchmarks.report import frames, page, tracks


@pytest.fixture
def compared(tmp_path):
    """Three trackers on Deer and Skiing, with images."""
    for name, count in (("Deer", 71), ("Skiing", 81)):
        truth = layouts.truth(count)
        layouts.images(tmp_path / "otb" / name / "img", 1, count)
        layouts.text(tmp_path / "otb" / name / "groundtruth_rect.txt", truth)
        for tracker, shift in (("Good", 1), ("Fair_2", 4), ("Poor", 30)):
            moved = truth + np.array([shift, 0, 0, 0])
            layouts.text(tmp_path / tracker / f"{name}.txt", moved)
    layouts.text(tmp_path / "Good" / "times" / "Deer_time.txt", np.full((71, 1), 0.02))
    dataset = datasets.load("otb", tmp_path / "otb")
    read = [results.read(tmp_path / name, dataset, "otb") for name in ("Poor", "Good", "Fair_2")]
    return dataset, read


@pytest.fixture
def supervised(tmp_path):
    """Two trackers with resets on one long VOT sequence with polygons and a tag."""
    root = tmp_path / "vot"
    layouts.images(root / "bag", 1, 1, digits=8)
    polygon = [5.0, 5, 35, 5, 35, 25, 5, 25]
    layouts.text(root / "bag" / "groundtruth.txt", np.tile(polygon, (400, 1)))
    (root / "bag" / "occlusion.tag").write_text("0\n" * 100 + "1\n" * 300)
    dataset = datasets.load("vot2016", root)
    read = []
    for name, lost in (("A", [40]), ("B", [40, 90, 300])):
        run = trajectory.empty(400)
        run.codes[:], run.regions[:] = trajectory.TRACKED, (5, 5, 30, 20)
        run.codes[0] = trajectory.INITIALIZATION
        for frame in lost:
            run.codes[frame] = trajectory.FAILURE
            run.codes[frame + 1 : frame + 5] = trajectory.UNKNOWN
            run.codes[frame + 5] = trajectory.INITIALIZATION
        run.regions[run.codes != trajectory.TRACKED] = np.nan
        run.seconds[:] = 0.1
        read.append(results.Results(name, {"bag": [run]}, format="vot"))
    return dataset, read


class _Elements(html.parser.HTMLParser):
    """Collects elements with their attributes, and the text of scripts by id."""

    def __init__(self, text):
        super().__init__()
        self.found, self.scripts, self._script = [], {}, None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag == "script":
            self._script = dict(attributes).get("id", "code")

    def handle_endtag(self, tag):
        if tag == "script":
            self._script = None

    def handle_data(self, text):
        if self._script:
            self.scripts[self._script] = self.scripts.get(self._script, "") + text


def _data(text):
    return json.loads(_Elements(text).scripts["data"])


def test_the_numbers_are_the_scorers(compared):
    dataset, read = compared
    made = report.gather(dataset, read)
    for result, tracker in zip(read, made.trackers, strict=True):
        scores = metrics.evaluate(dataset, result.boxes, "wu")
        assert tracker.summary == scores.summary()
        assert tracker.intervals["auc"] == metrics.bootstrap(scores.auc)
    assert [made.trackers[i].name for i in made.ranked("auc")] == ["Good", "Fair_2", "Poor"]
    assert made.trackers[0].against is None
    assert made.trackers[1].against.wins == 2
    assert [tracker.fps for tracker in made.trackers] == [None, pytest.approx(50), None]
    groups = {group.code: group for group in made.groups}
    assert groups["IPR"].count == 2
    assert groups["SV"].count == 1
    skiing = metrics.evaluate(dataset, read[1].boxes, "wu").summary(["Skiing"])["auc"]
    assert groups["SV"].values["auc"][1] == skiing


def test_another_policy_is_named(compared):
    made = report.gather(*compared, metrics.by_name("got10k", 101))
    assert made.policy.startswith("policy got10k: 101 thresholds")
    assert made.curves[0].y.shape == (3, 101)


def test_common_sequences_are_compared_and_it_says_so(compared):
    dataset, read = compared
    del read[0].runs["Deer"]
    made = report.gather(dataset, read)
    assert made.dataset.names == ("Skiing",)
    assert made.notes == (
        "Poor has no results on 1 sequence (Deer)",
        "compared on the 1 sequence that all trackers have, not on 2",
    )
    del read[1].runs["Skiing"]
    with pytest.raises(ValueError, match="no sequence in common"):
        report.gather(dataset, read)


def test_equal_names_are_told_apart(compared):
    dataset, read = compared
    made = report.gather(dataset, [read[0], read[0], read[1]])
    assert [tracker.name for tracker in made.trackers] == ["Poor (1)", "Poor (2)", "Good"]


def test_boxes_and_overlaps_survive_packing(compared):
    dataset, read = compared
    read[1].runs["Deer"][0].regions[5] = np.nan
    made = report.gather(dataset, read)
    widths, packed = tracks.packed(made, 0)
    data = np.frombuffer(zlib.decompress(base64.b64decode(packed)), np.uint8)
    frames, total = 71, 71 * sum(widths)
    low, high = data[:total].astype(int), data[total : 2 * total].astype(int)
    steps = (low + 256 * high).astype(np.uint16).view(np.int16).reshape(-1, frames)
    columns = np.cumsum(steps, axis=1, dtype=np.int16)
    assert widths == [4, 4, 4, 4]
    good = columns[8:12].T / tracks.STEPS
    known = np.arange(frames) != 5
    expected = read[1].boxes["Deer"]
    assert np.abs(good[known] - expected[known]).max() <= 0.25
    assert (columns[8:12, 5] == tracks.ABSENT).all()
    overlaps = np.cumsum(data[2 * total :].reshape(3, frames), axis=1, dtype=np.uint8)
    assert overlaps[1, 5] == 0
    assert np.abs(overlaps[1] / 100 - made.trackers[1].overlaps[0]).max() <= 0.005 + 1e-9


def test_lost_spans():
    overlaps = np.full(40, 0.8)
    overlaps[3:7] = 0.1  # four frames are too few
    overlaps[10:16] = 0.1
    overlaps[12] = np.nan  # without ground truth: the failure goes on
    overlaps[30:] = 0
    assert list(tracks.lost_spans(overlaps)) == [(10, 6), (30, 10)]
    assert list(tracks.lost_spans(np.full(3, 0.9))) == []


def test_failures_are_the_longest_first(compared):
    found = tracks.failures(report.gather(*compared))
    poor = [failure for failure in found if failure.tracker == 0]
    assert [(f.first, f.length, f.sequence) for f in poor] == [(0, 81, 1), (0, 71, 0)]
    assert not [failure for failure in found if failure.tracker == 1]


def test_the_page_needs_nothing_else(compared, tmp_path):
    made = report.gather(*compared, title="A </script><b> & B")
    path = report.write_page(made, tmp_path / "report", reference=True)
    text = path.read_text()
    elements = _Elements(text)
    assert not [t for t, a in elements.found if t in ("link", "script") and a.get("src")]
    hrefs = [a.get("href", "") for t, a in elements.found if t in ("link", "a")]
    assert all(href.startswith(("#", "data:")) for href in hrefs)
    outside = set(re.findall(r"https?://[^\s\"'`]+", text))
    assert outside <= {"http://www.w3.org/2000/svg"}
    data = json.loads(elements.scripts["data"])
    assert data["title"] == "A </script><b> & B"
    assert "<title>A &lt;/script&gt;&lt;b&gt; &amp; B</title>" in text
    assert data["policy"].startswith("policy wu: 21 thresholds")
    assert data["reference"] == {"keys": [], "rows": []}  # none for a folder of one's own
    assert [tracker["name"] for tracker in data["trackers"]] == ["Poor", "Good", "Fair_2"]
    assert data["trackers"][1]["summary"]["p20"] == 1.0
    assert not list(path.parent.glob(".*"))  # no half files


def test_the_same_results_give_the_same_page(compared, tmp_path):
    made = report.gather(*compared)
    assert page.render(made, tmp_path) == page.render(made, tmp_path)


def test_images_are_linked_from_where_they_are(compared, tmp_path):
    path = report.write_page(report.gather(*compared), tmp_path / "some" / "where")
    images = _data(path.read_text())["sequences"][0]["images"]
    assert len(images["names"]) == 71
    assert images["folder"].startswith("../../otb/")
    assert (path.parent / images["folder"] / images["names"][70]).is_file()


def test_images_can_be_part_of_the_page(compared, tmp_path):
    dataset, read = compared
    dataset["Deer"].frames[3].write_bytes(b"damaged")
    text = page.render(report.gather(dataset, read), tmp_path, embed_frames=True)
    scripts = _Elements(text).scripts
    assert _data(text)["sequences"][1]["images"] == {"embedded": 1}
    frames = json.loads(scripts["frames-0"])
    assert frames[3] == ""
    with Image.open(io.BytesIO(base64.b64decode(frames[4]))) as image:
        assert (image.format, image.size) == ("JPEG", layouts.SIZE)


def test_without_images_the_truth_sets_the_view(compared, tmp_path):
    dataset, read = compared
    for name in ("Deer", "Skiing"):
        layouts.text(tmp_path / "anno" / f"{name}.txt", layouts.truth(len(dataset[name])))
    dataset = datasets.load("otb", None, tmp_path / "anno")
    sequence = _data(page.render(report.gather(dataset, read), tmp_path))["sequences"][0]
    assert sequence["images"] is None
    corner = dataset["Deer"].boxes[:, :2] + dataset["Deer"].boxes[:, 2:]
    assert np.all(np.array(sequence["size"]) >= corner.max(axis=0))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("row", ["nan,nan,nan,nan", "1e300,1e300,9,9"])
def test_without_images_and_truth_the_view_has_some_size(tmp_path, row):
    (tmp_path / "anno").mkdir()
    (tmp_path / "anno" / "Deer.txt").write_text(f"{row}\n" * 71)
    dataset = datasets.load("otb", None, tmp_path / "anno")
    width, height = frames.view_size(dataset["Deer"])
    assert 16 <= width < 1 << 15 and 16 <= height < 1 << 15


def test_published_numbers_on_request(supervised, tmp_path):
    made = report.gather(*supervised)
    reference = _data(page.render(made, tmp_path, reference=True))["reference"]
    row = next(row for row in reference["rows"] if row["tracker"] == "DSLT")
    assert row["values"][reference["keys"].index("eao")] == 0.332
    assert row["kind"] == "published"
    assert _data(page.render(made, tmp_path))["reference"] is None


def test_runs_with_resets(supervised, tmp_path):
    made = report.gather(*supervised)
    assert made.supervised
    assert made.main == "eao"
    assert made.policy.startswith("policy vot (matlab)")
    assert [tracker.summary["failures"] for tracker in made.trackers] == [1, 3]
    assert made.curves[0].band == (108, 371)
    assert [group.code for group in made.groups] == ["occlusion"]
    assert made.groups[0].values["failures"].tolist() == [0, 1]
    data = _data(page.render(made, tmp_path))
    assert data["failures"] == [[0, 0, 40, 1], [1, 0, 40, 1], [1, 0, 90, 1], [1, 0, 300, 1]]
    assert data["sequences"][0]["widths"] == [8, 4, 4]
    figures = {path.stem for path in report.write_figures(made, tmp_path / "figures")}
    assert figures == {"eao", "accuracy_robustness", "eao_ranking", "speed"}


def test_runs_with_resets_need_no_failure(supervised):
    dataset, read = supervised
    for result in read:
        result.runs["bag"][0].codes[:] = trajectory.TRACKED
        result.runs["bag"][0].regions[:] = (5, 5, 30, 20)
    assert not report.gather(dataset, read).supervised
    made = report.gather(dataset, read, protocol="supervised")
    assert [tracker.summary["failures"] for tracker in made.trackers] == [0, 0]


def test_runs_too_short_for_eao_are_ranked_by_accuracy(supervised):
    dataset, read = supervised
    for result in read:
        run = result.runs["bag"][0]
        run.codes[:] = trajectory.TRACKED
        run.codes[::60] = trajectory.INITIALIZATION
        run.codes[55::60] = trajectory.FAILURE
    made = report.gather(dataset, read)
    assert np.isnan(made.trackers[0].summary["eao"])
    assert made.main == "accuracy"
    assert any(note.startswith("EAO needs runs of 108 to 371 frames") for note in made.notes)


def test_tables(compared, tmp_path):
    made = report.gather(*compared)
    written = report.write_tables(made, tmp_path / "tables")
    assert sorted(path.name for path in written) == [
        "attributes.csv",
        "attributes.tex",
        "leaderboard.csv",
        "leaderboard.tex",
        "sequences.csv",
    ]
    rows = list(csv.DictReader((tmp_path / "tables" / "leaderboard.csv").read_text().splitlines()))
    assert [row["tracker"] for row in rows] == ["Good", "Fair_2", "Poor"]
    assert float(rows[0]["auc"]) == pytest.approx(made.trackers[1].summary["auc"], abs=1e-6)
    assert float(rows[0]["auc_low"]) <= float(rows[0]["auc"]) <= float(rows[0]["auc_high"])
    assert [row["fps"] for row in rows] == ["50.000", "", ""]
    tex = (tmp_path / "tables" / "leaderboard.tex").read_text()
    lines = [line for line in tex.splitlines() if line.endswith(r"\\")]
    best = f"{made.trackers[1].summary['auc']:.3f}"
    assert lines[1].startswith(rf"Good & \textbf{{{best}}} & \textbf{{1.000}}")
    assert lines[2].startswith(r"Fair\_2 & \underline{")
    rows = list(csv.DictReader((tmp_path / "tables" / "sequences.csv").read_text().splitlines()))
    assert len(rows) == 6


def test_figures_are_files_that_open(compared, tmp_path):
    made = report.gather(*compared)
    written = report.write_figures(made, tmp_path)
    names = {path.name for path in written}
    expected = ("success", "precision", "attributes", "speed")
    assert names == {f"{name}{suffix}" for name in expected for suffix in (".pdf", ".png")}
    assert (tmp_path / "success.pdf").read_bytes().startswith(b"%PDF-")
    with Image.open(tmp_path / "success.png") as image:
        assert image.width > 800


@pytest.mark.filterwarnings("error")
def test_figures_take_names_as_they_are(compared, tmp_path, monkeypatch):
    """A $ begins mathematics in matplotlib, and what begins with _ is in none of its legends."""
    dataset, read = compared
    names = ("$x^$", "_mine", "a$\\b$c")
    read = [dataclasses.replace(r, tracker=name) for r, name in zip(read, names, strict=True)]
    legends = []
    legend = axes.Axes.legend
    monkeypatch.setattr(axes.Axes, "legend", lambda *a, **k: legends.append(legend(*a, **k)))
    report.write_figures(report.gather(dataset, read), tmp_path)
    shown = {text.get_text().split(" [")[0] for text in legends[0].get_texts()}
    assert shown == {r"\$x^\$", " _mine", r"a\$\b\$c"}


def test_figures_without_matplotlib(compared, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(report.ReportError, match=r"pip install 'dslt-jax\[report\]'"):
        report.write_figures(report.gather(*compared), tmp_path)


def test_a_folder_that_cannot_be_written(compared, tmp_path):
    (tmp_path / "file").write_text("in the way")
    made = report.gather(*compared)
    for write in (report.write_page, report.write_tables, report.write_figures):
        with pytest.raises(report.ReportError, match="cannot write"):
            write(made, tmp_path / "file" / "report")


def test_package_data_holds_the_page():
    static = Path(page.__file__).parent / "static"
    names = {path.name for path in static.iterdir()}
    assert {"page.html", "page.css", *page.SCRIPTS} == names
