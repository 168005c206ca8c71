"""Result files: each format there and back, and a sentence for each fault."""

import dataclasses
from pathlib import Path

import layouts
import numpy as np
import pytest

from dslt_jax.app.sinks import HEADER
from dslt_jax.benchmarks import datasets, results, trajectory
from dslt_jax.benchmarks.results import ResultsError
from dslt_jax.benchmarks.results.files import read_file


@pytest.fixture
def dataset(tmp_path):
    """Jogging's two targets, 1-based."""
    folder = tmp_path / "otb" / "Jogging"
    layouts.text(folder / "groundtruth_rect.1.txt", layouts.truth(20, 1))
    layouts.text(folder / "groundtruth_rect.2.txt", layouts.truth(20, 2))
    return datasets.load("otb", tmp_path / "otb")


@pytest.fixture
def vot(tmp_path):
    polygons = np.tile([5.0, 0, 10, 5, 5, 10, 0, 5], (20, 1))
    layouts.text(tmp_path / "vot" / "bag" / "groundtruth.txt", polygons)
    return datasets.load("vot", tmp_path / "vot")


def _runs(dataset):
    runs = {}
    for sequence in dataset:
        boxes = sequence.boxes + np.random.default_rng(0).normal(0, 2, (20, 4)).round(3)
        run = trajectory.from_regions(boxes, seconds=np.linspace(0.01, 0.2, 20).round(4))
        run.confidence[:] = np.linspace(1, 0.5, 20).round(3)
        runs[sequence.name] = [run]
    return runs


@pytest.mark.parametrize("format", ["otb", "otb_mat", "got10k", "pysot"])
def test_there_and_back(tmp_path, dataset, format):
    if format == "otb_mat":
        pytest.importorskip("scipy")
    runs = _runs(dataset)
    results.write(tmp_path / "Ours", dataset, runs, format)
    read = results.read(tmp_path / "Ours", dataset)
    assert (read.tracker, read.problems) == ("Ours", ())
    assert read.format == ("otb" if format == "pysot" else format)
    for name, (run,) in runs.items():
        np.testing.assert_allclose(read.boxes[name], run.regions, atol=1e-4)
        if format == "got10k":
            np.testing.assert_allclose(read.runs[name][0].seconds, run.seconds)
    assert not list(tmp_path.glob("**/*.tmp"))


def test_matlab_files_of_a_tracker_whose_name_has_an_underscore(tmp_path, dataset):
    pytest.importorskip("scipy")
    results.write(tmp_path / "Ours_v2", dataset, _runs(dataset), "otb_mat")
    assert set(results.read(tmp_path / "Ours_v2", dataset).boxes) == set(dataset.names)


def test_files_are_in_the_benchmarks_coordinates(tmp_path, dataset):
    runs = _runs(dataset)
    results.write(tmp_path / "Ours", dataset, runs, "got10k")
    first = np.loadtxt(tmp_path / "Ours" / "Jogging.1.txt", delimiter=",")[0]
    np.testing.assert_allclose(first - [1, 1, 0, 0], runs["Jogging-1"][0].regions[0], atol=1e-4)


def test_vot_there_and_back(tmp_path, vot):
    groups = []
    for _ in range(3):
        run = trajectory.empty(20)
        run.codes[:] = trajectory.TRACKED
        run.codes[[0, 11]] = trajectory.INITIALIZATION
        run.codes[6] = trajectory.FAILURE
        run.codes[7:11] = trajectory.UNKNOWN
        run.regions[run.codes == trajectory.TRACKED] = (3, 4, 5, 6)
        run.seconds[:6] = 0.25
        groups.append(run)
    results.write(tmp_path / "Ours", vot, {"bag": groups}, "vot")
    file = tmp_path / "Ours" / "baseline" / "bag" / "bag_002.txt"
    assert file.read_text().split()[:8] == ["1", *["3.0000,4.0000,5.0000,6.0000"] * 5, "2", "0"]
    read = results.read(tmp_path / "Ours", vot)
    assert read.format == "vot"
    assert read.supervised
    assert len(read.runs["bag"]) == 3
    for run, back in zip(groups, read.runs["bag"], strict=True):
        assert run.same_regions(back)
        np.testing.assert_allclose(back.seconds[:6], 0.25)
        assert np.isnan(back.seconds[6:]).all()


def test_names_are_matched_however_they_are_written(tmp_path, dataset):
    folder = tmp_path / "Theirs"
    layouts.text(folder / "jogging.1.txt", layouts.truth(20))
    layouts.text(folder / "Jogging_2.txt", layouts.truth(20))
    read = results.read(folder, dataset)
    assert set(read.runs) == {"Jogging-1", "Jogging-2"}
    np.testing.assert_array_equal(read.boxes["Jogging-1"], layouts.truth(20) - [1, 1, 0, 0])
    assert results.key("car1_1") != results.key("car11")
    assert results.common([["a", "b", "c"], ["c", "a"]]) == ["a", "c"]


