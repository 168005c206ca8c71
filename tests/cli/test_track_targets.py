import pytest

from dslt_jax.cli import targets
from dslt_jax.cli.box_text import BoxError


def write(tmp_path, text):
    path = tmp_path / "boxes.txt"
    path.write_text(text)
    return str(path)


def read(path, form=None):
    return [(name, box.pixels(160, 120)) for name, box, _ in targets.read_targets(path, form)]


@pytest.mark.parametrize(
    ("box", "arguments", "joined"),
    [
        ("20", ["40", "28", "24"], "20 40 28 24"),
        ("[20,", ["40,", "28,", "24]"], "[20, 40, 28, 24]"),
        ("x=20", ["y=40", "w=28", "h=24"], "x=20 y=40 w=28 h=24"),
        ("10%", ["20%", "15%", "-5"], "10% 20% 15% -5"),
        ("20,40,28,24", [], "20,40,28,24"),
    ],
)
def test_a_box_in_several_words(box, arguments, joined):
    assert targets.join_words(box, arguments) == (joined, [])
    assert targets.join_words(box, [*arguments, "clip.mp4", "7"]) == (joined, ["clip.mp4", "7"])
    assert targets.join_words(box, [*arguments, "7"]) == (joined, ["7"])


def test_a_box_file_gives_its_first_box(tmp_path):
    box = targets.read_box(write(tmp_path, "\ufeff# by hand\n\n1\t2\t3\t4\n5,6,seven,8\n")).box
    assert box.pixels(160, 120) == (1, 2, 3, 4)
    box = targets.read_box(write(tmp_path, "x1,y1,x2,y2\n1,2,4,6\n")).box
    assert box.pixels(160, 120) == (1, 2, 3, 4)
    with pytest.raises(BoxError, match="has 'cat' beside the box: --targets takes names"):
        targets.read_box(write(tmp_path, "1,2,3,4 cat\n"))


def test_targets_have_names_or_numbers(tmp_path):
    path = write(
        tmp_path, "1,2,3,4 cat\n5,6,7,8\n9 10 11 12, big-dog_2.a  # a comment\nant,1,2,3,4\n"
    )
    assert read(path) == [
        ("cat", (1, 2, 3, 4)),
        ("2", (5, 6, 7, 8)),
        ("big-dog_2.a", (9, 10, 11, 12)),
        ("ant", (1, 2, 3, 4)),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "id,x,y,w,h\n3,20,40,28,24\n7,60,60,30,20\n",
        "x,y,w,h,id\n20,40,28,24,3\n60,60,30,20,7\n",
        "Name; x1; y1; x2; y2; score\n3; 20; 40; 48; 64; 0.9\n7; 60; 60; 90; 80; 0.8\n",
        "frame\ttrack_id\tbb_left\tbb_top\tbb_width\tbb_height\n1\t3\t20\t40\t28\t24\n"
        "1\t7\t60\t60\t30\t20\n",
        "id cx cy w h\n3 34 52 28 24\n7 75 70 30 20\n",
        "# id x1 y1 x2 y2\n3,20,40,48,64\n\n7,60,60,90,80\n",
        "# MOT\n# id,x,y,w,h\n3,20,40,28,24\n7,60,60,30,20\n",
        "# MOT\nid,x,y,w,h\n3,12.5%,40,28,20%\n7,60,50%,30,20\n",
    ],
)
def test_a_header_names_the_columns(tmp_path, text):
    assert read(write(tmp_path, text)) == [("3", (20, 40, 28, 24)), ("7", (60, 60, 30, 20))]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("20,40,28,24,1\n60,60,30,20,2\n", ["1", "2"]),
        ("20,40,28,24,0\n", ["0"]),
        ("20,40,28,24 7\n60, 60, 30, 20  3\n", ["7", "3"]),
        ("20.5,40,28,24,7\n60,60,30,20,3\n", ["7", "3"]),
    ],
)
def test_five_numbers_whose_last_is_clearly_an_id(tmp_path, text, names):
    assert [name for name, _ in read(write(tmp_path, text))] == names


@pytest.mark.parametrize(
    "text",
    [
        "1,20,40,28,24\n2,60,60,30,20\n",
        "0 20 40 28 24\n",
        "1,20,40,28,1\n",  # either
        "0,20,40,28,24\n0,60,60,30,20\n",  # a class
        "12,20,40,28,24\n15,60,60,30,20\n",
        "1;20;40;28;24\n",
    ],
)
def test_five_numbers_that_leave_the_id_open_are_told(tmp_path, text):
    with pytest.raises(BoxError) as error:
        read(write(tmp_path, text))
    assert "is the first one an id, or the last? Say so in a first line" in str(error.value)


