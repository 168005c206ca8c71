"""Every layout's reader: names, frames, conventions, and a sentence for each fault."""

from pathlib import Path

import layouts
import numpy as np
import pytest

from dslt_jax.benchmarks import datasets, metrics
from dslt_jax.benchmarks.datasets import DatasetError, lists
from dslt_jax.benchmarks.datasets.textfile import read_regions, read_table

SHARED = Path(__file__).parents[3] / "shared"


def test_otb_folder(tmp_path):
    layouts.otb(tmp_path)
    dataset = datasets.load("otb", tmp_path)
    assert dataset.names == ("David", "Jogging-1", "Jogging-2", "Own")
    david = dataset["David"]
    assert (len(david), david.start) == (471, 300)
    assert [david.frames[i].name for i in (0, -1)] == ["0300.jpg", "0770.jpg"]
    np.testing.assert_array_equal(david.boxes, layouts.truth(471) - [1, 1, 0, 0])
    assert david.frame_size == layouts.SIZE
    np.testing.assert_array_equal(dataset["Jogging-2"].boxes, layouts.truth(307, 2) - [1, 1, 0, 0])
    assert dataset["Jogging-1"].attributes == ("OCC", "DEF", "OPR")
    own = dataset["Own"]
    assert own.attributes == ("OCC", "SV")
    assert [path.name for path in own.frames][::5] == ["0005.jpg", "0010.jpg"]


def test_otb_lists_are_the_benchmark():
    for name, count, frames in (
        ("otb100", 100, 59040),
        ("otb2013", 51, 29491),
        ("otb50", 50, None),
    ):
        names = lists.otb_names(name)
        assert len(names) == count
        if frames:
            entries = [lists.otb()[target] for target in names]
            assert sum(entry.last - entry.first + 1 for entry in entries) == frames
    attributes = [a for entry in lists.otb().values() for a in entry.attributes]
    counts = {attribute: attributes.count(attribute) for attribute in set(attributes)}
    assert counts == {
        "IV": 38,
        "OPR": 64,
        "SV": 65,
        "OCC": 49,
        "DEF": 44,
        "MB": 31,
        "FM": 43,
        "IPR": 51,
        "OV": 14,
        "BC": 32,
        "LR": 10,
    }


def test_tiger1_starts_at_frame_six(tmp_path):
    layouts.text(tmp_path / "Tiger1.txt", layouts.truth(354))
    tiger = datasets.load("otb100", None, tmp_path)["Tiger1"]
    assert (len(tiger), tiger.start, tiger.skipped) == (349, 6, 5)
    np.testing.assert_array_equal(tiger.boxes, layouts.truth(354)[5:] - [1, 1, 0, 0])
    layouts.text(tmp_path / "Tiger1.txt", layouts.truth(349))  # a copy that is cut already
    assert len(datasets.load("otb100", None, tmp_path)["Tiger1"]) == 349


def test_second_target_of_human4_alone(tmp_path):
    layouts.text(tmp_path / "Human4" / "groundtruth_rect.2.txt", layouts.truth(4))
    (tmp_path / "Human4" / "groundtruth_rect.1.txt").write_text("")
    assert datasets.load("otb", tmp_path).names == ("Human4-2",)
    assert len(datasets.load("otb100", tmp_path)["Human4-2"]) == 4


@pytest.mark.parametrize("wrong", ["..", "David", "David/img", "../.."])
def test_root_at_the_wrong_level_is_found_and_told(tmp_path, wrong):
    root = tmp_path / "data" / "otb"
    layouts.text(root / "David" / "groundtruth_rect.txt", layouts.truth(3))
    (root / "David" / "img").mkdir()
    dataset = datasets.load("otb", root / wrong)
    assert dataset.names == ("David",)
    assert dataset.root.resolve() == root
    assert "holds no sequences: using" in dataset.notes[0]
    assert datasets.load("otb", root).notes == ()


