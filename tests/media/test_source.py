import gc
import threading
import time
import weakref

import numpy as np
import pytest

from dslt_jax.media.source import READ_AHEAD, DamagedFrame, FramesError, Source, prefetch


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "dslt-read"]


def test_frames_are_numbered_named_and_timed():
    def read():
        for name in "ab":
            time.sleep(0.01)
            yield name, np.zeros((2, 3, 3), np.uint8)
        yield "c", DamagedFrame("broken")

    source = Source("clip", read)
    frames = list(source)
    assert [(frame.index, frame.name) for frame in frames] == [(0, "a"), (1, "b"), (2, "c")]
    assert frames[0].seconds >= 0.01
    assert frames[2].image == DamagedFrame("broken")
    assert len(list(source)) == 3  # a source can be read again


def test_errors_come_after_the_items_before_them():
    def read():
        yield 1
        yield 2
        raise FramesError("cut off")

    items = []
    with pytest.raises(FramesError, match="cut off"):
        for item in prefetch(read()):
            items.append(item)
    assert items == [1, 2]
    assert not threads()


def test_reading_overlaps_with_the_consumer():
    ahead = threading.Event()

    def read():
        yield 1
        ahead.set()
        yield 2

    items = prefetch(read())
    assert next(items) == 1
    assert ahead.wait(5)  # the second is read although nobody asked for it
    assert list(items) == [2]


def test_memory_is_flat_and_the_thread_ends_with_an_endless_source():
    alive = 0

    def die():
        nonlocal alive
        alive -= 1

    def read():
        nonlocal alive
        while True:
            image = np.zeros((8, 8, 3), np.uint8)
            alive += 1
            weakref.finalize(image, die)
            yield "frame", image

    frames = iter(Source("camera", read))
    most = 0
    for _ in range(500):
        frame = next(frames)
        most = max(most, alive)
    assert frame.index == 499
    assert most <= READ_AHEAD + 4
    frames.close()
    assert not threads()
    del frame
    gc.collect()
    assert alive == 0
