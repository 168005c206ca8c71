import signal
import socket
import time

import clips
import pytest

from dslt_jax.media import container, source
from dslt_jax.media.frames import open_frames
from dslt_jax.media.source import FramesError

pytest.importorskip("av")

SECRETS = ("alice", "s3cret", "t0ken")


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(container, "TIMEOUT", 0.4)


@pytest.fixture
def server(tmp_path):
    with clips.serve(tmp_path) as server:
        yield server


def secret(server, path, scheme="http"):
    return f"{scheme}://alice:s3cret@{server.address}/{path}?key=t0ken"


def refusal(address):
    """What is said when an address is opened or read."""
    with pytest.raises(FramesError) as caught:
        list(open_frames(address))
    assert not any(word in str(caught.value) for word in SECRETS)
    return str(caught.value)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.m3u8"])
def test_a_video_on_a_server(tmp_path, server, name):
    clips.write_clip(tmp_path / name)
    source = open_frames(secret(server, name))
    assert source.name == f"http://{server.address}/{name}?..."
    assert source.fps == 25
    assert not any(word in repr(source) for word in SECRETS)
    frames = list(source)
    assert clips.shades(frames) == list(range(10))
    assert clips.times(frames) == [round(0.04 * i, 6) for i in range(10)]
    assert clips.shades(source) == list(range(10))  # and again
    assert "s3cret" not in str(server.requests[0])


def test_the_frames_before_the_start_and_after_the_end_are_left_out(tmp_path, server):
    clips.write_clip(tmp_path / "a.ts")
    source = open_frames(f"HTTP://{server.address}/a.ts", "0.08s", "5")
    assert [(frame.index, frame.time) for frame in source] == [(2, 0.08), (3, 0.12), (4, 0.16)]


@pytest.mark.parametrize("path", ["a.mp4", "unsized/a.mp4"])
def test_an_mp4_that_must_be_wound_back_is_downloaded(tmp_path, server, path):
    clips.write_clip(tmp_path / "a.mp4", 10, size=(320, 240), noise=255)
    assert (tmp_path / "a.mp4").stat().st_size > 100_000  # more than FFmpeg's buffer holds
    source = open_frames(secret(server, path))
    assert len(list(source)) == source.count == 10
    (note,) = source.notes
    assert "downloaded" in note and not any(word in note for word in SECRETS)
    assert server.requests[-1]["Authorization"].startswith("Basic ")


def test_an_end_of_unknown_size_is_an_end(tmp_path, server):
    clips.write_clip(tmp_path / "a.ts")
    assert clips.shades(open_frames(secret(server, "unsized/a.ts"))) == list(range(10))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nothing.mp4", "the server has nothing there (404 Not Found); check the address"),
        ("401", "asks for a user name and a password"),
        ("403", "does not allow it (403 Forbidden)"),
        ("500", "5XX Server Error"),
        ("hang", "nothing came for 0.4 seconds"),
        ("page", "what comes from there is no video that FFmpeg reads"),
    ],
)
def test_what_is_wrong_is_said(server, path, message):
    text = refusal(secret(server, path))
    assert text.startswith(f"the video http://{server.address}/{path}?... cannot be opened: ")
    assert message in text


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("{scheme}://alice:s3cret@127.0.0.1:{port}/t?t0ken", "nothing answers there"),
        (
            "http://alice:s3cret@no-such-host.invalid/a.mp4",
            "there is no host 'no-such-host.invalid'",
        ),
        ("nonsense://alice:s3cret@host/t", "this FFmpeg knows no addresses of this kind"),
        ("rtsp://", "the address rtsp:// ends before its host"),
        ("udp://127.0.0.1:{port}", "nothing came for 0.4 seconds"),
    ],
)
def test_nobody_is_there(address, message):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        for scheme in ("http", "rtsp", "rtmp", "tcp") if "{scheme}" in address else ("",):
            assert message in refusal(address.format(scheme=scheme, port=port))


@pytest.mark.parametrize(
    ("path", "message"),
    [("stalls/a.ts", "(nothing came for 0.4 seconds)"), ("cut/a.ts", "(Input/output error)")],
)
def test_a_file_that_breaks_off_on_its_way(tmp_path, server, path, message):
    clips.write_clip(tmp_path / "a.ts", noise=100)
    frames = []
    with pytest.raises(FramesError) as caught:
        for frame in open_frames(secret(server, path)):
            frames.append(frame)
    assert 2 <= len(frames) < 10
    assert f"after {len(frames)} frames" in str(caught.value)
    assert message in str(caught.value)
    assert not any(word in str(caught.value) for word in SECRETS)


def test_an_interrupt_does_not_wait_for_the_server(server, monkeypatch):
    monkeypatch.setattr(container, "TIMEOUT", 5)
    monkeypatch.setattr(source, "PATIENCE", 0.05)

    def interrupt(number, frame):
        raise KeyboardInterrupt

    before, start = signal.signal(signal.SIGALRM, interrupt), time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            open_frames(secret(server, "hang"))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - start < 2