@pytest.mark.parametrize("name", ["otb", "vot", "got10k", "lasot", "generic", "uav123"])
def test_what_lies_beside_the_root_is_not_taken_for_it(tmp_path, name):
    for folder in (tmp_path / "David", tmp_path / "cat" / "cat-1", tmp_path / "anno" / "UAV123"):
        layouts.images(folder, 1, 3)
        layouts.text(folder / "groundtruth.txt", layouts.truth(3))
        layouts.text(folder / "groundtruth_rect.txt", layouts.truth(3))
    (tmp_path / "mine" / "frames").mkdir(parents=True)
    for root in (tmp_path / "mine", tmp_path / "mine" / "frames"):
        with pytest.raises(DatasetError, match=rf"there are no sequences in {root}, below it or"):
            datasets.load(name, root)


def test_faults_are_sentences(tmp_path):
    with pytest.raises(DatasetError, match="there is no dataset 'otb1000': choose one of otb"):
        datasets.load("otb1000", tmp_path)
    with pytest.raises(DatasetError, match="needs a root with its sequences"):
        datasets.load("otb", None)
    with pytest.raises(DatasetError, match=r"nowhere is not a folder"):
        datasets.load("otb", tmp_path / "nowhere")
    empty = tmp_path / "a" / "b" / "c"
    empty.mkdir(parents=True)
    with pytest.raises(DatasetError, match=r"there are no sequences in .*c, below it or above it"):
        datasets.load("otb", empty)
    layouts.otb(tmp_path / "otb")
    dataset = datasets.load("otb100", tmp_path / "otb")
    with pytest.raises(DatasetError, match=r"the sequence folder .*Walking is missing"):
        dataset["Walking"]
    with pytest.raises(DatasetError, match="otb100 has no sequence 'Nobody'"):
        dataset["Nobody"]
    with pytest.raises(DatasetError, match="otb100 has no sequence 'Nobody'"):
        dataset.subset(["Nobody"])
    (tmp_path / "otb" / "David" / "groundtruth_rect.txt").write_text("\n")
    with pytest.raises(DatasetError, match=r"groundtruth_rect.txt is empty"):
        dataset["David"]
    annotated = datasets.load("otb100", None, _flat(tmp_path / "flat"))
    with pytest.raises(DatasetError, match="Deer has no images: only annotations were given"):
        _ = annotated["Deer"].frames


def _flat(folder):
    layouts.text(folder / "Deer.txt", layouts.truth(71))
    return folder


@pytest.mark.parametrize("delimiter", [",", "\t", " ", ";", ", "])
def test_delimiters(tmp_path, delimiter):
    layouts.text(tmp_path / "t.txt", layouts.truth(5), delimiter)
    np.testing.assert_array_equal(read_table(tmp_path / "t.txt"), layouts.truth(5))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1,2,3,4\n1|2|3|4\n", r"line 2: '1\|2\|3\|4' is not 4 numbers"),
        ("1,2,3,4\n1,2,3\n", "line 2: '1,2,3' has 3 numbers, it needs 4 numbers"),
        ("1,2,3,4\n\n1,2,3,4\n", "line 2: '' has nothing, it needs 4 numbers"),
        ("1,2,3\n4,5,6\n1,2,3\n7,8,9\n", "line 1: '1,2,3' has 3 numbers"),
        ("1,2,3,x\n", "line 1: '1,2,3,x' is not 4 numbers"),
        ("1 2 3 4 5\n1 2 3\n", "line 1: '1 2 3 4 5' has 5 numbers"),
        ("  \n \n", "is empty: it needs a line of 4 numbers a frame"),
    ],
)
def test_mis_delimited_text(tmp_path, content, message):
    (tmp_path / "t.txt").write_text(content)
    with pytest.raises(DatasetError, match=message):
        read_table(tmp_path / "t.txt")


def test_files_that_are_no_text(tmp_path):
    with pytest.raises(DatasetError, match=r"none.txt is missing"):
        read_table(tmp_path / "none.txt")
    (tmp_path / "t.txt").write_bytes(b"\xff\x00\x81")
    with pytest.raises(DatasetError, match="is not a text file"):
        read_table(tmp_path / "t.txt")
    (tmp_path / "d.txt").mkdir()
    with pytest.raises(DatasetError, match="cannot be read"):
        read_table(tmp_path / "d.txt")


