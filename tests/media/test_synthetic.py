import itertools

import numpy as np
import pytest
from PIL import Image

from dslt_jax.media import synthetic

TIMES = (0.0, 0.3, 0.36, 0.66, 0.81, 1.0)


def pictures(clip, count):
    return np.stack([frame.image for frame in itertools.islice(clip.source, count)])


@pytest.mark.parametrize("size", [(480, 360), (320, 240), (200, 300)])
def test_boxes_are_inside_the_frames(size):
    boxes = synthetic.beetle_clip(90, *size).boxes
    assert boxes.shape == (90, 4)
    assert (boxes[:, 2:] > 15).all()
    assert (boxes[:, :2] >= 0).all() and (boxes[:, :2] + boxes[:, 2:] <= size).all()


def test_two_readings_are_equal_and_seeds_differ():
    clip = synthetic.beetle_clip(40, 240, 180, seed=3)
    first = pictures(clip, 3)
    assert first.shape == (3, 180, 240, 3) and first.dtype == np.uint8
    synthetic._paint.cache_clear()
    np.testing.assert_array_equal(first, pictures(clip, 3))
    other = pictures(synthetic.beetle_clip(40, 240, 180, seed=4), 3)
    assert np.abs(first.astype(int) - other).mean() > 5


def beetle_pixels(scene, time):
    """Where the picture changes when the beetle changes its colour."""
    negative = Image.fromarray(
        np.asarray(scene.target) ^ np.array([255, 255, 255, 0], np.uint8), "RGBA"
    )
    pair = [
        np.asarray(synthetic._render(s, time, 480, 360, 1.0), int)
        for s in (scene, scene._replace(target=negative))
    ]
    return np.abs(pair[0] - pair[1]).max(axis=-1) > 60


@pytest.mark.parametrize("time", TIMES)
def test_truth_is_the_box_around_the_beetles_pixels(time):
    scene = synthetic._paint(0)
    clear = scene._replace(grass=Image.new("RGBA", scene.grass.size, (0, 0, 0, 0)))
    rows, columns = np.nonzero(beetle_pixels(clear, time))
    seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    x, y, w, h = synthetic._true_box(time, 480, 360, 1.0)
    np.testing.assert_allclose(seen, [x, y, x + w, y + h], atol=2.0)


def test_grass_hides_a_part_of_the_beetle_only():
    scene = synthetic._paint(0)
    clear = scene._replace(grass=Image.new("RGBA", scene.grass.size, (0, 0, 0, 0)))
    shares = [
        beetle_pixels(scene, time).sum() / beetle_pixels(clear, time).sum()
        for time in np.linspace(0.3, 0.42, 7)
    ]
    assert 0.3 < min(shares) < 0.7


def test_the_clip_has_what_it_promises():
    clip = synthetic.beetle_clip(60)
    frames = pictures(clip, 60)
    area = np.prod(clip.boxes[:, 2:], axis=1)
    assert area.max() > 2.5 * area.min()
    light = frames.mean(axis=(1, 2, 3))
    assert light[30] < 0.7 * light[20]
    sharp = np.abs(np.diff(frames[..., 1].astype(int), axis=2)).mean(axis=(1, 2))
    assert sharp[44:52].min() < 0.65 * sharp[44:52].max()  # the jerk blurs
    assert frames[0].std() > 25


@pytest.mark.parametrize("wrong", [{"count": 1}, {"width": 100}, {"height": 20}])
def test_a_clip_too_small_is_refused(wrong):
    with pytest.raises(ValueError, match="at least 2 of 160 x 160 are needed"):
        synthetic.beetle_clip(**{"count": 10, **wrong})
