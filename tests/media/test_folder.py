import numpy as np
import pytest
from PIL import Image

from dslt_jax.media import folder
from dslt_jax.media.frames import open_frames
from dslt_jax.media.source import DamagedFrame, FramesError


def noise(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (20, 30, 3), np.uint8)


def save(path, image, **options):
    Image.fromarray(image).save(path, **options)
    return path


def test_a_folder_is_read_in_natural_order(tmp_path):
    for name in ("10.png", "2.PNG", "1.png", ".hidden.png", "notes.txt"):
        (tmp_path / name).write_text("")
    save(tmp_path / "2.PNG", noise(seed=2), format="PNG")
    source = folder.open_folder(tmp_path)
    assert source.count == 3
    frames = list(source)
    assert [frame.name for frame in frames] == ["1.png", "2.PNG", "10.png"]
    assert [isinstance(frame.image, DamagedFrame) for frame in frames] == [True, False, True]
    assert "1.png is empty" in frames[0].image.reason
    np.testing.assert_array_equal(frames[1].image, noise(seed=2))


def test_a_folder_without_images_points_to_the_one_below(tmp_path):
    with pytest.raises(FramesError, match=r"the folder .* is empty$"):
        folder.open_folder(tmp_path)
    (tmp_path / "img").mkdir()
    with pytest.raises(FramesError, match=r"has no images \(\.apng, .*\)\.$"):
        folder.open_folder(tmp_path)
    save(tmp_path / "img" / "1.png", noise())
    with pytest.raises(FramesError, match=r"has no images .* Its folder img has 1\.$"):
        folder.open_folder(tmp_path)


def test_a_folder_that_may_not_be_listed(tmp_path, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "iterdir", refuse)
    with pytest.raises(FramesError, match="no permission to list the folder"):
        folder.open_folder(tmp_path)


@pytest.mark.parametrize(
    ("numbers", "note"),
    [
        ([1, 2, 3, 4], None),
        ([5, 10, 15, 20], None),
        ([1, 2, 4, 5], "between 0002.png and 0004.png: the boxes"),
        ([1, 2, 4, 5, 6, 9], "between 0002.png and 0004.png and in 1 more places"),
    ],
)
def test_missing_numbers_are_noted(tmp_path, numbers, note):
    for number in numbers:
        (tmp_path / f"{number:04}.png").touch()
    notes = folder.open_folder(tmp_path).notes
    assert (not notes) if note is None else note in notes[0]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["b.MP4"],
            r"has no images, but 1 video \(b\.MP4\): the input is one of them, e\.g\. .*/b\.MP4",
        ),
        (
            ["clip10.mov", "clip2.mkv", "clip1.avi", "notes.txt", ".clip0.mp4", "clip11.webm"],
            r"4 videos \(clip1\.avi, clip2\.mkv, clip10\.mov and 1 more\): .* e\.g\. .*/clip1\.avi",
        ),
    ],
)
def test_a_folder_of_videos_is_told(tmp_path, names, message):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(FramesError, match=message):
        open_frames(tmp_path)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["a.HEIC", "b.HEIC", "c.txt"], r"It has 2 \.HEIC files: frames .* converted first"),
        (["frame1", "frame2"], "It has 2 files without a suffix: images need that of their kind"),
    ],
)
def test_a_folder_of_other_files_says_which(tmp_path, names, says):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(FramesError, match=says):
        open_frames(tmp_path)


@pytest.mark.parametrize(
    ("names", "pair"),
    [
        (["{:03}.jpg", "{:03}_mask.png"], "001.jpg and 001_mask.png"),
        (["{:03}.jpg", "{:03}.png"], "001.jpg and 001.png"),
        (["left_{}.jpg", "right_{}.jpg"], "left_1.jpg and right_1.jpg"),
        (["cam_left_t0.{:02}s.PNG"], None),
        (["a_{}.jpg", "1_{}.JPG"], None),
    ],
)
def test_images_that_come_twice_are_noted(tmp_path, names, pair):
    for number in range(1, 4):
        for name in names:
            (tmp_path / name.format(number)).touch()
    notes = open_frames(tmp_path).notes
    assert [f"same numbers, {pair}: all are taken" in note for note in notes] == [True] * bool(pair)


def test_images_two_folders_below_are_told(tmp_path):
    for name, count in (("A", 2), ("B", 3)):
        (tmp_path / name / "img").mkdir(parents=True)
        for number in range(count):
            (tmp_path / name / "img" / f"{number}.png").touch()
    with pytest.raises(FramesError, match=r"has no images .* Its folder B/img has 3\."):
        open_frames(tmp_path)


def test_of_images_and_videos_the_images_are_taken_and_a_note_says_so(tmp_path):
    save(tmp_path / "a.png", noise())
    (tmp_path / "b.mp4").touch()
    source = open_frames(tmp_path)
    assert source.count == len(list(source)) == 1
    assert source.notes == (
        f"the folder {tmp_path} has images and 1 video (b.mp4): the images are taken",
    )


def test_what_is_no_image_beside_a_globs_images_is_left_out_and_told(tmp_path):
    for name in ("1.png", "2.png"):
        save(tmp_path / name, noise())
    for name in ("0_info.json", "Thumbs.db"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "sub.png").mkdir()
    source = open_frames(f"{tmp_path}/*")
    assert [frame.name for frame in source] == ["1.png", "2.png"]
    assert source.notes[0].endswith(
        "matches 0_info.json and 1 more, no image by its name: left out"
    )
    assert folder.open_folder(tmp_path).count == 2
    (tmp_path / "a.dat").write_bytes((tmp_path / "1.png").read_bytes())
    assert [frame.name for frame in open_frames(f"{tmp_path}/*.dat")] == ["a.dat"]


def test_a_picture_is_read_only_when_it_is_wanted(tmp_path, monkeypatch):
    for number in range(6):
        save(tmp_path / f"{number}.png", noise(number))
    read = []
    real = folder.images.read_image
    monkeypatch.setattr(
        folder.images, "read_image", lambda path, depth: read.append(path.name) or real(path, depth)
    )
    assert [frame.index for frame in open_frames(tmp_path, 2, "4")] == [2, 3]
    assert read == ["2.png", "3.png"]
