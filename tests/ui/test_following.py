"""Opening, following, correcting and keeping, as the page asks for them; without a browser."""

import csv
import io
import json
import threading
import time

import numpy as np
import pytest
from page_client import BOX
from PIL import Image
from track_fakes import COUNT, HEIGHT, WIDTH, scene

from dslt_jax.app.tracks import read_run
from dslt_jax.media.source import Source
from dslt_jax.ui import job as jobs


def test_a_target_is_followed_to_the_end(page):
    state, rows = page.follow()
    assert sorted(rows) == list(range(COUNT))
    assert rows[0]["cells"]["1"] == [*BOX, 1, 0, 1]  # given
    assert rows[3]["cells"]["1"] == [13, 12, 20, 16, 0.75, 0, 0]
    assert state["input"]["count"] == COUNT and state["input"]["size"] == [WIDTH, HEIGHT]
    assert state["job"]["frame"] == COUNT - 1 and state["job"]["text"] == ""


def test_any_frame_can_be_looked_at(page):
    for index in (5, 2, 7, 0):
        status, headers, content = page.ask("GET", "api/frame", frame=index)
        assert (status, headers["X-Frame"]) == (200, str(index))
        seen = np.asarray(Image.open(io.BytesIO(content)), float)
        assert np.argmin([abs(seen - scene(i)).mean() for i in range(COUNT)]) == index
    status, _, content = page.ask("GET", "api/frame", frame=COUNT)
    assert status == 400 and "frames, frame 8 is beyond" in json.loads(content)["error"]


def test_a_correction_goes_on_from_there_and_keeps_what_was_before(page):
    page.follow()
    _, rows = page.follow(4, t1=[30, 12, 20, 16])
    x = [rows[i]["cells"]["1"][0] for i in range(COUNT)]
    assert x == [10, 11, 12, 13, 30, 31, 32, 33]
    given = [i for i in rows if rows[i]["cells"]["1"][6]]
    assert sorted(given) == [0, 4]


def test_another_target_may_join_later(page, tmp_path):
    page.follow()
    _, rows = page.follow(5, t1=[15, 12, 20, 16], t2=[40, 5, 10, 10])
    assert [len(rows[i]["cells"]) for i in range(COUNT)] == [1] * 5 + [2] * 3
    (kept,) = (tmp_path / "kept").iterdir()
    names = sorted(path.name for path in kept.iterdir())
    assert names == ["boxes_1.csv", "boxes_1.txt", "boxes_2.csv", "boxes_2.txt", "summary.json"]
    first, second = read_run(kept).tracks
    assert (len(first.frames), second.frames.tolist()) == (COUNT, [5, 6, 7])


def test_what_is_kept_is_a_run(page, tmp_path):
    page.follow()
    kept = tmp_path / "kept" / "clip"
    rows = list(csv.DictReader((kept / "boxes.csv").read_text().splitlines()))
    assert [float(row["x"]) for row in rows] == [10 + i for i in range(COUNT)]
    summary = json.loads((kept / "summary.json").read_text())
    assert summary["status"] == "done" and summary["preset"] == "compact"
    assert summary["files"] == ["boxes.csv", "boxes.txt"]
    assert read_run(kept).size == (WIDTH, HEIGHT)
    assert page.get("state")["files"] == ["boxes.csv", "boxes.txt", "summary.json"]
    status, headers, content = page.ask("GET", "api/file", name="boxes.csv")
    assert status == 200 and content == (kept / "boxes.csv").read_bytes()
    assert "attachment" in headers["Content-Disposition"]


def test_the_next_video_never_writes_over_the_last(page, tmp_path):
    page.follow()
    page.open_first()
    page.follow()
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["clip", "clip-2"]


def test_the_response_map_of_a_frame(page):
    page.follow()
    response = page.get("response", frame=3, target="1")
    assert response["side"] == 8 and response["search_box"] == [3, 2, 40, 36]
    assert response["values"] == [128] * 64
    assert page.get("response", frame=0, target="1") == {"side": 0}


def test_stopping_keeps_what_is_done(page, fake):
    fake.pause = 0.1
    page.track()
    page.wait(lambda state: state["rows_version"] >= 2)
    assert page.post("stop") is None
    state, rows = page.wait(lambda state: state["job"]["state"] == "stopped")
    assert 2 <= len(rows) < COUNT
    assert state["files"] == ["boxes.csv", "boxes.txt", "summary.json"]


def test_clearing_from_a_frame_on(page):
    page.follow()
    assert page.post("forget", frame=6) is None
    _, rows = page.wait(lambda state: True)
    assert [bool(rows[i]["cells"]) for i in range(COUNT)] == [True] * 6 + [False] * 2
    assert page.post("forget", frame=2, target="1") is None
    assert len(page.server.desk.file("boxes.csv").read_text().splitlines()) == 3
    assert page.post("forget", frame=0) is None
    assert page.get("state")["files"] == []


