import os
import signal
import threading

import clips
import pytest

from dslt_jax.media import pipe
from dslt_jax.media.frames import open_frames
from dslt_jax.media.source import FramesError

pytest.importorskip("av")


class Feeder:
    """Writes bytes into a pipe, as `cat` does."""

    def __init__(self, target, content):
        self.target, self.content, self.broken = target, content, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            with open(self.target, "wb") as file:
                file.write(self.content)
        except BrokenPipeError:
            self.broken = True


@pytest.fixture
def feed():
    """Feeds bytes to a path, or to a new pipe whose descriptor it returns."""
    feeders, ends = [], []

    def start(content, path=None):
        if path is None:
            end, path = os.pipe()
            ends.append(end)
        feeders.append(Feeder(path, content))
        return ends[-1] if ends else None

    yield start
    for end in ends:
        os.close(end)
    for feeder in feeders:
        feeder.thread.join(5)
        assert not feeder.thread.is_alive()


@pytest.mark.parametrize("name", ["a.ts", "a.mkv", "a.avi"])
def test_a_fifo_is_opened_once_and_read_once(tmp_path, feed, name):
    content = clips.write_clip(tmp_path / name).read_bytes()
    os.mkfifo(tmp_path / "pipe.mp4")
    feed(content, tmp_path / "pipe.mp4")
    source = open_frames(tmp_path / "pipe.mp4")
    assert source.fps == 25
    frames = list(source)
    assert clips.shades(frames) == list(range(10))
    assert clips.times(frames) == [round(0.04 * i, 6) for i in range(10)]
    with pytest.raises(FramesError, match=r"pipe\.mp4 came through a pipe and can be read only"):
        list(source)


@pytest.mark.parametrize("folder", ["/dev/fd", "/proc/self/fd"])
def test_the_pipe_of_a_shell(tmp_path, feed, folder):
    if not os.path.isdir(folder):
        pytest.skip(f"this system has no {folder}")
    number = feed(clips.write_clip(tmp_path / "a.ts").read_bytes())
    source = open_frames(f"{folder}/{number}", 3, 5)
    assert [frame.index for frame in source] == [3, 4]
    os.fstat(number)  # it is not ours to close


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_standard_input(tmp_path, feed, name, monkeypatch):
    number = feed(clips.write_clip(tmp_path / "a.ts").read_bytes())
    monkeypatch.setattr(pipe, "STANDARD_INPUT", number)
    source = open_frames(name)
    assert source.name == "standard input"
    assert clips.shades(source) == list(range(10))


def test_an_mp4_for_streaming_goes_through_a_pipe_and_another_is_told(tmp_path, feed):
    content = clips.write_clip(tmp_path / "a.mp4", movflags="frag_keyframe+empty_moov").read_bytes()
    assert clips.shades(open_frames(f"/dev/fd/{feed(content)}")) == list(range(10))
    content = clips.write_clip(tmp_path / "b.mp4", size=(320, 240), noise=255).read_bytes()
    with pytest.raises(FramesError, match="its index at its end, and a pipe cannot be wound back"):
        open_frames(f"/dev/fd/{feed(content)}")


@pytest.mark.parametrize("content", [b"", b"no video\n" * 1000])
def test_nothing_or_no_video_comes(feed, content):
    number = feed(content)
    with pytest.raises(FramesError, match=rf"the video from /dev/fd/{number} cannot be read"):
        open_frames(f"/dev/fd/{number}")


def test_a_terminal_is_no_video():
    main, terminal = os.openpty()
    try:
        with pytest.raises(FramesError, match="is a terminal: a video is sent to it with"):
            open_frames(f"/dev/fd/{terminal}")
    finally:
        os.close(main)
        os.close(terminal)


def test_a_file_as_standard_input_can_be_read_again(tmp_path, monkeypatch):
    clips.write_clip(tmp_path / "a.mp4", noise=20)
    with open(tmp_path / "a.mp4") as file:
        source = open_frames(f"/dev/fd/{file.fileno()}")
        assert clips.shades(source) == clips.shades(source) == list(range(10))


def test_ctrl_c_ends_the_wait_for_a_writer_that_sends_nothing():
    end, writer = os.pipe()
    interrupt = (os.getpid(), signal.SIGINT)
    timers = [
        threading.Timer(0.5, os.kill, interrupt),
        threading.Timer(5, os.kill, interrupt),  # one that falls into a finalizer is lost
        threading.Timer(12, os.close, (writer,)),  # or this test would wait for ever
    ]
    for timer in timers:
        timer.start()
    with pytest.raises(KeyboardInterrupt):
        open_frames(f"/dev/fd/{end}")
    assert timers[-1].is_alive()
    for timer in timers:
        timer.cancel()
    os.close(writer)
    os.close(end)
