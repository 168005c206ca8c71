import contextlib
import socket
import threading
import time

import clips
import numpy as np
import pytest

from dslt_jax.media import container, live
from dslt_jax.media.decode import BrokenOff
from dslt_jax.media.frames import open_frames
from dslt_jax.media.source import DamagedFrame, FramesError, Picture

pytest.importorskip("av")


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(container, "TIMEOUT", 0.4)
    monkeypatch.setattr(live, "PAUSES", (0.0, 0.05))


@pytest.fixture
def camera(tmp_path):
    """Starts a camera that sends a clip to whoever connects; of all but the last only a part."""
    content = clips.write_clip(tmp_path / "a.ts", noise=100).read_bytes()
    with contextlib.ExitStack() as stack:

        def start(parts):
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def run():
                with listener:
                    for part in parts:
                        connection = stack.enter_context(listener.accept()[0])
                        connection.sendall(content[: int(part * len(content))])
                        if part == 1:
                            connection.close()

            thread = threading.Thread(target=run)
            thread.start()
            stack.callback(thread.join)
            return f"tcp://127.0.0.1:{listener.getsockname()[1]}"

        yield start


def read(address):
    """The frames that come, and the error at their end."""
    frames = []
    try:
        for frame in open_frames(address):
            frames.append(frame)
    except FramesError as error:
        return frames, str(error)
    return frames, None


def test_a_stream_has_no_count_and_ends_when_it_is_closed(camera):
    source = open_frames(camera([1.0]))
    assert (source.count, source.length) == (None, None)
    assert clips.shades(source) == list(range(10))


def test_a_broken_connection_is_made_again(camera):
    frames, error = read(camera([0.5, 1.0]))
    (gap,) = (i for i, frame in enumerate(frames) if isinstance(frame.image, DamagedFrame))
    assert error is None
    assert "(nothing came for 0.4 seconds)" in frames[gap].image.reason
    assert "it was connected again" in frames[gap].image.reason
    assert clips.shades(frames[gap + 1 :]) == list(range(10))
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert clips.times(frames) == sorted(clips.times(frames))


def test_times_go_on_while_the_stream_is_away(monkeypatch):
    def decode(number, live):
        for moment in (0.0, 0.04):
            yield Picture("", np.zeros((2, 2, 3), np.uint8), moment)
        if number == 0:
            time.sleep(0.2)
            raise BrokenOff("cut")

    monkeypatch.setattr(live, "decode", lambda video, live: decode(video.enter_result, live))
    first, again = contextlib.nullcontext(0), contextlib.nullcontext(1)
    moments = [picture.time for picture in live.follow(first, lambda: again)]
    assert moments[:2] == [0.0, 0.04]
    assert 0.2 < moments[2] - 0.04 < 2.0
    np.testing.assert_allclose(moments[3:], [moments[2], moments[2] + 0.04])


def test_a_camera_that_does_not_come_back(camera):
    frames, error = read(camera([0.5]))
    assert len(frames) >= 2
    assert f"after {len(frames)} frames" in error
    assert "and then the video tcp://127.0.0.1" in error and "nothing answers there" in error


def test_a_connection_that_breaks_again_and_again_is_given_up(camera, monkeypatch):
    monkeypatch.setattr(live, "MOST_BREAKS", 1)
    frames, error = read(camera([0.5, 0.5]))
    assert sum(isinstance(frame.image, DamagedFrame) for frame in frames) == 1
    assert "breaks off" in error


def test_an_end_that_is_none_is_a_connection_that_was_closed(monkeypatch):
    """As a camera that starts anew: FFmpeg tells it as the end of the stream."""

    def decode(video, live):
        assert live
        yield Picture("", None, 0.0)
        yield Picture("", None, 0.04)

    opened = []
    monkeypatch.setattr(live, "decode", decode)
    connect = lambda: opened.append("again") or contextlib.nullcontext()  # noqa: E731
    assert len(list(live.follow(contextlib.nullcontext(), connect))) == 2 and not opened
    seen = live.follow(contextlib.nullcontext(), connect, ends=False)
    pictures = [next(seen) for _ in range(5)]
    damaged = [isinstance(picture.image, DamagedFrame) for picture in pictures]
    assert damaged == [False, False, True, False, False] and opened == ["again"]
    assert "the connection was closed; it was connected again" in pictures[2].image.reason
    with pytest.raises(BrokenOff, match="the connection was closed"):
        list(seen)  # again and again