def test_nan_rows_and_byte_order_mark(tmp_path):
    (tmp_path / "t.txt").write_text("\ufeff1,2,3,4\nNaN,NaN,NaN,NaN\n", encoding="utf-8")
    values = read_table(tmp_path / "t.txt")
    assert values[0].tolist() == [1, 2, 3, 4]
    assert np.isnan(values[1]).all()


def test_uav123(tmp_path):
    for name, folder, first, count in (("bird1_2", "bird1", 775, 703), ("uav2", "uav2", 1, 133)):
        layouts.images(tmp_path / "data_seq" / "UAV123" / folder, first, 3, digits=6)
        rows = layouts.truth(count)
        rows[2] = np.nan
        layouts.text(tmp_path / "anno" / "UAV123" / f"{name}.txt", rows)
    layouts.text(
        tmp_path / "anno" / "UAV123" / "att" / "uav2.txt", [[1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]]
    )
    dataset = datasets.load("uav123", tmp_path)
    assert len(dataset) == 123
    bird = dataset["bird1_2"]
    assert (len(bird), bird.start) == (703, 775)
    assert bird.frames[0].relative_to(tmp_path).as_posix() == "data_seq/UAV123/bird1/000775.jpg"
    assert np.isnan(bird.boxes[2]).all()
    assert dataset["uav2"].attributes == ("SV", "LR", "SOB")
    assert len(datasets.load("uav20l", tmp_path)) == 20
    assert datasets.load("uav123", tmp_path / "anno").notes


@pytest.mark.skipif(not (SHARED / "data" / "uav123_anno").is_dir(), reason="no UAV123 annotations")
def test_uav123_has_as_many_frames_as_published():
    root = SHARED / "data" / "uav123_anno"
    absent = [np.isnan(s.boxes).any(axis=1).sum() for s in datasets.load("uav123", None, root)]
    assert (sum(absent), np.count_nonzero(absent)) == (2683, 33)
    assert sum(map(len, datasets.load("uav123", None, root))) == 112_578
    assert sum(map(len, datasets.load("uav20l", None, root))) == 58_670


def test_tc128(tmp_path):
    folder = tmp_path / "Ball_ce1"
    layouts.images(folder / "img", 11, 5)
    layouts.text(folder / "Ball_ce1_gt.txt", layouts.truth(5))
    (folder / "Ball_ce1_frames.txt").write_text("11,15\n")
    (folder / "Ball_ce1_att.txt").write_text("OCC,SV\n")
    dataset = datasets.load("tc128", tmp_path)
    assert len(dataset) == 129
    ball = dataset["Ball_ce1"]
    assert (ball.start, ball.attributes) == (11, ("OCC", "SV"))
    assert [ball.frames[i].name for i in (0, -1)] == ["0011.jpg", "0015.jpg"]
    np.testing.assert_array_equal(ball.boxes, layouts.truth(5) - [1, 1, 0, 0])
    for first in ("nan", "inf", "-inf", "-1"):
        (folder / "Ball_ce1_frames.txt").write_text(f"{first},15\n")
        with pytest.raises(DatasetError, match=f"frames.txt has no number .*: {first}"):
            datasets.load("tc128", tmp_path)["Ball_ce1"]


@pytest.mark.parametrize("place", ["", "color"])
def test_vot(tmp_path, place):
    polygons = np.array([[5, 0, 10, 5, 5, 10, 0, 5]] * 3) + np.arange(3)[:, None] / 4
    layouts.images(tmp_path / "bag" / place, 1, 3, digits=8)
    layouts.text(tmp_path / "bag" / "groundtruth.txt", polygons)
    (tmp_path / "bag" / "occlusion.tag").write_text("0\n1\n")
    (tmp_path / "bag" / "camera_motion.label").write_text("0\n0\n0\n")
    layouts.text(tmp_path / "cup" / "groundtruth.txt", layouts.truth(3))
    dataset = datasets.load("vot2016", tmp_path)
    assert dataset.policy == "vot"
    assert dataset.names == ("bag", "cup")
    bag = dataset["bag"]
    np.testing.assert_array_equal(bag.ground_truth, polygons)
    np.testing.assert_array_equal(bag.boxes[1], [0.25, 0.25, 10, 10])
    assert bag.tags["occlusion"].tolist() == [False, True, False]
    assert bag.attributes == ("occlusion",)
    assert bag.frames[2].name == "00000003.jpg"
    (tmp_path / "list.txt").write_text("cup\n")
    assert datasets.load("vot", tmp_path).names == ("cup",)