def test_the_format_is_that_of_every_line(tmp_path):
    path = write(tmp_path, "20,40,48,64 cat\n60,60,90,80\n")
    assert read(path, "xyxy") == [("cat", (20, 40, 28, 24)), ("2", (60, 60, 30, 20))]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "boxes.txt has no box in it"),
        ("# nothing\n", "boxes.txt has no box in it"),
        ("x,y,w,h\n", "boxes.txt has no box in it, only a header"),
        ("1,2,3,4\n1,2,3\n", "line 2 of"),
        ("1,2,3,4 ../etc\n", "names its target '../etc': files are called after it"),
        ("1,2,3,4 a b\n", "names its target 'a b'"),
        ("1,2,3,4 cat\n1,2,3,4 Cat\n", "names its target 'Cat', as a line before it does"),
        ("1,2,3,4 2\n1,2,3,4\n", "names its target '2', as a line before"),
        ("1,-1,20,40,28,24,-1,-1,-1,-1\n", "A first line such as frame,id,x,y,w,h names the"),
        (
            "20,40,48,41,48,64,20,64\n",
            "as a polygon has them: write the box around it, 20,40,28,24",
        ),
        (
            "0 0.2125 0.4 0.175 0.2\n",
            "as YOLO has them: write its middle and size as 21.25%,40%,17.5%,20%, with --box_f",
        ),
        ("[\n  20,\n  40\n]\n", "boxes.txt is '[', as JSON has it over several lines"),
        ("a,b,c,d\n1,2,3,4\n", "is 'a,b,c,d': a box has x,y,w,h, or x1,y1,x2,y2"),
        ("id,x,y,w\n1,2,3,4\n", "is 'id,x,y,w': a box has x,y,w,h"),
        ("id,x,y,w,h\n1,2,3,4\n", "with 4 columns where the header has 5"),
        ("id,x,y,w,h\n1,2,3,four,5\n", "where 'four' is no number"),
        ("frame,x,y,w,h\n0,1,2,3,4\n1,1,2,3,4\n", "has boxes of several frames, 0 and 1"),
        ("1,2,3,4\n" + "9" * 100_000 + "x,1,2,3\n", "has 100007 letters: four numbers are needed"),
    ],
)
def test_files_of_targets_that_are_not_right(tmp_path, text, message):
    with pytest.raises(BoxError) as error:
        read(write(tmp_path, text))
    assert message in str(error.value)


def test_a_file_that_a_shell_of_windows_wrote(tmp_path):
    (tmp_path / "boxes.txt").write_bytes("20,40,28,24\r\n".encode("utf-16"))
    assert targets.read_box(str(tmp_path / "boxes.txt")).box.pixels(160, 120) == (20, 40, 28, 24)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(BoxError, match=r"cannot read the boxes in .*none\.txt: No such file"):
        targets.read_box(str(tmp_path / "none.txt"))
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(BoxError, match=r"photo\.jpg is not a text file"):
        targets.read_targets(str(tmp_path / "photo.jpg"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "run `git lfs pull`"),
        ("../.git/annex/objects/1/2", "run `git annex get`"),
        ("\ufeff<!DOCTYPE html>\n<html>", "is a web page, saved in place of the file: follow"),
    ],
)
def test_what_stands_in_place_of_a_file_is_told(tmp_path, text, says):
    for read_file in (targets.read_box, targets.read_targets):
        with pytest.raises(BoxError, match=says):
            read_file(write(tmp_path, text))


@pytest.mark.parametrize("frame, said", [("0", False), ("1", False), ("6", True), ("start", False)])
def test_boxes_of_another_frame_are_told(run, fake, tmp_path, frame, said):
    path = tmp_path / "boxes.csv"
    path.write_text(f"frame,id,x,y,w,h\n{frame},a,10,12,20,16\n")
    for flag in ("--targets", "--box_file"):
        result = run("--novideo", f"{flag}={path}", box=None)
        assert result.status == 0
        note = "its boxes are of frame 6, and the run starts at frame 0: --start 6 begins there"
        assert (note in result.stderr) == said
    if said:
        later = run("--novideo", f"--start={frame}", f"--targets={path}", box=None)
        assert (later.status, later.stderr) == (0, "")
