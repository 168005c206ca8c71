"""Which frames `dslt track` follows: from a start to an end, their times, and their sizes."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from track_fakes import COUNT, scene


def write_video(path, times):
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for index, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(scene(index), format="rgb24")
            frame.pts, frame.time_base = round(1000 * time), stream.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("flags", "frames"),
    [
        (["--start=3"], [3, 4, 5, 6, 7]),
        (["--end=3"], [0, 1, 2]),
        (["--start=2", "--end=5"], [2, 3, 4]),
        (["--start=3", "--max_frames=2"], [3, 4]),
        (["--start=7"], [7]),
    ],
)
def test_from_a_frame_to_another(run, fake, flags, frames):
    result = run("--novideo", *flags)
    assert (result.status, result.stderr) == (0, "")
    rows = result.rows()
    assert [int(row["frame"]) for row in rows] == frames
    assert [float(row["x"]) for row in rows] == [10 + i for i in range(len(frames))]
    assert {row["time"] for row in rows} == {""}  # images have none


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--start=8", "has 8 frames, --start 8 is beyond"),
        ("--start=soon", "--start soon is neither a frame's number, e.g. 120, nor a time"),
        ("--start=1.5s", "holds images, which have no times"),
        ("--end=0", "no frame is left"),
    ],
)
def test_a_start_or_an_end_that_is_none(run, fake, flag, message):
    result = run("--novideo", flag)
    assert result.status == 1
    assert message in result.stderr and "Traceback" not in result.stderr
    assert result.files == []


def test_the_times_of_the_video_are_in_the_table_and_in_the_overlay(run, fake, tmp_path):
    av = pytest.importorskip("av")
    times = [0, 0.04, 0.08, 0.48, 0.88, 1.28]
    result = run("--start=0.08s", source=write_video(tmp_path / "clip.mkv", times))
    assert result.status == 0, result.stderr
    rows = result.rows()
    assert [int(row["frame"]) for row in rows] == [2, 3, 4, 5]
    np.testing.assert_allclose([float(row["time"]) for row in rows], times[2:], atol=0.0011)
    with av.open(str(result.out / "overlay.mp4")) as container:
        shown = [frame.time for frame in container.decode(video=0)]
    np.testing.assert_allclose(shown, np.subtract(times[2:], times[2]), atol=0.01)


def test_a_size_that_changes_for_good_is_said_once_and_the_boxes_are_scaled(run, fake, folder):
    for index in range(4, COUNT):
        large = scene(index).repeat(2, 0).repeat(2, 1)
        Image.fromarray(large).save(folder / f"{index}.png")
    result = run("--novideo")
    assert result.status == 0
    said = "the frame size changes from 64 x 48 to 128 x 96 pixels at frame 4"
    assert result.stderr.count("size changes") == result.stderr.count(said) == 1
    rows = result.rows()
    assert [float(row["x"]) for row in rows] == [10, 11, 12, 13, 28, 30, 32, 34]
    assert {row["w"] for row in rows[4:]} == {"40.000"}
    assert result.summary["frame_sizes"] == [
        {"width": 64, "height": 48, "first_frame": 0, "frames": 4},
        {"width": 128, "height": 96, "first_frame": 4, "frames": 4},
    ]


def test_a_single_frame_of_another_size_does_not_move_the_others(run, fake, folder):
    av = pytest.importorskip("av")
    Image.fromarray(np.zeros((100, 40, 3), np.uint8)).save(folder / "4.png")
    result = run()
    assert result.status == 0
    rows = result.rows()
    assert [float(row["x"]) for row in rows[:4] + rows[5:]] == [10, 11, 12, 13, 15, 16, 17]
    with av.open(str(result.out / "overlay.mp4")) as container:
        assert len(list(container.decode(video=0))) == COUNT
