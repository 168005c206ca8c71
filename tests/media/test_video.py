import builtins
import os
from fractions import Fraction

import clips
import numpy as np
import pytest

from dslt_jax.media import video
from dslt_jax.media.frames import open_frames
from dslt_jax.media.source import DamagedFrame, FramesError

av = pytest.importorskip("av")

FRAMES, WIDTH, HEIGHT = 40, 160, 120


def write_video(path, frames=FRAMES, rotation=0, **options):
    """Noise, so that every packet has some length, with the frame's number as its left half."""
    draw = np.random.default_rng(0)
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "veryfast", "g": "10"}
        if rotation:
            stream.set_display_rotation(rotation)
        for number in range(frames):
            image = draw.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
            image[:, : WIDTH // 2] = 5 * number
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


def number(image):
    return round(float(image[:, :60].mean()) / 5)


def read_all(path):
    """The frames that come, and the error at their end."""
    frames = []
    try:
        for frame in video.open_video(path):
            frames.append(frame)
    except FramesError as error:
        return frames, str(error)
    return frames, None


def test_frames_come_in_order(tmp_path):
    source = video.open_video(write_video(tmp_path / "a.mp4"))
    assert (source.count, source.fps) == (FRAMES, 25.0)
    frames = list(source)
    assert [number(frame.image) for frame in frames] == list(range(FRAMES))
    assert frames[3].image.shape == (HEIGHT, WIDTH, 3)
    assert frames[3].image.dtype == np.uint8
    assert frames[3].name == "0.120 s"


@pytest.mark.parametrize("name", ["a.mkv", "a.avi"])
def test_other_containers_count_too(tmp_path, name):
    source = video.open_video(write_video(tmp_path / name))
    assert source.count == FRAMES
    assert len(list(source)) == FRAMES


def test_display_rotation_is_applied(tmp_path):
    frame = next(iter(video.open_video(write_video(tmp_path / "a.mp4", 5, rotation=90))))
    assert frame.image.shape == (WIDTH, HEIGHT, 3)
    # Turned anticlockwise, the dark left half comes to lie at the bottom.
    assert frame.image[WIDTH // 2 + 10 :].mean() < 10 < frame.image[: WIDTH // 2 - 10].mean()


def test_a_damaged_middle_gives_damaged_frames_at_their_place(tmp_path):
    path = write_video(tmp_path / "a.mp4")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + len(data) // 10] = bytes(len(data) // 10)
    path.write_bytes(data)
    frames, error = read_all(path)
    damaged = [f.index for f in frames if isinstance(f.image, DamagedFrame)]
    assert error is None
    assert len(frames) == FRAMES
    assert damaged and damaged[0] >= 10 and damaged[-1] <= 30
    assert "cannot be decoded" in frames[damaged[0]].image.reason
    good = [f for f in frames if f.index < damaged[0] or f.index >= 30]
    assert [number(f.image) for f in good] == [f.index for f in good]


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.mp4", {"movflags": "faststart"}), ("a.mkv", {}), ("a.avi", {})],
)
def test_a_missing_tail_is_said_after_the_frames_before_it(tmp_path, name, options):
    path = write_video(tmp_path / name, **options)
    os.truncate(path, int(0.6 * path.stat().st_size))
    frames, error = read_all(path)
    good = [f for f in frames if not isinstance(f.image, DamagedFrame)]
    assert 20 <= len(good) <= 25
    # What is left of the last packets may be decoded in part.
    assert [number(f.image) for f in good[:-2]] == list(range(len(good) - 2))
    assert "its tail is missing or damaged" in error
    assert f"after {len(frames)} frames" in error


def test_an_mp4_without_its_index_cannot_be_opened(tmp_path):
    path = write_video(tmp_path / "a.mp4")
    os.truncate(path, int(0.9 * path.stat().st_size))
    with pytest.raises(FramesError, match=r"a\.mp4 cannot be opened: .* header or its end"):
        video.open_video(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"some text\n" * 200, r"the video .*a\.mp4 cannot be opened: it is no video"),
        (b"", r"the video .*a\.mp4 is empty \(0 bytes\)"),
        (None, r"the video .*a\.mp4 does not exist"),
    ],
)
def test_no_video_at_all(tmp_path, content, message):
    if content is not None:
        (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(FramesError, match=message):
        video.open_video(tmp_path / "a.mp4")


def test_sound_alone_has_no_pictures(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        sound = av.AudioFrame.from_ndarray(
            np.zeros((1, 4096), np.float32), format="fltp", layout="mono"
        )
        sound.sample_rate = 44100
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    with pytest.raises(FramesError, match=r"a\.mp4 has no pictures, only audio"):
        video.open_video(tmp_path / "a.mp4")


def test_no_permission(tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(av, "open", refuse)
    with pytest.raises(FramesError, match=r"no permission to read the video .*a\.mp4"):
        video.open_video(tmp_path / "a.mp4")


def test_without_pyav_the_pip_command_is_given(tmp_path, monkeypatch):
    real_import = builtins.__import__

    def no_av(name, *args, **options):
        if name == "av":
            raise ImportError(name)
        return real_import(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", no_av)
    with pytest.raises(FramesError, match=r"needs PyAV: pip install 'dslt-jax\[video\]'"):
        video.open_video(tmp_path / "a.mp4")


def test_a_camera_that_is_not_there():
    source = video.open_camera(87)
    assert (source.name, source.count) == ("camera 87", None)
    with pytest.raises(FramesError, match="camera"):
        next(iter(source))


@pytest.mark.parametrize(
    "matrix, shown",
    [
        ((1, 0, 0, 1), lambda image: image),
        ((0, 1, -1, 0), lambda image: np.rot90(image, -1)),
        ((-1, 0, 0, -1), lambda image: np.rot90(image, 2)),
        ((0, -1, 1, 0), lambda image: np.rot90(image)),
        ((-1, 0, 0, 1), lambda image: image[:, ::-1]),
        ((1, 0, 0, -1), lambda image: image[::-1]),
        ((0, 1, 1, 0), lambda image: image.swapaxes(0, 1)),
        ((0, -1, -1, 0), lambda image: np.rot90(image.swapaxes(0, 1), 2)),
    ],
)
def test_pictures_are_turned_and_mirrored_as_the_file_says(tmp_path, matrix, shown):
    """The matrix a, b, c, d of an MP4's track: x, y is shown at a x + c y, b x + d y."""
    path = clips.write_clip(tmp_path / "a.mp4", count=2, noise=100)
    coded = next(iter(open_frames(path))).image
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4
    at += 52 if data[at] else 40
    for place, value in zip((0, 1, 3, 4), matrix, strict=True):
        data[at + 4 * place : at + 4 * place + 4] = (value << 16).to_bytes(4, "big", signed=True)
    path.write_bytes(data)
    np.testing.assert_array_equal(next(iter(open_frames(path))).image, shown(coded))


@pytest.mark.parametrize("name", ["a.mp4", "a.png"])
def test_what_stands_in_place_of_a_file_is_told(tmp_path, name):
    for content, says in (
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a pointer of Git LFS"),
        ("<!DOCTYPE html><html></html>", "is a web page, saved in place of the file"),
    ):
        (tmp_path / name).write_text(content)
        with pytest.raises(FramesError, match=rf"{name} {says}"):
            open_frames(tmp_path / name)


def test_of_several_streams_the_film_is_taken(tmp_path):
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        streams = [container.add_stream("mpeg4", rate=25) for _ in range(2)]
        for stream, size in zip(streams, ((32, 32), (64, 48)), strict=True):
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for stream, count in zip(streams, (1, 9), strict=True):
            image = np.zeros((stream.height, stream.width, 3), np.uint8)
            for _ in range(count):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            container.mux(stream.encode())
    source = open_frames(tmp_path / "a.mkv")
    assert [frame.image.shape for frame in source] == [(48, 64, 3)] * 9
    assert "2 streams of pictures, 32 x 32, 64 x 48: that of 64 x 48 is taken" in source.notes[0]


def test_the_cover_of_music_is_no_picture(tmp_path):
    with av.open(str(tmp_path / "a.m4a"), "w", format="mp4") as container:
        sound, cover = container.add_stream("aac", rate=44100), container.add_stream("mjpeg")
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        image = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
        container.mux([*cover.encode(image), *cover.encode()])
        noise = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
        noise.sample_rate = 44100
        container.mux([*sound.encode(noise), *sound.encode()])
    with pytest.raises(FramesError, match="has no pictures, only audio"):
        open_frames(tmp_path / "a.m4a")


@pytest.mark.parametrize(("ratio", "notes"), [("2", 1), ("1280/1281", 0), ("1", 0)])
def test_pixels_that_are_not_square_are_noted(tmp_path, ratio, notes):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(ratio)
        image = np.zeros((48, 64, 3), np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    said = open_frames(tmp_path / "a.mp4").notes
    assert [note for note in said if "pixels of 2 to 1: players stretch it" in note] == list(said)
    assert len(said) == notes


@pytest.mark.parametrize(("layout", "notes"), [("gray16le", 1), ("gray12le", 0), ("gray", 0)])
def test_a_video_of_16_bits_says_how_it_is_shown(tmp_path, layout, notes):
    path = clips.write_clip(tmp_path / "a.mkv", codec="ffv1", layout=layout, strict="-2")
    source = open_frames(path)
    assert len(source.notes) == notes
    assert all("16 bits: shown as 8 bits by dropping the lower 8" in note for note in source.notes)
