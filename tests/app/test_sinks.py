import csv
import errno
import json
import os
import threading
import weakref

import numpy as np
import pytest
from records import record

from dslt_jax.app import sinks
from dslt_jax.app.tally import Tally
from dslt_jax.media.frames import open_frames


class Disk:
    """A file on a disk with so many bytes of room."""

    def __init__(self, file, room):
        self._file, self._room = file, room

    def write(self, data):
        if not self._room:
            raise OSError(errno.ENOSPC, "No space left on device")
        count = self._file.write(data[: self._room])
        self._room -= count
        return count

    def __getattr__(self, name):
        return getattr(self._file, name)


def test_rows_are_on_disk_at_once_and_get_their_name_at_the_end(tmp_path):
    rows = sinks.RowFile(tmp_path / "a.csv", "x,y")
    rows.write("1,2")
    assert (tmp_path / "a.csv.part").read_text() == "x,y\n1,2\n"
    assert not (tmp_path / "a.csv").exists()
    rows.write("3,4")
    rows.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "x,y\n1,2\n3,4\n"


@pytest.mark.parametrize("torn", [b"x,y\n1,2\n3,4\n5", b"x,y\n1,", b"", None])
def test_rows_of_a_run_before_come_first(tmp_path, torn):
    if torn is not None:
        (tmp_path / "a.csv.part").write_bytes(torn)
    rows = sinks.RowFile(tmp_path / "a.csv", "x,y", ["1,2", "3,4"])
    assert (tmp_path / "a.csv.part").read_text() == "x,y\n1,2\n3,4\n"
    rows.write("7,8")
    rows.close()
    assert rows.rows == 3
    assert (tmp_path / "a.csv").read_text() == "x,y\n1,2\n3,4\n7,8\n"


def test_without_rows_an_older_file_stays(tmp_path):
    (tmp_path / "a.csv").write_text("old")
    sinks.RowFile(tmp_path / "a.csv", "x,y").close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "old"


@pytest.mark.parametrize("room", [8, 9, 11, 12])
def test_a_full_disk_keeps_the_whole_rows(tmp_path, room):
    rows = sinks.RowFile(tmp_path / "a.csv")
    rows._file = Disk(rows._file, room)
    rows.write("1,2")
    rows.write("3,4")
    with pytest.raises(OSError, match="No space left"):
        for _ in range(2):
            rows.write("5,6")
    rows.close()
    whole = ["1,2\n", "3,4\n", "5,6\n"][: room // 4]
    assert (tmp_path / "a.csv").read_text() == "".join(whole)


def test_the_tables(tmp_path):
    files = sinks.BoxFiles(tmp_path, [""])
    files.write(record(0, [(1, 2.5, 30, 40)]))
    files.write(record(1, [(1.23456, 2, 30, 40)], lost=True, seconds=0.0123, time=0.5))
    files.close()
    assert (tmp_path / "boxes.txt").read_text().splitlines() == [
        "1.000,2.500,30.000,40.000",
        "1.235,2.000,30.000,40.000",
    ]
    rows = list(csv.DictReader((tmp_path / "boxes.csv").read_text().splitlines()))
    assert tuple(rows[0]) == sinks.COLUMNS
    assert rows[0]["time"] == ""
    assert rows[1] == {
        "frame": "1",
        "x": "1.235",
        "y": "2.000",
        "w": "30.000",
        "h": "40.000",
        "confidence": "0.5000",
        "lost": "1",
        "milliseconds": "12.30",
        "time": "0.500",
    }


def test_boxes_are_on_disk_while_their_frame_is_learned(tmp_path):
    files, tally, seen = sinks.BoxFiles(tmp_path, [""]), Tally([""]), []

    def learning():
        seen.append((tmp_path / "boxes.txt.part").read_text())
        return 0.0

    for sink in (files, tally):
        sink.write(record(0)._replace(learning=learning))
    files.close()
    assert seen == ["1.000,2.000,30.000,40.000\n"]


def test_the_tables_go_on_after_the_rows_of_a_run_before(tmp_path):
    kept = {"": ["0,1.000,2.000,30.000,40.000,1.0000,0,5.00,"]}
    files = sinks.BoxFiles(tmp_path, [""], kept)
    files.write(record(0))  # where the tracker starts again: the row is there
    files.write(record(1))
    files.close()
    rows = (tmp_path / "boxes.csv").read_text().splitlines()
    assert rows[:2] == [sinks.HEADER, *kept[""]]
    assert [row.partition(",")[0] for row in rows[2:]] == ["1"]
    plain = (tmp_path / "boxes.txt").read_text()
    assert plain == "1.000,2.000,30.000,40.000\n" * 2


def test_each_named_target_has_its_files(tmp_path):
    files = sinks.BoxFiles(tmp_path, ["cat", "dog"])
    files.write(record(0, [(1, 2, 3, 4), (5, 6, 7, 8)]))
    files.close()
    assert sorted(path.name for path in files.paths) == sorted(p.name for p in tmp_path.iterdir())
    assert (tmp_path / "boxes_dog.txt").read_text() == "5.000,6.000,7.000,8.000\n"
    assert (tmp_path / "boxes_cat.csv").exists()


def test_the_video_has_every_frame(tmp_path):
    pytest.importorskip("av")
    video = sinks.VideoFile(tmp_path, [""], 10)
    for index in range(20):
        video.write(record(index, damaged=index == 7))
    video.close()
    assert video.problem is None
    images = [frame.image for frame in open_frames(video.path)]
    assert len(images) == 20
    assert images[7].mean() < 0.6 * images[6].mean()  # the damaged one is dimmed
    assert len(video.draw_ms) == len(video.encode_ms) == 20


def test_the_video_lasts_as_long_as_the_clip(tmp_path):
    av = pytest.importorskip("av")
    video = sinks.VideoFile(tmp_path, [""], 10)
    for index, time in enumerate([30, 30.1, 30.2, 31.2, 32.2]):
        video.write(record(index, time=time))
    video.close()
    with av.open(str(video.path)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    np.testing.assert_allclose(times, [0, 0.1, 0.2, 1.2, 2.2], atol=0.002)


def test_a_full_disk_stops_the_video_and_not_the_run(tmp_path, monkeypatch):
    aborted = []

    class Full:
        path = tmp_path / "overlay.mp4"

        def __init__(self):
            self.count = 0

        def add(self, image, time):
            self.count += 1
            if self.count == 4:
                raise OSError(errno.ENOSPC, "No space left on device")

        def abort(self):
            aborted.append(True)

    monkeypatch.setattr(sinks, "open_writer", lambda stem, fps: Full())
    video = sinks.VideoFile(tmp_path, [""], 10)
    for index in range(30):
        video.write(record(index))
    video.close()
    assert "overlay.mp4 could not be written: No space left on device" in video.problem
    assert aborted == [True]


def test_memory_is_flat_while_the_video_is_written(tmp_path):
    pytest.importorskip("av")
    alive = most = 0
    lock = threading.Lock()

    def die():
        nonlocal alive
        with lock:
            alive -= 1

    video = sinks.VideoFile(tmp_path, [""], 10)
    for index in range(200):
        one = record(index)
        with lock:
            alive += 1
            most = max(most, alive)
        weakref.finalize(one.image, die)
        video.write(one)
    video.close()
    assert most <= 12


def test_json_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    sinks.write_json(tmp_path / "a.json", {"a": 1})

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        sinks.write_json(tmp_path / "a.json", {"a": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}
