import dataclasses

import clips
import numpy as np
import pytest

from dslt_jax.media import seek, span
from dslt_jax.media.frames import open_frames
from dslt_jax.media.source import FramesError

av = pytest.importorskip("av")
COUNT = 90


@pytest.fixture(scope="module", params=["mp4", "mkv", "ts", "avi"])
def video(request, tmp_path_factory):
    """Frames with numbers written in grey, a key every 12, and frames between that look ahead."""
    path = tmp_path_factory.mktemp("seek") / f"a.{request.param}"
    draw = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4" if request.param == "avi" else "libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.gop_size, stream.codec_context.max_b_frames = 12, 2
        for number in range(COUNT):
            image = np.full((48, 64, 3), 2 * number + 20, np.uint8)
            image[:, :32] += draw.integers(0, 20, (48, 32, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("number", [1, 29, 30, 35, 36, 47, 60, COUNT - 1])
def test_what_is_jumped_to_is_what_is_read(video, number):
    source = open_frames(video)
    linear = list(dataclasses.replace(source, jump=None).frames())[number:]
    jumped = list(span.cut(source, number).frames())
    assert [frame.index for frame in jumped] == list(range(number, COUNT))
    assert [frame.time for frame in jumped] == [frame.time for frame in linear]
    for one, other in zip(jumped, linear, strict=True):
        np.testing.assert_array_equal(one.image, other.image)


def test_fewer_frames_are_decoded(video, monkeypatch):
    if video.suffix == ".avi":
        pytest.skip("what AVI calls display is decoding")
    decoded = []
    decode = seek.decode
    monkeypatch.setattr(seek, "decode", lambda v: (decoded.append(p) or p for p in decode(v)))
    next(span.cut(open_frames(video), 80).frames())
    assert 0 < len(decoded) <= 13


def test_beyond_the_end(video):
    with pytest.raises(FramesError, match=f"{COUNT} frames, --start {COUNT + 5} is beyond"):
        list(span.cut(open_frames(video), COUNT + 5))


def test_a_file_that_is_cut_is_read_from_its_start(tmp_path):
    path = clips.write_clip(tmp_path / "a.ts", noise=100)
    path.write_bytes(path.read_bytes()[:3000])
    assert seek.Seeker(lambda: pytest.fail("near")).jump(seek.FAR - 1) is None
    assert open_frames(path).jump(50) is None


def test_a_video_that_begins_between_two_keys_is_counted_by_reading(video, tmp_path):
    """Its first packets can be decoded by nothing, and a decoder drops them without a word."""
    if video.suffix != ".mkv":
        pytest.skip("one kind of container is enough")
    path = tmp_path / "cut.mkv"
    with av.open(str(video)) as whole, av.open(str(path), "w") as part:
        stream = part.add_stream_from_template(whole.streams.video[0])
        for number, packet in enumerate(whole.demux(video=0)):
            if number >= 5 and packet.size:
                packet.stream = stream
                part.mux(packet)
    source = open_frames(path)
    linear = list(dataclasses.replace(source, jump=None).frames())
    jumped = list(span.cut(source, 40).frames())
    assert COUNT - 30 < len(linear) < COUNT - 5
    assert [frame.time for frame in jumped] == [frame.time for frame in linear[40:]]
