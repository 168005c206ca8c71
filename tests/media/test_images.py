import io
import os
import random

import numpy as np
import pytest
from PIL import Image

from dslt_jax.media import images
from dslt_jax.media.source import DamagedFrame, FramesError


def noise(height=20, width=30, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def save(path, image, **options):
    Image.fromarray(image).save(path, **options)
    return path


def test_rgb_comes_back_as_it_is(tmp_path):
    image = noise()
    read = images.read_image(save(tmp_path / "a.png", image))
    np.testing.assert_array_equal(read, image)
    assert read.dtype == np.uint8


def test_grey_becomes_three_equal_channels(tmp_path):
    grey = noise()[..., 0]
    read = images.read_image(save(tmp_path / "grey.png", grey))
    np.testing.assert_array_equal(read, np.stack([grey] * 3, -1))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_of_16_bits_the_upper_8_are_kept(tmp_path, suffix):
    grey = noise()[..., 0].astype(np.uint16) * 256 + 77
    read = images.read_image(save(tmp_path / f"deep.{suffix}", grey))
    np.testing.assert_array_equal(read[..., 1], grey >> 8)


def test_transparent_parts_show_black(tmp_path):
    image = np.full((4, 4, 4), 200, np.uint8)
    image[..., 3] = [0, 64, 128, 255]
    read = images.read_image(save(tmp_path / "alpha.png", image))
    np.testing.assert_allclose(read[0, :, 0], [0, 50, 100, 200], atol=1)


def test_grey_with_alpha_and_palette_with_transparency(tmp_path):
    grey = np.stack([np.full((4, 4), 90, np.uint8), np.full((4, 4), 255, np.uint8)], -1)
    Image.fromarray(grey, "LA").save(tmp_path / "la.png")
    np.testing.assert_array_equal(images.read_image(tmp_path / "la.png"), np.full((4, 4, 3), 90))
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([255, 0, 0, 10, 20, 30])
    palette.putpixel((0, 0), 0)
    palette.save(tmp_path / "p.png", transparency=0)
    read = images.read_image(tmp_path / "p.png")
    assert read[0, 0].tolist() == [0, 0, 0]
    assert read[1, 1].tolist() == [10, 20, 30]


def test_cmyk_becomes_rgb(tmp_path):
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg", quality=95)
    red, green, blue = images.read_image(tmp_path / "cmyk.jpg")[8, 8]
    assert red > 240 and green < 15 and blue < 15


def test_exif_rotation_is_applied(tmp_path):
    image = np.zeros((16, 32, 3), np.uint8)
    image[:, :16] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the picture must be turned clockwise by 90 degrees to be seen upright
    Image.fromarray(image).save(tmp_path / "phone.jpg", exif=exif, quality=95)
    read = images.read_image(tmp_path / "phone.jpg")
    assert read.shape == (32, 16, 3)
    assert read[:16].mean() > 240 and read[16:].mean() < 15


def damaged_files(folder):
    whole = io.BytesIO()
    Image.fromarray(noise(200, 300)).save(whole, "JPEG")
    (folder / "cut.jpg").write_bytes(whole.getvalue()[:5000])
    Image.fromarray(noise(200, 300)).save(folder / "cut.png")
    os.truncate(folder / "cut.png", 5000)
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("no picture")
    (folder / "folder.jpg").mkdir()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cut.jpg", r"the image .*cut\.jpg cannot be decoded: .*truncated"),
        ("cut.png", r"the image .*cut\.png cannot be decoded: .*truncated"),
        ("empty.jpg", r"the image .*empty\.jpg is empty \(0 bytes\)"),
        ("text.jpg", r"text\.jpg is not an image that Pillow can read"),
        ("gone.jpg", r"the image .*gone\.jpg is missing"),
        ("folder.jpg", r"the image .*folder\.jpg cannot be decoded: .*directory"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, name, message):
    damaged_files(tmp_path)
    with pytest.raises(images.ImageError, match=message):
        images.read_image(tmp_path / name)


def test_a_random_byte_never_raises_anything_else(tmp_path):
    draw = random.Random(0)
    for suffix in ("JPEG", "PNG", "TIFF", "BMP", "WEBP"):
        whole = io.BytesIO()
        Image.fromarray(noise()).save(whole, suffix)
        for _ in range(40):
            data = bytearray(whole.getvalue())
            for _ in range(4):
                data[draw.randrange(len(data))] = draw.randrange(256)
            path = tmp_path / "noise"
            path.write_bytes(data)
            try:
                assert images.read_image(path).ndim == 3
            except images.ImageError as error:
                assert str(path) in str(error)


def test_no_permission_is_said(tmp_path, monkeypatch):
    def refuse(path, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(images.PillowImage, "open", refuse)
    with pytest.raises(images.ImageError, match=r"no permission to read the image .*a\.png"):
        images.read_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["webp", "gif"])
def test_an_animation_is_a_clip(tmp_path, suffix):
    shades = [10, 100, 200]
    frames = [Image.new("RGB", (16, 16), (shade,) * 3) for shade in shades]
    path = tmp_path / f"clip.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=50)
    source = images.open_image(path)
    assert source.count == 3
    assert source.fps == 20
    np.testing.assert_allclose([f.image.mean() for f in source], shades, atol=3)


@pytest.mark.parametrize("suffix", ["webp", "gif", "png"])
def test_an_animation_has_times(tmp_path, suffix):
    frames = [Image.new("RGB", (16, 16), (shade,) * 3) for shade in (10, 100, 200)]
    path = tmp_path / f"clip.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=[40, 400, 40])
    times = [frame.time for frame in images.open_image(path)]
    np.testing.assert_allclose(times, [0, 0.04, 0.44])


def test_a_frame_of_no_time_is_shown_as_long_as_players_do(tmp_path):
    frames = [Image.new("RGB", (16, 16), (shade,) * 3) for shade in (10, 100, 200)]
    path = tmp_path / "clip.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=[0, 40, 40])
    np.testing.assert_allclose([frame.time for frame in images.open_image(path)], [0, 0.1, 0.14])


def test_of_a_tiff_that_is_cut_off_the_whole_pages_are_read(tmp_path):
    pages = [Image.fromarray(noise(seed=seed)) for seed in range(6)]
    path = tmp_path / "a.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    *first, beyond = images.open_image(path)
    assert [isinstance(frame.image, DamagedFrame) for frame in first[:3]] == [False] * 3
    np.testing.assert_array_equal(first[2].image, noise(seed=2))
    assert "a.tif cannot be decoded" in beyond.image.reason


def test_one_image_is_a_clip_of_one_frame(tmp_path):
    source = images.open_image(save(tmp_path / "a.png", noise()))
    assert (source.count, source.fps) == (1, None)
    np.testing.assert_array_equal(next(iter(source)).image, noise())


def test_a_file_that_is_no_image(tmp_path):
    (tmp_path / "a.gif").write_text("text")
    with pytest.raises(FramesError, match=r"a\.gif is not an image"):
        images.open_image(tmp_path / "a.gif")