def test_the_overlay_of_a_file(page):
    page.follow(2)
    assert page.post("draw") is None
    state, _ = page.wait(lambda state: state["drawing"] and state["drawing"]["name"])
    name = state["drawing"]["name"]
    assert name.startswith("overlay.") and name in state["files"]
    assert page.ask("GET", "api/file", name=name)[0] == 200
    page.follow(4, t1=[12, 12, 20, 16])  # corrected: it showed other boxes
    state, _ = page.wait(lambda state: state["job"]["state"] == "done")
    assert name not in state["files"] and state["drawing"] is None


def test_what_goes_wrong_is_said_and_the_rows_stay(page, fake):
    fake.fail_at, fake.error = 13, RuntimeError("the network is gone")
    page.track()
    state, rows = page.wait(lambda state: state["job"]["state"] == "failed")
    assert state["job"]["text"] == "the network is gone"
    assert sorted(rows) == [0, 1, 2]
    fake.error = KeyError("x")  # what nobody thought of
    page.track()
    state, _ = page.wait(lambda state: "a fault of dslt_jax" in state["job"]["text"])
    fake.fail_at = None
    page.follow(2, t1=[12, 12, 20, 16])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"boxes": {}}, "there is no box in this frame"),
        ({"boxes": {"1": [1, 2, 3]}}, "must be four numbers"),
        ({"boxes": {"1": [1, 2, 3, None]}}, "must be four numbers"),
        ({"boxes": {"1": [10, 10, 1, 20]}}, "has 1 x 20 pixels in the frame: its sides must be 4"),
        ({"boxes": {"1": [100, 10, 20, 20]}}, "has 0 x 20 pixels in the frame"),
        ({"boxes": {"../x": BOX}}, "a target is called by its number"),
        ({"boxes": {str(i + 1): BOX for i in range(17)}}, "17 targets are too many"),
        ({"frame": -1}, "frame must be a whole number"),
        ({"frame": 8}, "frame 8 is beyond"),
        ({"preset": "big"}, "there is no preset 'big'"),
        ({"settings": "nothing=1"}, "there is no setting 'nothing'"),
        ({"settings": 3}, "settings must be text"),
    ],
)
def test_what_cannot_be_followed(page, change, text):
    asked = {"frame": 0, "boxes": {"1": BOX}, "preset": "compact"}
    assert text in page.post("track", **asked | change)
    assert page.get("state")["job"] is None


def test_nothing_is_open_yet(start):
    client = start()
    assert client.track() == "no video is open: choose one"
    assert client.get("state")["input"] is None
    assert "not there any more" in client.post("open", key="file-../x")


def camera(count=10**6):
    def read():
        for i in range(count):
            time.sleep(0.01)
            yield str(i), scene(i), i / 100

    return Source("camera 0", read, live=True)


def test_a_camera_gives_its_newest_frame_and_tells_how_late_it_is(start, fake):
    fake.pause = 0.05
    client = start()
    client.server.desk.show(camera())
    frame = int(client.ask("GET", "api/frame")[1]["X-Frame"])
    assert client.track(frame) is None
    state, rows = client.wait(lambda state: state["rows_version"] >= 6)
    assert state["input"]["live"] and state["job"]["dropped"] >= 4
    assert 50 <= state["job"]["latency"] < 500
    assert sorted(rows)[0] == frame
    client.post("stop")
    state, _ = client.wait(lambda state: state["job"]["state"] == "stopped")
    assert any(name.startswith("overlay.") for name in state["files"])


def test_a_camera_that_nobody_looks_at_is_not_followed_for_ever(start, fake, monkeypatch):
    monkeypatch.setattr(jobs, "UNSEEN", 0.3)
    fake.pause = 0.05
    client = start()
    client.server.desk.show(camera())
    client.track(int(client.ask("GET", "api/frame")[1]["X-Frame"]))
    time.sleep(1.0)
    state = client.get("state")
    assert state["job"]["state"] == "stopped" and "nobody looked" in state["job"]["text"]


def test_the_camera_of_the_browser(start, fake):
    stream = io.BytesIO()
    Image.fromarray(scene(0)).save(stream, "JPEG")
    client = start()
    assert b"is not open" in client.ask("PUT", "api/picture", stream.getvalue())[2]
    opening = threading.Thread(target=client.post, args=("camera",))
    opening.start()
    time.sleep(0.2)
    assert b"no JPEG" in client.ask("PUT", "api/picture", b"GIF89a")[2]
    assert client.ask("PUT", "api/picture", stream.getvalue())[0] == 200
    opening.join(5)
    assert client.get("state")["input"]["size"] == [WIDTH, HEIGHT]
