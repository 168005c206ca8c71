import contextlib
import time

import numpy as np
import pytest
from track_fakes import Drifting, scene

from dslt_jax.app import loop
from dslt_jax.app.spec import Spec
from dslt_jax.cli import track
from dslt_jax.media.frames import open_frames
from dslt_jax.media.source import Source


class Slow(Drifting):
    """A frame takes 0.1 s to find, and warming up is noted."""

    warmed = ()

    def step(self, frame):
        time.sleep(0.1)
        return super().step(frame)

    def warm_up(self, frame, boxes):
        self.warmed = (frame.shape, len(boxes))


@pytest.fixture
def session(monkeypatch):
    slow = Slow()
    monkeypatch.setattr(Spec, "build", lambda spec: slow)
    return slow


def test_frames_are_dropped_and_counted_and_the_latency_is_written(run, session):
    result = run("--realtime", "--novideo")  # 8 images, played at 25 a second
    assert result.status == 0
    indices = [int(row["frame"]) for row in result.rows()]
    assert indices[0] == 0 and indices[-1] == 7 and len(indices) < 7
    summary = result.summary
    assert summary["realtime"] is True
    assert summary["dropped_frames"] == 8 - len(indices)
    assert summary["milliseconds"]["latency"]["median"] >= 100
    assert " ms late, " in result.stdout and " dropped" in result.stdout
    assert [float(row["time"]) for row in result.rows()] == [i / 25 for i in indices]


def test_a_box_is_not_later_than_it_must_be(folder):
    source = open_frames(folder)
    with contextlib.closing(track.track_frames.stream(source, True)) as frames:
        records = list(loop.follow(frames, Slow(), [[10, 12, 20, 16]]))
    assert records[0].latency is None  # the box was given
    assert all(0.1 <= record.latency < 0.2 for record in records[1:])


def test_without_it_every_frame_is_followed(run, fake):
    result = run("--novideo")
    assert result.summary["frames"] == 8
    assert "dropped_frames" not in result.summary and "realtime" not in result.summary
    assert "latency" not in result.summary["milliseconds"]


def test_a_camera_is_looked_at_again_once_all_is_compiled(run, session, monkeypatch):
    def read():
        for i in range(40):
            time.sleep(0.01)
            yield str(i), np.asarray(scene(i))

    camera = Source("camera 0", read, live=True)
    monkeypatch.setattr(track, "open_frames", lambda *_: camera)
    monkeypatch.setattr(
        Slow, "warm_up", lambda self, *given: (time.sleep(0.1), setattr(self, "warmed", given))
    )
    result = run("--realtime", "--novideo", "--max_frames=2")
    assert result.status == 0
    assert len(session.warmed[1]) == 1
    assert int(result.rows()[0]["frame"]) >= 5


@pytest.mark.parametrize("first", [(), ("--realtime",)])
def test_it_cannot_be_resumed(run, session, first):
    run(*first, "--novideo", "--max_frames=3")
    result = run("--resume", "--novideo", *(() if first else ("--realtime",)))
    assert result.status == 1
    assert "a run with --realtime cannot be resumed" in result.stderr
