import clips
import numpy as np
import pytest
from PIL import Image

from dslt_jax.media.frames import DamagedFrame, FramesError, open_frames


@pytest.fixture
def folder(tmp_path):
    for number in (1, 2, 10):
        Image.new("RGB", (8 + number, 8), (number, 0, 0)).save(tmp_path / f"{number}.png")
    return tmp_path


def reds(path):
    return [int(frame.image[0, 0, 0]) for frame in open_frames(path)]


def test_a_folder_a_glob_and_a_file(folder):
    assert reds(folder) == [1, 2, 10]
    assert reds(str(folder / "1*.png")) == [1, 10]
    assert reds(folder / "2.png") == [2]


def test_a_glob_of_one_video_is_that_video_and_one_of_several_is_told(tmp_path):
    pytest.importorskip("av")
    clips.write_clip(tmp_path / "a.mp4")
    assert clips.shades(open_frames(str(tmp_path / "*.mp4"))) == list(range(10))
    clips.write_clip(tmp_path / "b.mp4")
    says = r"\*\.mp4 matches 2 videos \(a\.mp4, b\.mp4\), and a glob is of images: the input is one"
    with pytest.raises(FramesError, match=says):
        open_frames(str(tmp_path / "*.mp4"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("www.example.com/a.mp4", "if it is an address, it begins with http://"),
        ("192.168.0.9:8000/a.mp4", "if it is an address, it begins with http://"),
        ("http:/host/a.mp4", "if it is an address, it begins with http://"),
        ("rtsp//host/1", "if it is an address, it begins with http://"),
        ("file:a.mp4", "a file is given by its path alone"),
        ("pipe:0", "standard input is -"),
    ],
)
def test_what_is_nearly_an_address_is_told(text, says):
    with pytest.raises(FramesError, match=f"there is no file, folder or camera '{text}': {says}"):
        open_frames(text)


@pytest.mark.parametrize(
    "slip",
    ["'{}'", '"{}"', "“{}”", "{} ", "{}/", "{}\r", "{}\n"],
)
def test_what_is_nearly_a_file_is_told(tmp_path, monkeypatch, slip):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Clip ü.mp4").touch()
    for text in (slip.format("Clip ü.mp4"), "clip ü.MP4", "clip ü", "Clip u\u0308.mp4", "Clip.mp4"):
        with pytest.raises(FramesError, match=r"did you mean Clip ü\.mp4\?$") as error:
            open_frames(text)
        assert str(error.value).isprintable()


def test_a_pattern_as_other_tools_have_it(folder):
    assert reds(folder / "%d.png") == [1, 2, 10]
    assert reds(folder / "%02d.png") == [10]
    (folder / "1.png").rename(folder / "a 0001.png")
    assert reds(folder / "a %04d.png") == [1]
    for name in ("%03d.png", "gone/%d.png"):
        with pytest.raises(FramesError, match=rf"no file matches .*{name}"):
            open_frames(folder / name)


def test_a_video_that_is_called_as_an_image(tmp_path):
    pytest.importorskip("av")
    clips.write_clip(tmp_path / "a.mp4").rename(tmp_path / "a.gif")
    assert clips.shades(open_frames(tmp_path / "a.gif")) == list(range(10))


def test_the_frame_size_may_change(folder):
    assert [frame.image.shape[1] for frame in open_frames(folder)] == [9, 10, 18]


def test_an_image_that_vanishes_is_a_damaged_frame(folder):
    source = open_frames(folder)
    (folder / "2.png").unlink()
    first, second, third = source
    assert isinstance(second.image, DamagedFrame)
    assert "2.png is missing" in second.image.reason
    assert isinstance(first.image, np.ndarray) and isinstance(third.image, np.ndarray)


def test_a_video(tmp_path):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "clip.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 99, np.uint8), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    (frame,) = open_frames(tmp_path / "clip.mp4")
    assert abs(int(frame.image.mean()) - 99) < 3


def test_a_number_is_a_camera_unless_a_file_is_called_so(folder, monkeypatch):
    assert open_frames("3").name == "camera 3"
    (folder / "1.png").rename(folder / "3")
    monkeypatch.chdir(folder)
    assert open_frames("3").name == "3"


@pytest.mark.parametrize("name", ["~/2.png", "$HOME/2.png", "${HOME}/2.png", "~/./2.png"])
def test_what_a_shell_would_have_filled_in(folder, monkeypatch, name):
    monkeypatch.setenv("HOME", str(folder))
    assert reds(name) == [2]
    assert reds("~") == [1, 2, 10]
    assert reds("~/1*.png") == [1, 10]
    with pytest.raises(FramesError, match=f"there is no file, folder or camera '{folder}/gone'"):
        open_frames("~/gone")


def test_a_file_whose_name_has_such_signs(folder, monkeypatch):
    (folder / "~").mkdir()
    (folder / "2.png").rename(folder / "~" / "$HOME.png")
    monkeypatch.chdir(folder)
    assert reds("~/$HOME.png") == [2]


def test_a_file_by_its_address(folder):
    (folder / "2.png").rename(folder / "a b.png")
    assert reds(f"file://{folder}/a%20b.png") == [2]
    assert reds(f"file://{folder}") == [1, 10, 2]


def test_the_device_of_a_camera():
    assert open_frames("/dev/video7").name == "camera 7"


@pytest.mark.parametrize("name", ["", "  "])
def test_an_empty_input(name):
    with pytest.raises(FramesError, match="the input is empty"):
        open_frames(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing.mp4", r"there is no file, folder or camera '.*nothing\.mp4'"),
        ("*.xyz", r"no file matches .*\*\.xyz"),
    ],
)
def test_nothing_there(folder, name, message):
    with pytest.raises(FramesError, match=message):
        open_frames(folder / name)
