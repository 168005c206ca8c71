"""Who may use the page, what may be opened and uploaded, and how it starts."""

import http.client
import io
import json
import pathlib
import socket
import threading
import time

import numpy as np
import pytest
from PIL import Image

from dslt_jax.app.spec import Spec
from dslt_jax.cli import main as cli
from dslt_jax.cli import ui
from dslt_jax.media.source import DamagedFrame, FramesError, Source
from dslt_jax.ui import requests
from dslt_jax.ui.clip import Clip
from dslt_jax.ui.inputs import InputError, Inputs


def error_of(answer):
    return answer[0], json.loads(answer[2])["error"]


def test_the_page_and_its_parts(start):
    client = start()
    for name in ("", "main.js", "page.css"):
        status, headers, content = client.ask("GET", name, token="")
        assert status == 200 and content
        assert "default-src 'self'" in headers["Content-Security-Policy"]
    for name in ("nothing.js", "../server.py", "%2e%2e/server.py", "static/main.js"):
        assert client.ask("GET", name)[0] == 404


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("path", ["state", "choices", "track", "upload", "file"])
def test_nothing_is_told_or_done_without_the_token(start, method, path):
    client = start()
    for token in ("", "wrong", client.token[:-1], "ü"):
        answer = client.ask(method, f"api/{path}", b"{}" if method != "GET" else None, token=token)
        assert error_of(answer) == (403, "open the whole address that dslt ui has printed")


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Host": "localhost:80"}, True),
        ({"Host": "192.168.0.9:8321"}, True),
        ({"Host": "[::1]:8321"}, True),
        ({"Host": "evil.example"}, False),
        ({"Host": "localhost.evil.example"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Host": "localhost:80", "Origin": "http://localhost:80"}, True),
    ],
)
def test_other_pages_cannot_drive_it(start, headers, allowed):
    assert (start().ask("GET", "api/state", headers=headers)[0] == 200) is allowed


def test_a_named_host_may_be_used(start):
    client = start(names=("tracker.local",))
    assert client.ask("GET", "api/state", headers={"Host": "tracker.local:1"})[0] == 200
    assert client.ask("GET", "api/state", headers={"Host": "other.local"})[0] == 403


def test_only_what_was_named_is_there(start, folder, tmp_path, fake):
    (tmp_path / "videos" / "a").mkdir(parents=True)
    (tmp_path / "videos" / "b10.mp4").touch()
    (tmp_path / "videos" / "b9.mp4").touch()
    (tmp_path / "videos" / "notes.txt").touch()
    client = start(str(folder), folder=tmp_path / "videos")
    choices = client.get("choices")
    assert [one["name"] for one in choices["inputs"]] == [str(folder), "a", "b9.mp4", "b10.mp4"]
    assert {"name": "compact", "hint": ""} in choices["trackers"]
    assert "b9.mp4" in client.post("open", key="file-b9.mp4")
    assert "not there any more" in client.post("open", key=str(tmp_path))
    client.open_first()
    for name in ("../clip/0.png", "/etc/hostname", ""):
        assert client.ask("GET", "api/file", name=name)[0] == 400


def test_an_upload_is_opened_and_gone_at_the_end(start, folder, fake):
    client = start()
    picture = (folder / "0.png").read_bytes()
    status, _, content = client.ask("PUT", "api/upload", picture, name="../../my cat.png")
    assert status == 200
    taken = json.loads(content)
    assert taken["name"] == "my cat.png"
    uploads = client.server.desk.inputs._uploads
    assert [path.name for path in uploads.iterdir()] == ["0.png"]
    assert client.post("open", key=taken["key"]) is None
    client.server.close()
    assert not uploads.exists()


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.exe", b"MZ", "a.exe is no video or image by its name"),
        ("a.mp4", b"", "a.mp4 is empty"),
        ("a.mp4", b"#EXTM3U\n/etc/passwd\n", "a.mp4 is text, such as a list of videos"),
        ("a.mp4", bytes(2**20 + 1), "uploads may have 1 MB more: start with a larger --upload_mb"),
    ],
)
def test_uploads_that_are_not_taken(start, name, content, text):
    client = start(upload_bytes=2**20)
    status, error = error_of(client.ask("PUT", "api/upload", content, name=name))
    assert status == 400 and text in error
    assert list(client.server.desk.inputs._uploads.iterdir()) == []


def test_uploads_at_the_same_time_do_not_meet(tmp_path):
    """The second begins and ends while the first is on its way."""
    inputs = Inputs([], None, tmp_path, 100)
    taken = {}

    class First(io.BytesIO):
        def read(self, size):
            if "second" not in taken:
                taken["second"] = inputs.take("b.avi", io.BytesIO(b"\x002"), 2)
            return super().read(size)

    taken["first"] = inputs.take("a.mp4", First(b"\x001"), 2)
    assert taken["first"].key != taken["second"].key
    found = [pathlib.Path(one.path).read_bytes() for one in (taken["first"], taken["second"])]
    assert found == [b"\x001", b"\x002"]


def test_the_weights_file_is_there_again_after_another_tracker(tmp_path):
    begun = Spec("compact", (), str(tmp_path / "mine.safetensors"))
    now, asked = begun, {"frame": 0, "boxes": {"1": [1, 1, 9, 9]}}
    for preset, weights in (
        ("compact", begun.weights),
        ("mosse", None),
        ("compact", begun.weights),
    ):
        now = requests.tracking({**asked, "preset": preset}, now, begun, (64, 48)).spec
        assert (now.preset, now.weights) == (preset, weights)
    vgg = Spec("vgg16", (), str(tmp_path / "vgg.safetensors"))
    hints = {one["name"]: one["hint"] for one in requests.choices(now, vgg)["trackers"]}
    assert hints["vgg16"] == ""