@pytest.mark.parametrize("name", ["vot", "generic"])
def test_boxes_and_absent_rows_among_polygons(tmp_path, name):
    layouts.images(tmp_path / "bag", 1, 6, digits=8)
    lines = ["5,0,10,5,5,10,0,5", "1,2,3,4", "NaN,NaN,NaN,NaN", "0", "nan," * 7 + "1", "", ""]
    (tmp_path / "bag" / "groundtruth.txt").write_text("\n".join([*lines[:2], *lines[1:]]) + "\n")
    truth = datasets.load(name, tmp_path)["bag"].ground_truth
    assert truth[0].tolist() == [5, 0, 10, 5, 5, 10, 0, 5]
    assert truth[1].tolist() == truth[2].tolist() == [1, 2, 4, 2, 4, 6, 1, 6]
    assert np.isnan(truth[3:]).all() and truth.shape == (6, 8)
    assert datasets.load(name, tmp_path)["bag"].boxes[1].tolist() == [1, 2, 3, 4]


def test_frames_after_the_last_row_of_vot_have_no_truth(tmp_path):
    layouts.images(tmp_path / "bag", 1, 5, digits=8)
    layouts.text(tmp_path / "bag" / "groundtruth.txt", layouts.truth(3))
    bag = datasets.load("vot", tmp_path)["bag"]
    assert len(bag) == len(bag.frames) == 5
    assert np.isnan(bag.boxes[3:]).all() and np.isfinite(bag.boxes[:3]).all()
    assert len(datasets.load("vot", None, tmp_path)["bag"]) == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "1,2,3,4\n1,2,3,4,5,6,7,8\n1,2,3\n",
            "line 3: '1,2,3' has 3 numbers, it needs 4 numbers or",
        ),
        ("1,2,3,4\n2\n", "line 2: '2' is no region"),
        ("1,2,3,4\n\n1,2,3,4\n", "line 2: '' has nothing"),
        ("1,2,3,4\n1,2,x,4\n", "line 2: '1,2,x,4' is not"),
        ("0\n0\n", "line 1: '0' has 1 number"),
        ("version https://git-lfs.github.com/spec/v1\noid", "is a pointer of Git LFS"),
        ("\n", "is empty"),
    ],
)
def test_lines_that_are_no_regions(tmp_path, content, message):
    (tmp_path / "t.txt").write_text(content)
    with pytest.raises(DatasetError, match=message):
        read_regions(tmp_path / "t.txt")


def test_lasot(tmp_path):
    folder = tmp_path / "cat" / "cat-20"
    layouts.images(folder / "img", 1, 4, digits=8)
    layouts.text(folder / "groundtruth.txt", layouts.truth(4))
    (folder / "full_occlusion.txt").write_text("0,1,0,0")
    (folder / "out_of_view.txt").write_text("0,0,0,1")
    layouts.text(tmp_path / "cat" / "cat-3" / "groundtruth.txt", layouts.truth(4))
    layouts.text(tmp_path / "cat" / "cat-3_old" / "groundtruth.txt", layouts.truth(4))
    dataset = datasets.load("lasot", tmp_path)
    assert dataset.names == ("cat-3", "cat-20")
    assert dataset["cat-20"].tags["absent"].tolist() == [False, True, False, True]
    assert dataset["cat-20"].frames[0].name == "00000001.jpg"
    (tmp_path / "testing_set.txt").write_text("cat-20\n")
    assert datasets.load("lasot", tmp_path).names == ("cat-20",)
    (tmp_path / "testing_set.txt").write_text("\n")
    with pytest.raises(DatasetError, match=r"lasot has no sequence in .*: its list is empty"):
        datasets.load("lasot", tmp_path)
    (tmp_path / "testing_set.txt").unlink()
    (folder / "out_of_view.txt").write_text("0")
    with pytest.raises(DatasetError, match=r"out_of_view.txt has 1 marks for 4 frames"):
        datasets.load("lasot", tmp_path)["cat-20"]


