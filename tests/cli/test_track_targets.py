import pytest

from dslt_jax.cli import targets
from dslt_jax.cli.targets import Target, TargetError


@pytest.mark.parametrize("text", ["1,2.5,30,4e1", " 1, 2.5, 30, 40 ", "1 2.5\t30 40"])
def test_four_numbers_are_a_box(text):
    assert targets.parse_box(text) == (1, 2.5, 30, 40)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3", "--box is '1,2,3', which is 3 numbers: four numbers are needed: x,y,w,h"),
        ("7", "--box is '7', which is 1 number: four"),
        ("1,2,3,4,5", "with '5' behind the box"),
        ("a,2,3,4", "where 'a' is no number"),
        ("", "where '' is no number"),
        ("1,,3,4", "where '' is no number"),
        ("nan,2,3,4", "every number must be finite"),
        ("1,2,inf,4", "every number must be finite"),
    ],
)
def test_what_is_no_box(text, message):
    with pytest.raises(TargetError) as error:
        targets.parse_box(text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((10, 10, 0, 20), "the box is 10,10,0,20: its width and height must be positive"),
        ((10, 10, 20, -5), "10,10,20,-5: its width and height must be positive"),
        ((10, 10, 1, 1), "too small to follow, its sides must be 4 pixels or more"),
        ((10, 10, 30, 3.9), "too small to follow"),
        ((0, 0, 101, 50), "larger than the frame, which has 100 x 80 pixels"),
        ((0, 0, 50, 81), "larger than the frame"),
        ((200, 10, 20, 20), "outside the frame of 100 x 80 pixels; its middle must be inside"),
        ((10, -50, 20, 20), "outside the frame"),
        ((91, 10, 20, 20), "outside the frame"),
    ],
)
def test_boxes_that_cannot_be_followed(box, message):
    with pytest.raises(TargetError) as error:
        targets.check_box(box, 100, 80, 4.0)
    assert message in str(error.value)


@pytest.mark.parametrize("box", [(0, 0, 100, 80), (-9, 10, 20, 20), (90, 70, 20, 20), (5, 5, 4, 4)])
def test_boxes_that_can(box):
    targets.check_box(box, 100, 80, 4.0)


def write(tmp_path, text):
    path = tmp_path / "boxes.txt"
    path.write_text(text)
    return str(path)


def test_a_box_file_gives_its_first_box(tmp_path):
    path = write(tmp_path, "\ufeff# by hand\n\n1\t2\t3\t4\n5,6,7,8\n")
    assert targets.read_box(path) == (1, 2, 3, 4)


def test_targets_have_names_or_numbers(tmp_path):
    path = write(tmp_path, "1,2,3,4 cat\n5,6,7,8\n9 10 11 12, big-dog_2.a  # a comment\n")
    assert targets.read_targets(path) == [
        Target("cat", (1, 2, 3, 4)),
        Target("2", (5, 6, 7, 8)),
        Target("big-dog_2.a", (9, 10, 11, 12)),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "boxes.txt has no box in it"),
        ("# nothing\n", "boxes.txt has no box in it"),
        ("1,2,3,4\n1,2,3\n", "line 2 of"),
        ("1,2,3,4 ../etc\n", "names its target '../etc': files are called after it"),
        ("1,2,3,4 a b\n", "names its target 'a b'"),
        ("1,2,3,4 cat\n1,2,3,4 Cat\n", "names its target 'Cat', as a line before it does"),
        ("1,2,3,4 2\n1,2,3,4\n", "names its target '2', as a line before"),
    ],
)
def test_files_of_targets_that_are_not_right(tmp_path, text, message):
    with pytest.raises(TargetError) as error:
        targets.read_targets(write(tmp_path, text))
    assert message in str(error.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(TargetError, match=r"cannot read the boxes in .*none\.txt: No such file"):
        targets.read_box(str(tmp_path / "none.txt"))
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(TargetError, match=r"photo\.jpg is not a text file"):
        targets.read_targets(str(tmp_path / "photo.jpg"))