def test_names_that_differ_in_a_separator_or_in_case_have_their_own_files(tmp_path):
    names = ("a_b", "a-b", "A_B", "c[1]")
    for x, name in enumerate(names):
        layouts.images(tmp_path / "data" / name, 1, 5)
        layouts.text(tmp_path / "data" / name / "groundtruth.txt", [[x, 2, 3, 4]] * 5)
        layouts.text(tmp_path / "Ours" / f"{name}.txt", [[x, 2, 3, 4]] * 5)
        layouts.text(tmp_path / "Vot" / "baseline" / name / f"{name}_001.txt", [[x, 2, 3, 4]] * 5)
    if len(list((tmp_path / "Ours").iterdir())) < len(names):
        pytest.skip("the file system knows no case")
    dataset = datasets.load("generic", tmp_path / "data")
    for folder in ("Ours", "Vot"):
        found = results.read(tmp_path / folder, dataset).boxes
        assert {name: int(boxes[0, 0]) for name, boxes in found.items()} == {
            name: x for x, name in enumerate(names)
        }


def test_a_result_that_is_missing_is_no_other_sequences(tmp_path):
    layouts.generic(tmp_path / "data", ("car", "Car"))
    data = datasets.load("generic", tmp_path / "data")
    (tmp_path / "mine").mkdir()
    layouts.text(tmp_path / "mine" / "car.txt", layouts.truth(5))
    found = results.read(tmp_path / "mine", data)
    assert list(found.runs) == ["car"]
    assert found.problems == (f"Car has no result in {tmp_path / 'mine'}",)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("Jogging-1.csv", "2,3,4,5\n6,7,8,9\n"),
        ("Jogging-1.csv", "x,y,w,h\n2,3,4,5\n6,7,8,9\n"),
        ("jogging.1.csv", "\ufeffFrame; X; Y; Width; Height; lost\n0;2;3;4;5;0\n1;6;7;8;9;1\n"),
        ("Jogging-1.txt", "x y w h\n2 3 4 5\n6 7 8 9\n"),
    ],
)
def test_tables_with_and_without_names_of_columns(tmp_path, dataset, name, content):
    (tmp_path / "Theirs").mkdir()
    (tmp_path / "Theirs" / name).write_text(content, encoding="utf-8")
    boxes = results.read(tmp_path / "Theirs", dataset).boxes["Jogging-1"]
    assert boxes.tolist() == [[1, 2, 4, 5], [5, 6, 8, 9]]


def _track(frames):
    rows = [f"{frame},{frame},2.000,4.000,5.000,0.900,0,3.00,\n" for frame in frames]
    return f"{HEADER}\n{''.join(rows)}"


@pytest.mark.parametrize(
    ("start", "given", "placed"),
    [
        (1, range(20), range(20)),
        (1, range(5, 20), range(5, 20)),  # --start 5
        (1, [0, 1, 7, 8], [0, 1, 7, 8]),  # --realtime
        (300, range(299, 319), range(20)),  # as David, of all its images
        (300, range(304, 319), range(5, 20)),
        (300, range(20), range(20)),  # of a copy without those before
    ],
)
def test_rows_of_a_run_of_track_are_placed_by_their_frames(tmp_path, dataset, start, given, placed):
    (tmp_path / "Ours").mkdir()
    (tmp_path / "Ours" / "Jogging-1.csv").write_text(_track(given))
    sequence = dataclasses.replace(dataset["Jogging-1"], start=start)
    run = read_file(tmp_path / "Ours" / "Jogging-1.csv", sequence)
    assert np.flatnonzero(~np.isnan(run.confidence)).tolist() == list(placed)
    assert run.regions[list(placed), 0].tolist() == list(given)  # from 0, the benchmark from 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"{HEADER}\n5,1,2,3\n", "line 2 is '5,1,2,3', not frame,x,y,w,h"),
        ("x,y,x2,y2\n1,2,3,4\n", "line 1: a table of boxes has columns x, y, w, h"),
        ("x,y,w,h\n1,2,3,4\n1,2,b,4\n", "line 3: '1, 2, b, 4' is not the 4 numbers"),
        ("x,y,w,h\n1,2,3\n", "line 2: '1, 2, 3, None' is not"),
        ("x,y,w,h\n", "has no line below its first one"),
        ("0,1,2,3,4\n", "line 1: '0,1,2,3,4' has 5 numbers"),
        ("x,y,w,h\n1,2,3," + "4" * 200_000, "line 2: field larger than field limit"),
        ("1\n1,2,3,4\nnan\n", "line 3: 'nan' is no box and no code of VOT"),
        ("1\n1,2,3,4\n300\n", "line 3: '300' is no box and no code of VOT"),
    ],
)
def test_tables_that_cannot_be_read_are_told(tmp_path, dataset, content, message):
    (tmp_path / "Theirs").mkdir()
    (tmp_path / "Theirs" / "Jogging-1.csv").write_text(content)
    with pytest.raises(ResultsError) as caught:
        results.read(tmp_path / "Theirs", dataset)
    first, last = str(caught.value).split("\n")
    assert f"Jogging-1.csv {message}" in first
    assert last == f"{tmp_path / 'Theirs'} has no results of otb in the format otb"


