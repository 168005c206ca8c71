import threading
import time

import numpy as np
import pytest

from dslt_jax.media.realtime import newest
from dslt_jax.media.source import FramesError, Source

PICTURE = np.zeros((2, 3, 3), np.uint8)


def clip(count, fps=50.0, **options):
    times = options.pop("times", True)

    def read():
        for i in range(count):
            yield str(i), PICTURE, i / (fps or 25.0) if times else None

    return Source("clip", read, fps=fps, **options)


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "dslt-live"]


def test_a_quick_reader_gets_every_frame_of_a_file_at_its_time():
    frames = newest(clip(6, fps=10.0))
    first = next(frames)
    start = time.perf_counter()
    rest = list(frames)
    assert [first.index, *(frame.index for frame in rest)] == list(range(6))
    late = [frame.captured - start - frame.time for frame in rest]
    assert min(late) >= 0 and max(late) < 0.1  # a frame lasts as long


def test_a_slow_reader_misses_frames_and_gets_the_last_one():
    seen = []
    for frame in newest(clip(20)):
        seen.append(frame.index)
        if len(seen) > 1:
            time.sleep(0.07)
    assert seen[:2] == [0, 1] and seen[-1] == 19
    assert 4 <= len(seen) <= 9


def test_nothing_is_missed_while_the_first_frame_is_learned():
    frames = newest(clip(3))
    next(frames)
    time.sleep(0.15)
    assert [frame.index for frame in frames] == [1, 2]


def test_frames_without_times_are_played_at_25_a_second():
    frames = list(newest(clip(3, fps=None, times=False)))
    assert [frame.time for frame in frames] == [0, 0.04, 0.08]


def test_a_live_source_is_never_waited_for_by_its_reader():
    taken, sent = threading.Event(), threading.Event()

    def read():
        yield "0", PICTURE
        assert taken.wait(5)
        for i in range(1, 6):
            yield str(i), PICTURE
        sent.set()

    frames = newest(Source("camera", read, live=True))
    assert next(frames).index == 0
    taken.set()
    assert sent.wait(5)
    assert [frame.index for frame in frames] == [5]


def test_an_error_comes_behind_the_last_frame():
    def read():
        yield "0", PICTURE
        raise FramesError("unplugged")

    frames = newest(Source("camera", read, live=True))
    assert next(frames).index == 0
    with pytest.raises(FramesError, match="unplugged"):
        next(frames)


def test_the_thread_ends_when_nobody_wants_more():
    frames = newest(clip(1000))
    next(frames), next(frames)
    frames.close()
    assert threads() == []
