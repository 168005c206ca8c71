import clips
import numpy as np
import pytest

from dslt_jax.media.frames import open_frames

pytest.importorskip("av")

UNEVEN = [0, 40, 80, 120, 520, 920, 1320, 1720]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_times_of_a_variable_frame_rate(tmp_path, name):
    clips.write_clip(tmp_path / name, len(UNEVEN), UNEVEN)
    frames = list(open_frames(tmp_path / name))
    assert clips.times(frames) == [ms / 1000 for ms in UNEVEN]
    assert clips.shades(frames) == list(range(len(UNEVEN)))
    late = open_frames(tmp_path / name, "0.5s", "1.4s")
    assert [frame.index for frame in late] == [4, 5, 6]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi", "a.mov"])
def test_times_count_from_the_start(tmp_path, name):
    late = None if name == "a.avi" else [2000 + 40 * i for i in range(10)]
    frames = list(open_frames(clips.write_clip(tmp_path / name, 10, late)))
    np.testing.assert_allclose(clips.times(frames), 0.04 * np.arange(10), atol=1e-6)
    assert frames[3].name == "0.120 s"


def test_times_go_on_through_parts_put_together(tmp_path):
    parts = [
        clips.write_clip(tmp_path / "a.ts", 4).read_bytes(),
        clips.write_clip(tmp_path / "b.ts", 4, size=(128, 96)).read_bytes(),
    ]
    (tmp_path / "c.ts").write_bytes(b"".join(parts))
    frames = list(open_frames(tmp_path / "c.ts"))
    np.testing.assert_allclose(clips.times(frames), 0.04 * np.arange(8), atol=1e-6)
    assert clips.shades(frames) == [0, 1, 2, 3] * 2


def test_what_has_no_times_gets_none(tmp_path):
    frames = list(open_frames(clips.write_clip(tmp_path / "a.h264", 4)))
    assert clips.times(frames) == [None] * 4
    assert [frame.name for frame in frames] == ["frame 0", "frame 1", "frame 2", "frame 3"]
    assert clips.shades(frames) == [0, 1, 2, 3]