def test_lasot_without_folders_of_classes(tmp_path):
    layouts.images(tmp_path / "cat-20" / "img", 1, 4, digits=8)
    layouts.text(tmp_path / "cat-20" / "groundtruth.txt", layouts.truth(4))
    dataset = datasets.load("lasot", tmp_path)
    assert (dataset.names, dataset.notes) == (("cat-20",), ())
    assert dataset["cat-20"].frames[0].is_file()


def test_a_table_in_utf_16_is_read(tmp_path):
    (tmp_path / "t.txt").write_bytes("1,2,3,4\r\n5,6,7,8\r\n".encode("utf-16"))
    np.testing.assert_array_equal(read_table(tmp_path / "t.txt"), [[1, 2, 3, 4], [5, 6, 7, 8]])


def test_masks_are_told(tmp_path):
    (tmp_path / "t.txt").write_text("m20,40,28,24,0,672\n")
    with pytest.raises(DatasetError, match=r"line 1: 'm20,.*' is a mask, .* `dslt vot init`"):
        read_regions(tmp_path / "t.txt")


def test_got10k(tmp_path):
    folder = tmp_path / "val" / "GOT-10k_Val_000001"
    layouts.images(folder, 1, 3, digits=8)
    layouts.text(folder / "groundtruth.txt", layouts.truth(3))
    (folder / "absence.label").write_text("0\n0\n1\n")
    (folder / "cover.label").write_text("8\n0\n0\n")
    (folder / "meta_info.ini").write_text("[METAINFO]\nresolution: (64, 48)\n")
    (tmp_path / "val" / "list.txt").write_text("GOT-10k_Val_000001\n")
    dataset = datasets.load("got10k", tmp_path)
    assert "using" in dataset.notes[0]
    sequence = dataset[0]
    assert sequence.image_size == (64, 48)
    assert sequence.tags["absent"].tolist() == [False, True, True]
    np.testing.assert_array_equal(sequence.boxes, layouts.truth(3))
    (folder / "cover.label").write_text("8\n")
    with pytest.raises(DatasetError, match=r"cover.label has 1 rows for 3 frames"):
        datasets.load("got10k", tmp_path)[0]


@pytest.mark.parametrize("name", ["vot", "got10k"])
def test_names_in_a_list_may_have_spaces(tmp_path, name):
    for folder in ("aa", "with space"):
        layouts.images(tmp_path / folder, 1, 3, digits=8)
        layouts.text(tmp_path / folder / "groundtruth.txt", layouts.truth(3))
    (tmp_path / "list.txt").write_text("aa\nwith space\n\n")
    assert datasets.load(name, tmp_path).names == ("aa", "with space")


def test_the_test_split_of_got10k_is_tracked_and_not_scored(tmp_path):
    """Its annotations are the first frame's box."""
    layouts.images(tmp_path / "GOT-10k_Test_000001", 1, 5, digits=8)
    layouts.text(tmp_path / "GOT-10k_Test_000001" / "groundtruth.txt", layouts.truth(1))
    sequence = datasets.load("got10k", tmp_path)[0]
    assert len(sequence) == len(sequence.frames) == 5
    assert np.isfinite(sequence.boxes[0]).all() and np.isnan(sequence.boxes[1:]).all()
    with pytest.raises(ValueError, match="nothing but first boxes is known"):
        metrics.evaluate([sequence], {sequence.name: np.tile(sequence.boxes[0], (5, 1))})


def test_folders_whose_listing_fails_are_passed_over(tmp_path, monkeypatch):
    """As of a user who may not read them."""
    root = tmp_path / "a" / "b"  # what lies above it, two folders up, is this test's too
    (root / "secret").mkdir(parents=True)
    (root / "open").mkdir()
    iterate = Path.iterdir

    def iterdir(path):
        if path.name == "secret":
            raise PermissionError(13, "Permission denied", str(path))
        return iterate(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    for name in ("otb", "generic", "vot"):
        with pytest.raises(DatasetError, match="there are no sequences in"):
            datasets.load(name, root)
