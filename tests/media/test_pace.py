from fractions import Fraction

import pytest

from dslt_jax.media.pace import Pace

NTSC = Fraction(30000, 1001)


def moments(times, fps=Fraction(25)):
    pace = Pace(fps)
    return [pace.next(time) for time in times]


def test_without_times_the_rate_is_constant():
    assert moments([None] * 3, NTSC) == [0, 1 / NTSC, 2 / NTSC]


@pytest.mark.parametrize("digits", [3, 6])
def test_about_constant_times_are_constant(digits):
    times = [round(7 + float(i / NTSC), digits) for i in range(50)]
    assert moments(times, NTSC) == [i / NTSC for i in range(50)]


def test_other_times_are_kept():
    times = [5.0, 5.04, 5.44, 5.456, 9.0]
    expected = [0, 0.04, 0.44, 0.456, 4.0]
    assert [float(moment) for moment in moments(times)] == pytest.approx(expected, abs=1e-9)


def test_a_frame_without_a_time_comes_after_the_one_before():
    assert [float(m) for m in moments([1.0, None, 1.5])] == pytest.approx([0, 0.04, 0.5])
    assert [float(m) for m in moments([None, 1.0, 1.5])] == pytest.approx([0, 0.04, 0.54])


def test_times_that_stand_still_or_go_back_go_on_a_little():
    found = moments([0.0, 0.0, 0.04, 0.01, 0.08])
    assert [float(m) for m in found] == pytest.approx([0, 0.001, 0.04, 0.041, 0.08])
