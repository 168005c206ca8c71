import builtins
import errno
import logging

import numpy as np
import pytest
from PIL import Image

from dslt_jax.media import writer
from dslt_jax.media.frames import open_frames


def ramp(height, width, shade):
    image = np.full((height, width, 3), shade, np.uint8)
    image[:, : width // 2] = 40
    return image


@pytest.fixture
def no_av(monkeypatch):
    real_import = builtins.__import__

    def refuse(name, *args, **options):
        if name == "av":
            raise ImportError(name)
        return real_import(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)


@pytest.mark.parametrize("size", [(96, 128), (97, 129)])
def test_an_mp4_of_even_and_odd_sizes(tmp_path, size):
    pytest.importorskip("av")
    video = writer.open_writer(tmp_path / "overlay", 12.5)
    for shade in (100, 150, 200):
        video.add(ramp(*size, shade))
        assert not video.path.exists()  # only its temporary file
    video.close()
    assert [path.name for path in tmp_path.iterdir()] == ["overlay.mp4"]
    source = open_frames(video.path)
    assert source.fps == 12.5
    images = [frame.image for frame in source]
    assert {image.shape for image in images} == {(size[0] + size[0] % 2, size[1] + size[1] % 2, 3)}
    shades = [image[: size[0], size[1] // 2 + 8 : size[1] - 4].mean() for image in images]
    np.testing.assert_allclose(shades, [100, 150, 200], atol=4)


UNEVEN = [0.0, 0.04, 0.08, 0.12, 0.52, 0.92, 1.32]  # seconds


def test_an_mp4_has_the_times_of_its_frames_and_their_length(tmp_path):
    pytest.importorskip("av")
    video = writer.open_writer(tmp_path / "overlay", 25)
    for number, time in enumerate(UNEVEN):
        video.add(ramp(48, 64, 20 * number + 60), 3.0 + time)
    video.close()
    source = open_frames(video.path)
    frames = list(source)
    np.testing.assert_allclose([frame.time for frame in frames], UNEVEN, atol=1e-6)
    assert source.length == pytest.approx(UNEVEN[-1] + 1 / 25, abs=1e-3)
    shades = [frame.image[:, 36:].mean() for frame in frames]
    np.testing.assert_allclose(shades, [20 * i + 60 for i in range(7)], atol=4)


@pytest.mark.parametrize("fps", [25, 12.5, 30000 / 1001, 29.97, 59.94, 240])
def test_constant_times_are_a_constant_rate(tmp_path, fps):
    av = pytest.importorskip("av")
    for times in ([None] * 8, [round(i / fps, 3) for i in range(8)]):
        video = writer.Mp4Writer(tmp_path / "a.mp4", fps)
        for time in times:
            video.add(ramp(32, 32, 100), time)
        video.close()
        with av.open(str(video.path)) as container:
            stream = container.streams.video[0]
            assert float(stream.average_rate) == pytest.approx(fps, rel=1e-4)
            lengths = {packet.duration for packet in container.demux(stream) if packet.size}
            assert max(lengths) - min(lengths) <= 1


def test_a_webp_has_the_times_of_its_frames(tmp_path, no_av):
    video = writer.open_writer(tmp_path / "overlay", 25)
    for number, time in enumerate(UNEVEN):
        video.add(ramp(48, 64, 20 * number + 60), time)
    video.close()
    frames = list(open_frames(video.path))
    np.testing.assert_allclose([frame.time for frame in frames], UNEVEN, atol=1e-6)


def test_a_webp_of_some_frames_keeps_their_times(tmp_path, no_av, monkeypatch):
    monkeypatch.setattr(writer, "WEBP_FRAMES", 4)
    video = writer.open_writer(tmp_path / "overlay", 25)
    for number, time in enumerate(UNEVEN):
        video.add(ramp(48, 64, 20 * number + 60), time)
    video.close()
    times = [frame.time for frame in open_frames(video.path)]
    np.testing.assert_allclose(times, UNEVEN[::2], atol=1e-6)


def test_frames_of_another_size_are_fitted_between_bars(tmp_path):
    pytest.importorskip("av")
    video = writer.open_writer(tmp_path / "overlay", 10)
    video.add(ramp(96, 128, 200))
    video.add(np.full((50, 200, 3), 200, np.uint8))
    video.close()
    second = list(open_frames(video.path))[1].image
    assert second.shape == (96, 128, 3)
    assert second[48, 64].min() > 190
    assert second[5].max() < 12 and second[-5].max() < 12


def test_fit_keeps_the_aspect():
    image = ramp(10, 20, 9)
    assert writer.fit(image, 20, 10) is image
    tall = writer.fit(np.full((40, 12, 3), 255, np.uint8), 20, 20)
    assert tall.shape == (20, 20, 3)
    assert (tall[10, :, 0] > 0).nonzero()[0].tolist() == [7, 8, 9, 10, 11, 12]


def test_webp_without_pyav(tmp_path, no_av):
    video = writer.open_writer(tmp_path / "overlay", 10)
    for shade in (60, 120, 180):
        video.add(ramp(35, 51, shade))
    video.close()
    assert [path.name for path in tmp_path.iterdir()] == ["overlay.webp"]
    source = open_frames(video.path)
    assert (source.count, source.fps) == (3, 10.0)
    images = [frame.image for frame in source]
    assert images[0].shape == (35, 51, 3)
    np.testing.assert_allclose([i[:, 35:].mean() for i in images], [60, 120, 180], atol=4)


def test_webp_is_bounded_in_frames_and_size(tmp_path, no_av, monkeypatch, caplog):
    monkeypatch.setattr(writer, "WEBP_FRAMES", 8)
    video = writer.open_writer(tmp_path / "overlay", 20)
    for number in range(30):
        video.add(ramp(300, 960, 4 * number + 60))
        assert len(video._frames) <= 8
    with caplog.at_level(logging.WARNING):
        video.close()
    assert "every 4th frame only" in caplog.text
    assert "pip install 'dslt-jax[video]'" in caplog.text
    source = open_frames(video.path)
    assert source.count == 8
    assert source.fps == 5  # plays as fast
    images = [frame.image for frame in source]
    assert images[0].shape == (150, 480, 3)
    shades = [image[:, 300:].mean() for image in images]
    np.testing.assert_allclose(shades, [60 + 16 * i for i in range(8)], atol=4)


@pytest.mark.parametrize("kind", [writer.Mp4Writer, writer.WebpWriter])
def test_abort_and_no_frames_leave_nothing(tmp_path, kind):
    if kind is writer.Mp4Writer:
        pytest.importorskip("av")
    kind(tmp_path / "a", 10).close()
    video = kind(tmp_path / "b", 10)
    video.add(ramp(32, 32, 100))
    video.abort()
    assert not list(tmp_path.iterdir())


def test_a_full_disk_while_closing_webp_leaves_nothing(tmp_path, monkeypatch):
    video = writer.WebpWriter(tmp_path / "a.webp", 10)
    video.add(ramp(32, 32, 100))

    def full(self, path, **options):
        path.write_bytes(b"RIFF")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="No space left"):
        video.close()
    assert not list(tmp_path.iterdir())


def test_a_failing_encoder_leaves_nothing(tmp_path):
    pytest.importorskip("av")
    video = writer.Mp4Writer(tmp_path / "a.mp4", 10)
    video.add(ramp(32, 32, 100))
    video._stream = None  # what closing does next fails
    with pytest.raises(AttributeError):
        video.close()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there(tmp_path):
    pytest.importorskip("av")
    video = writer.open_writer(tmp_path / "none" / "overlay", 10)
    video.add(ramp(32, 32, 100))
    with pytest.raises(FileNotFoundError):
        video.close()
