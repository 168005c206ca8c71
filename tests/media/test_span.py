import numpy as np
import pytest

from dslt_jax.media import span
from dslt_jax.media.source import DamagedFrame, FramesError, Source

IMAGE = np.zeros((2, 3, 3), np.uint8)


def clip(count=10, times=None, **facts):
    """A source of so many frames, 40 ms apart."""
    times = [0.04 * i for i in range(count)] if times is None else times

    def read():
        for number, time in enumerate(times):
            yield f"{number}", IMAGE, time

    return Source("clip.mp4", read, **facts)


def images(count=10):
    return Source("frames", lambda: (("", IMAGE) for _ in range(count)), count, exact=True)


def indices(source):
    return [frame.index for frame in source]


@pytest.mark.parametrize(
    ("text", "value", "timed"),
    [
        ("120", 120, False),
        (" 0 ", 0, False),
        (7, 7, False),
        ("12.5s", 12.5, True),
        ("12 S", 12.0, True),
        ("500ms", 0.5, True),
        (".5s", 0.5, True),
        ("1.5min", 90.0, True),
        ("2h", 7200.0, True),
        ("1:30", 90.0, True),
        ("90:00", 5400.0, True),
        ("00:01:30.5", 90.5, True),
        ("1:02:03", 3723.0, True),
    ],
)
def test_numbers_and_times(text, value, timed):
    first = span.cut(clip(), start=text).start
    assert (first.value, first.timed) == (value, timed)
    assert first.text == f"--start {text}"


@pytest.mark.parametrize(
    "text",
    ["", "x", "-3", "1e3", "1:75", "1:60:00", "1:2:3:4", "12.5", "5 frames", "nan", "s", ":3"],
)
def test_nonsense(text):
    with pytest.raises(FramesError, match=r"--end .* is neither a frame's number, e\.g\. 120, nor"):
        span.cut(clip(), end=text)


def test_a_number_with_a_point_may_be_a_time():
    with pytest.raises(FramesError, match=r"a time needs its unit, 12\.5s$"):
        span.cut(clip(), start="12.5")


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [
        (None, None, range(10)),
        ("3", None, range(3, 10)),
        ("0", "1", [0]),
        ("3", "6", [3, 4, 5]),
        ("3", "100", range(3, 10)),
        ("0.12s", "0.24s", [3, 4, 5]),
        ("0.13s", "0.21s", [4, 5]),
        ("120ms", "6", [3, 4, 5]),
        ("3", "0:0.24", [3, 4, 5]),
    ],
)
def test_the_start_is_in_and_the_end_is_out(start, end, wanted):
    wanted = list(wanted)
    source = span.cut(clip(count=10), start, end)
    assert indices(source) == wanted
    whole = Source("clip.mp4", clip().read, 10, 25.0, exact=True, length=0.4)
    part = span.cut(whole, start, end)
    assert part.count == len(wanted)
    assert indices(part) == wanted


def test_times_as_they_are_shown_find_their_frame():
    thirds = [i / 30 for i in range(10)]
    for number, time in enumerate(thirds):
        assert indices(span.cut(clip(times=thirds), f"{time:.3f}s"))[0] == number


def test_a_frame_that_is_not_wanted_is_not_decoded():
    decoded = []

    def read():
        for number in range(5):
            yield f"{number}", lambda number=number: decoded.append(number) or IMAGE

    assert indices(span.cut(Source("clip", read), 3)) == [3, 4]
    assert decoded == [3, 4]


def test_damaged_frames_count():
    source = Source("clip", lambda: iter([("a", DamagedFrame("bad")), ("b", IMAGE), ("c", IMAGE)]))
    assert indices(span.cut(source, 1)) == [1, 2]


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("5", "5", "--end 5 does not come after --start 5: no frame is left"),
        ("1:30", "12s", "--end 12s does not come after --start 1:30"),
        (None, "0", "--end 0 is the beginning: no frame is left"),
        ("10", None, "clip.mp4 has 10 frames, --start 10 is beyond"),
        ("400", "500", "clip.mp4 has 10 frames, --start 400 is beyond"),
        ("9:00", None, r"clip.mp4 lasts 0.40 s, --start 9:00 is beyond"),
        ("9" * 400 + "s", None, r"clip.mp4 lasts 0.40 s, --start 9+s is beyond"),
        ("9" * 5000, None, r"clip.mp4 has 10 frames, --start 9+ is beyond"),
    ],
)
def test_what_cannot_be_is_told_at_once(start, end, message):
    whole = Source("clip.mp4", clip().read, 10, 25.0, exact=True, length=0.4)
    with pytest.raises(FramesError, match=message):
        span.cut(whole, start, end)


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("10", None, "clip.mp4 has 10 frames, --start 10 is beyond"),
        ("0.4s", None, r"clip.mp4 has 10 frames, --start 0\.4s is beyond"),
        ("5", "0.1s", r"--end 0\.1s does not come after --start 5"),
        ("5", "0.2s", r"--end 0\.2s does not come after --start 5"),
    ],
)
def test_what_only_reading_tells(start, end, message):
    with pytest.raises(FramesError, match=message):
        list(span.cut(clip(), start, end))


def test_images_have_no_times():
    with pytest.raises(
        FramesError, match="frames holds images, which have no times: --end 2s must"
    ):
        span.cut(images(), end="2s")
    assert indices(span.cut(images(), 8)) == [8, 9]


def test_a_video_without_times_is_told():
    with pytest.raises(FramesError, match=r"carry no times, so that --start 1s is nowhere: give a"):
        list(span.cut(clip(times=[None, None]), "1s"))
