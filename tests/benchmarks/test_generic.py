"""Folders of one's own: images and a text file of boxes."""

import layouts
import numpy as np
import pytest

from dslt_jax.benchmarks import datasets
from dslt_jax.benchmarks.datasets import DatasetError
from dslt_jax.benchmarks.datasets.base import numbered_images


def test_generic(tmp_path):
    layouts.generic(tmp_path)
    layouts.images(tmp_path / "three" / "frames", 9, 3, digits=1)  # 9, 10, 11 in natural order
    layouts.text(tmp_path / "three" / "target.txt", layouts.truth(3))
    (tmp_path / "notes").mkdir()
    dataset = datasets.load("generic", tmp_path)
    assert dataset.names == ("one", "three", "two")
    assert [path.name for path in dataset["three"].frames] == ["9.jpg", "10.jpg", "11.jpg"]
    (tmp_path / "three" / "more.txt").write_text("")
    (tmp_path / "two" / "groundtruth.txt").rename(tmp_path / "notes" / "gt.txt")
    halves = datasets.load("generic", tmp_path)
    assert halves.names == ("one",)
    assert [note.split(" is left out: ")[1][:30] for note in halves.notes] == [
        "it has boxes and no images",
        "it has 2 text files, none call",
        "it has images and no text file",
    ]
    (tmp_path / "notes" / "gt.txt").rename(tmp_path / "two" / "groundtruth.txt")
    (tmp_path / "three" / "more.txt").unlink()
    for hidden in ("frames/._9.jpg", "._target.txt"):  # as macOS leaves them
        (tmp_path / "three" / hidden).write_text("")
    three = datasets.load("generic", tmp_path)[np.int64(1)]
    assert three.frames == dataset["three"].frames and three.listed == 3
    with pytest.raises(TypeError, match="by name or position, not by slice"):
        dataset[0:1]
    np.testing.assert_array_equal(dataset["one"].boxes, layouts.truth(5))
    layouts.images(tmp_path / "otb" / "img", 1, 3)
    (tmp_path / "otb" / "img" / "²³.jpg").write_text("")  # digits, but no number
    assert list(numbered_images(tmp_path / "otb" / "img")) == [1, 2, 3]
    layouts.text(tmp_path / "two" / "groundtruth.txt", layouts.truth(8))
    with pytest.raises(DatasetError, match=r"two has 5 images for 8 rows of groundtruth.txt"):
        datasets.load("generic", tmp_path)["two"]