def test_names_are_told_apart_by_their_paths():
    def named(*paths):
        made = [results.Results(Path(p).name, {}, path=Path(p)) for p in paths]
        return [result.tracker for result in results.distinct(made)]

    assert named("/runs/a/x", "/runs/b/x", "/runs/y") == ["a/x", "b/x", "y"]
    assert named("/r/a/x/d", "/r/b/x/d", "/r/b/y/d") == ["a/x/d", "b/x/d", "y/d"]
    assert named("/r/a/x", "/r/a/x", "/r/b/x") == ["x (1)", "x (2)", "b/x"]
    assert named("/x", "/a/x") == ["/x", "a/x"]


def test_missing_and_broken_files_are_told(tmp_path, dataset, vot):
    with pytest.raises(ResultsError, match=r"the results folder .*nothing is missing"):
        results.read(tmp_path / "nothing", dataset)
    folder = tmp_path / "Theirs"
    layouts.text(folder / "Jogging-1.txt", layouts.truth(20))
    with pytest.raises(ResultsError, match=r"-1\.txt is a file: give the folder .* as .*Theirs$"):
        results.read(folder / "Jogging-1.txt", dataset)
    with pytest.raises(ResultsError, match=r"a tracker's results are a folder, .*Theirs is one"):
        results.read(tmp_path, dataset)
    (folder / "Jogging-1.txt").unlink()
    with pytest.raises(ResultsError, match="has no results of otb in the format otb"):
        results.read(folder, dataset)
    with pytest.raises(ResultsError, match="there is no format 'xml': choose one of otb"):
        results.read(folder, dataset, "xml")
    with pytest.raises(ResultsError, match="there is no format 'xml'"):
        results.write(folder, dataset, {}, "xml")
    layouts.text(folder / "Jogging-1.txt", layouts.truth(20))
    read = results.read(folder, dataset)
    assert read.problems == (f"Jogging-2 has no result in {folder}",)
    (folder / "Jogging-2.txt").write_text("1,2,3,4\n1,2\n")
    read = results.read(folder, dataset)
    assert "Jogging-2.txt line 2: '1,2' has 2 numbers" in read.problems[0]
    assert list(read.runs) == ["Jogging-1"]
    broken = tmp_path / "B" / "baseline" / "bag" / "bag_001.txt"
    broken.parent.mkdir(parents=True)
    for text, message in (
        ("1\n3,4,5,6\n3,4\n", "line 3: '3,4' has 2 numbers"),
        ("1\n" + "3,4,5,6\n" * 6, "has 7 rows for 20 frames"),
    ):
        broken.write_text(text)
        with pytest.raises(ResultsError, match=f"bag_001.txt {message}.*\n.*has no results of vot"):
            results.read(tmp_path / "B", vot)


def test_not_numbers_and_codes_are_read(tmp_path, dataset):
    rows = layouts.truth(20)
    rows[5], rows[6, 2] = np.nan, 1e308
    for name in ("Jogging-1", "Jogging-2"):
        layouts.text(tmp_path / "Theirs" / f"{name}.txt", rows)
    run = results.read(tmp_path / "Theirs", dataset).runs["Jogging-1"][0]
    assert np.isnan(run.regions[5]).all() and np.isnan(run.regions[6, 2])
    assert run.codes[5] == trajectory.UNKNOWN


def test_matlab_files_of_other_kinds_are_refused(tmp_path, dataset):
    io = pytest.importorskip("scipy.io")
    folder = tmp_path / "Theirs"
    folder.mkdir()
    cell = np.empty((1, 1), object)
    cell[0, 0] = {"res": layouts.truth(20), "type": "ivtAff"}
    io.savemat(folder / "jogging-1_Theirs.mat", {"results": cell})
    (folder / "jogging-2_Theirs.mat").write_text("no")
    io.savemat(folder / "human4_Theirs.mat", {"results": {"res": np.ones((3, 5)), "type": "rect"}})
    with pytest.raises(ResultsError, match="no results of otb in the format otb_mat"):
        results.read(folder, dataset)
    cell[0, 0]["type"] = "rect"
    io.savemat(folder / "jogging-1_Theirs.mat", {"results": cell})
    read = results.read(folder, dataset)
    np.testing.assert_array_equal(read.boxes["Jogging-1"], layouts.truth(20) - [1, 1, 0, 0])
    assert "jogging-2_Theirs.mat is not a MATLAB file" in read.problems[0]


def test_unwritable_output_is_told(tmp_path, dataset):
    (tmp_path / "Ours").write_text("a file in the way")
    with pytest.raises(ResultsError, match=r"cannot write .*Jogging-1.txt"):
        results.write(tmp_path / "Ours", dataset, _runs(dataset), "otb")


def test_a_full_disk_leaves_the_old_file(tmp_path, dataset, monkeypatch):
    runs = _runs(dataset)
    results.write(tmp_path / "Ours", dataset, runs, "otb")
    before = (tmp_path / "Ours" / "Jogging-1.txt").read_bytes()

    def full(self, text, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(ResultsError, match=r"cannot write .*: No space left on device"):
        results.write(tmp_path / "Ours", dataset, runs, "otb")
    assert (tmp_path / "Ours" / "Jogging-1.txt").read_bytes() == before