def test_frames_after_a_failed_look(monkeypatch):
    """A header says 100 of 90 frames; reading fails once on the way."""
    broken = {60}

    def read():
        for i in range(90):
            if i in broken:
                raise FramesError("a bad sector")
            yield str(i), np.full((8, 8, 3), i, np.uint8), i / 25

    clip = Clip(Source("v", read, count=100))
    for _ in range(2):
        with pytest.raises(FramesError, match="bad sector"):
            clip.frame(70)
        assert clip.count == 100
    broken.clear()
    for _ in range(2):
        with pytest.raises(FramesError, match="has 90 frames, frame 95 is beyond"):
            clip.frame(95)
    clip.frame(89)
    with pytest.raises(FramesError, match="has 90 frames, frame 90 is beyond"):
        clip.frame(90)
    assert clip.count == 90
    monkeypatch.setattr("dslt_jax.ui.clip.MEMORY", 20 * 8 * 8 * 3)
    for back in range(20):
        clip.frame(80 - back)
    assert clip._bytes == sum(frame.image.nbytes for frame in clip._kept.values())
    assert len(clip._kept) == 20


def test_an_upload_keeps_its_name_and_pictures_that_look_like_text_are_taken(tmp_path):
    inputs = Inputs([], None, tmp_path, 10**6)
    grey = b"P6\n64 48\n255\n" + b"@" * (64 * 48 * 3)
    taken = inputs.take("wedding.ppm", io.BytesIO(grey), len(grey))
    source = inputs.open(taken.key)
    assert source.name == "wedding.ppm"
    assert next(iter(source)).image.shape == (48, 64, 3)


def test_frames_of_another_size_have_their_own_boxes(start, fake, tmp_path):
    (tmp_path / "mixed").mkdir()
    for i, size in enumerate([(100, 80), (100, 80), (400, 300)]):
        Image.new("RGB", size).save(tmp_path / "mixed" / f"{i}.png")
    client = start(str(tmp_path / "mixed"))
    client.open_first()
    assert client.ask("GET", "api/frame", frame=2)[1]["X-Size"] == "400 300"
    assert client.ask("GET", "api/frame", frame=0)[1]["X-Size"] == "100 80"
    assert client.track(2, t1=[250.0, 150.0, 60.0, 60.0]) is None
    assert "has 0 x 0 pixels" in client.track(0, t1=[250.0, 150.0, 60.0, 60.0])


def test_the_page_is_told_what_cannot_be_opened(start):
    client = start()
    client.server.desk.tell("the video rtsp://camera/1 cannot be opened: nothing answers there")
    assert "nothing answers there" in client.get("state")["problem"]


def test_an_upload_that_breaks_off_leaves_nothing(tmp_path):
    class Broken:
        def read(self, size):
            return b""

    inputs = Inputs([], None, tmp_path, 100)
    with pytest.raises(InputError, match=r"the upload of a\.mp4 broke off"):
        inputs.take("a.mp4", Broken(), 50)
    with pytest.raises(InputError, match="broke off"):
        inputs.take("a.mp4", Broken(), 100)  # its room is free again
    assert list(tmp_path.iterdir()) == []


def test_a_browser_that_goes_away_ends_nothing(page, fake):
    fake.pause = 0.1
    page.track()
    host, port = page.server.server_address[:2]
    waiting = http.client.HTTPConnection(host, port)
    waiting.request("GET", "/api/state?wait=20&version=999999", headers={"X-Token": page.token})
    waiting.sock.close()
    _, rows = page.wait(lambda state: state["job"]["state"] == "done")
    assert len(rows) == 8


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_refused(start, body):
    status, error = error_of(start().ask("POST", "api/track", body))
    assert status == 400 and error


def test_a_port_in_use(tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = ["dslt", "ui", f"--port={port}", f"--output={tmp_path}", "--nobrowser"]
        assert cli.main(command) == 1
    assert f"dslt ui: port {port} is in use: choose another" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["none.mp4"], "there is no file, folder or camera 'none.mp4'"),
        (["--folder=none"], "there is no folder none"),
        (["-"], "a pipe can be read once"),
        (["/dev/stdin"], "a pipe can be read once"),
        (["file:///nowhere/none.mp4"], "there is no file, folder or camera '/nowhere/none.mp4'"),
        (["--weights=none.npz"], "none.npz cannot be opened"),
        (["--host=nowhere.invalid"], "cannot listen at nowhere.invalid"),
        (["--preset=big"], "there is no preset 'big'"),
    ],
)
def test_it_does_not_start(tmp_path, capsys, words, text):
    assert cli.main(["dslt", "ui", f"--output={tmp_path}", "--nobrowser", *words]) == 1
    assert text in capsys.readouterr().err


def test_the_command_prints_its_address_and_ends_at_ctrl_c(
    tmp_path, capsys, folder, fake, monkeypatch
):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(ui, "_wait", interrupted)
    command = ["dslt", "ui", str(folder), "--port=0", f"--output={tmp_path}", "--nobrowser"]
    status = cli.main(command)
    assert status == 130
    out = capsys.readouterr().out
    assert out.startswith("http://127.0.0.1:") and "#" in out
    time.sleep(0.1)
    assert not [thread for thread in threading.enumerate() if thread.name == "dslt-page-server"]


def test_a_first_frame_that_cannot_be_read(start):
    client = start()
    with pytest.raises(FramesError, match="torn"):
        client.server.desk.show(Source("x", lambda: iter([("0", DamagedFrame("torn"))])))
    assert client.get("state")["input"] is None
