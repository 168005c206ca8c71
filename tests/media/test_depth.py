import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from dslt_jax.media import depth, images
from dslt_jax.media.frames import open_frames


def ramp(low, high, dtype, height=20, width=30):
    return np.linspace(low, high, height * width).reshape(height, width).astype(dtype)


def save(path, values, **options):
    Image.fromarray(values).save(path, **options)
    return path


def folder(path, pictures, suffix="png"):
    for number, values in enumerate(pictures):
        save(path / f"{number:03}.{suffix}", values)
    return path


def read(source):
    return [frame.image[..., 0] for frame in source]


def png_of_16_bits(path, values):
    """Writes colour of 16 bits, which Pillow does not write."""

    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    height, width, channels = values.shape
    header = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    return path


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("bits", [8, 9, 10, 12, 14, 16])
def test_the_lower_bits_of_those_in_use_are_dropped(tmp_path, bits, suffix):
    values = ramp(0, 2**bits - 1, np.uint16)
    source = open_frames(folder(tmp_path, [values] * 2, suffix))
    for grey in read(source):
        np.testing.assert_array_equal(grey, values >> (bits - 8))
    how = f"by dropping the lower {bits - 8}" if bits > 8 else "they are"
    (note,) = source.notes
    assert note.startswith(f"pictures of {bits} bits in 16: shown as")
    assert note.endswith(how)


def test_the_scaling_is_the_same_for_a_whole_sequence(tmp_path):
    lights = [0.02, 0.3, 1.0, 0.5, 0.0]  # a dark beginning and end
    pictures = [ramp(0, 4095 * light, np.uint16) for light in lights]
    for picture, grey in zip(pictures, read(open_frames(folder(tmp_path, pictures))), strict=True):
        np.testing.assert_array_equal(grey, picture >> 4)
    (grey,) = read(open_frames(tmp_path, 1, 2))  # and for a part of it
    np.testing.assert_array_equal(grey, pictures[1] >> 4)


def test_a_narrow_band_high_up_is_stretched_with_something_to_spare(tmp_path):
    first, warmer = ramp(29000, 31000, np.uint16), ramp(29400, 31400, np.uint16)
    source = open_frames(folder(tmp_path, [first, first, first, warmer, first, first]))
    greys = read(source)
    assert source.notes[0].startswith("pictures hold 290") and "(white)" in source.notes[0]
    assert 140 < int(greys[0].max()) - int(greys[0].min()) < 200
    assert greys[0].min() > 0 and greys[3].max() < 255
    np.testing.assert_array_equal(greys[0], greys[2])
    assert greys[3].mean() > greys[0].mean() + 20  # it does not follow the picture


def test_a_broken_pixel_does_not_darken_all(tmp_path):
    values = ramp(0, 4095, np.uint16, 100, 100)
    values[50, 50] = 65535
    (grey,) = read(open_frames(folder(tmp_path, [values])))
    assert grey.min() == 0 and np.median(grey) > 60
    band = ramp(29000, 31000, np.uint16, 100, 100)
    band[3, 3], band[4, 4] = 0, 65535
    assert np.ptp(depth.decide([band]).to_rgb(band)[10:]) > 120


@pytest.mark.parametrize(
    ("values", "least"),
    [
        (ramp(0, 1, np.float32), 250),
        (ramp(0.4, 0.45, np.float32), 150),
        (ramp(0, 255, np.float32), 250),
        (ramp(0, 4095, np.float32), 250),
        (ramp(0.5, 3.7, np.float32), 150),
        (ramp(-40, 120, np.float32), 150),
        (ramp(280, 310, np.float32), 150),
        (ramp(0, 1_000_000, np.int32), 120),
        (ramp(-1000, 3000, np.int32), 150),
    ],
)
def test_floats_and_32_bits_show(tmp_path, values, least):
    source = open_frames(folder(tmp_path, [values] * 2, "tif"))
    grey = read(source)[1]
    assert least < int(grey[-1, -1]) - int(grey[0, 0]) <= 255
    assert (np.diff(grey.ravel().astype(int)) >= 0).all()
    assert "shown as 8 bits" in source.notes[0]


def test_floats_up_to_1_are_taken_as_0_to_1(tmp_path):
    values = (np.arange(256).reshape(16, 16) / 255).astype(np.float32)
    (grey,) = read(open_frames(folder(tmp_path, [values], "tif")))
    np.testing.assert_array_equal(grey, np.arange(256).reshape(16, 16))


def test_what_is_no_number_is_black():
    values = ramp(0, 1, np.float32)
    values[3, 3], values[4, 4] = np.nan, np.inf
    found = depth.decide([values])
    assert (found.low, found.high) == (0.0, 1.0)
    assert found.to_rgb(values)[3, 3].tolist() == [0, 0, 0]
    nothing = np.full((4, 4), np.nan, np.float32)
    assert (depth.decide([nothing]).to_rgb(nothing) == 0).all()


@pytest.mark.parametrize("value", [0, 300, 65535])
def test_a_picture_of_one_value(value):
    values = np.full((4, 4), value, np.uint16)
    assert np.unique(depth.decide([values]).to_rgb(values)).size == 1


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_12_bits_in_16_with_colour_or_alpha(tmp_path, channels):
    values = np.random.default_rng(0).integers(0, 4096, (20, 30, channels)).astype(np.uint16)
    count = {2: 1, 3: 3, 4: 3}[channels]  # without alpha
    values[..., count:] = 65535
    source = open_frames(png_of_16_bits(tmp_path / "a.png", values))
    assert source.notes == ("pictures of 12 bits in 16: shown as 8 bits by dropping the lower 4",)
    (frame,) = source
    np.testing.assert_array_equal(
        frame.image, np.broadcast_to(values[..., :count] >> 4, (20, 30, 3))
    )


def test_pages_of_a_tiff_are_a_sequence(tmp_path):
    pages = [Image.fromarray(ramp(0, top, np.uint16)) for top in (900, 4095, 2000)]
    pages[0].save(tmp_path / "stack.tif", save_all=True, append_images=pages[1:])
    source = open_frames(tmp_path / "stack.tif")
    assert source.count == 3 and "12 bits in 16" in source.notes[0]
    assert [int(grey.max()) for grey in read(source)] == [900 >> 4, 255, 2000 >> 4]


def test_pictures_of_8_bits_are_not_looked_at(tmp_path):
    pictures = [np.full((4, 4), shade, np.uint8) for shade in (3, 40)]
    source = open_frames(folder(tmp_path, pictures))
    assert source.notes == ()
    assert [int(grey.max()) for grey in read(source)] == [3, 40]


def test_a_damaged_first_picture_does_not_matter(tmp_path):
    folder(tmp_path, [ramp(0, 4095, np.uint16)] * 3)
    (tmp_path / "000.png").write_bytes(b"")
    assert "12 bits in 16" in open_frames(tmp_path).notes[0]


def test_one_image_alone_keeps_the_upper_8_of_16_bits(tmp_path):
    values = ramp(0, 4095, np.uint16)
    save(tmp_path / "a.png", values)
    np.testing.assert_array_equal(images.read_image(tmp_path / "a.png")[..., 0], values >> 8)
    found = images.sequence_depth([tmp_path / "a.png"])
    np.testing.assert_array_equal(images.read_image(tmp_path / "a.png", found)[..., 0], values >> 4)
