"""Training data and a few steps of the trainer, on images made here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import train_loader
import train_samples
import train_sources
from PIL import Image

TRAINING = Path(__file__).parents[2] / "experiments" / "training"


def picture(path, seed, size=(120, 90)):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (9, 12, 3)).astype(np.uint8)
    Image.fromarray(noise).resize(size).save(path)


def ours(folder):
    rows = []
    for i in range(4):
        picture(folder / "images" / f"{i}.jpg", i)
        rows.append({"file": f"{i}.jpg", "boxes": [[30, 20, 40, 30, "thing"]]})
    (folder / "boxes.jsonl").write_text("\n".join(map(json.dumps, rows)))
    clip = folder / "videos" / "walk"
    for i in range(3):
        picture(clip / f"{i:04d}.jpg", 10 + i)
    (clip / "groundtruth.csv").write_text("10,10,30,20\n12,11,30,20\nnan,nan,nan,nan\n")
    return folder


def coco(folder):
    picture(folder / "val2017" / "a.jpg", 0)
    table = {
        "images": [{"id": 7, "file_name": "a.jpg"}],
        "annotations": [
            {"image_id": 7, "bbox": [5, 6, 20, 30]},
            {"image_id": 7, "bbox": [0, 0, 90, 90], "iscrowd": 1},
        ],
    }
    (folder / "annotations").mkdir()
    (folder / "annotations" / "instances_val2017.json").write_text(json.dumps(table))
    return folder


def got10k(folder):
    for i in range(1, 4):
        picture(folder / "train" / "one" / f"{i:08d}.jpg", i)
    text = "1,2,30,40\n2,3,30,40\n3,4,30,40\n"
    (folder / "train" / "one" / "groundtruth.txt").write_text(text)
    (folder / "train" / "one" / "absence.label").write_text("0\n1\n0\n")
    return folder


def test_layouts_are_recognised(tmp_path):
    found = train_sources.load_all([ours(tmp_path / "ours")])
    assert len(found.stills) == 4 and found.stills[0].boxes.tolist() == [[30, 20, 40, 30]]
    assert [clip.name for clip in found.clips] == ["walk"]
    found = train_sources.load_all([coco(tmp_path / "coco")])
    assert found.stills[0].boxes.tolist() == [[5, 6, 20, 30]]
    found = train_sources.load_all([got10k(tmp_path / "got")])
    assert len(found.clips[0].frames) == 3
    assert np.isfinite(found.clips[0].boxes).all(axis=1).tolist() == [True, False, True]
    picture(tmp_path / "any" / "deep" / "x.png", 1)
    assert len(train_sources.load_all([tmp_path / "any"]).stills) == 1
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="neither images nor clips"):
        train_sources.load_all([tmp_path / "empty"])
    with pytest.raises(ValueError, match="there is no folder"):
        train_sources.load_all([tmp_path / "missing"])


def test_samples_are_the_same_wherever_made(tmp_path):
    data = train_sources.load_all([ours(tmp_path)])
    arguments = {"seed": 3, "batch": 4, "size": 96, "tests": 2}
    here = train_loader.batches(data, start=0, workers=0, **arguments)
    _, second = next(here), next(here)
    there = train_loader.batches(data, start=1, workers=1, **arguments)
    again = next(there)
    there.close()
    for a, b in zip(second, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert second.patches.shape == (4, 3, 96, 96, 3) and second.patches.dtype == np.uint8
    # The template is framed as the tracker frames it.
    boxes = second.boxes[:, 0]
    np.testing.assert_allclose(boxes[:, :2] + boxes[:, 2:] / 2, 48, atol=1e-4)
    np.testing.assert_allclose(np.sqrt(boxes[:, 2] * boxes[:, 3]), 52, rtol=1e-5)


def test_the_box_goes_where_the_target_goes():
    image = np.zeros((120, 160, 3), np.uint8)
    image[40:70, 60:110] = 255  # 50 x 30
    box = np.array([60.0, 40, 50, 30])
    for seed in range(20):
        rng = np.random.default_rng(seed)
        view = train_samples._view(box, rng, 192, 1.0, bool(seed % 2))._replace(angle=0.0)
        patch, found = train_samples._look(Image.fromarray(image), box, view, 192, None)
        rows, columns = np.nonzero(np.asarray(patch)[..., 0] > 127)
        low, high = (columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1)
        expected = np.clip([*found[:2], *(found[:2] + found[2:])], 0, 192)
        np.testing.assert_allclose([*low, *high], expected, atol=1.5)


def test_unreadable_images_are_reported_and_replaced(tmp_path, capsys):
    data = train_sources.load_all([ours(tmp_path)])
    (tmp_path / "images" / "2.jpg").write_bytes(b"no image")
    next(train_loader.batches(data, seed=0, start=0, batch=16, workers=0, size=96, tests=1))
    assert "2.jpg is not an image" in capsys.readouterr().out


@pytest.mark.slow
def test_training_goes_on_where_it_stopped(tmp_path):
    ours(tmp_path / "data")

    def train(name, steps):
        command = [sys.executable, TRAINING / "train_compact.py", "--crop_size=96"]
        command += [f"--data={tmp_path / 'data'}", f"--output={tmp_path / name}", "--batch=2"]
        command += [f"--steps={steps}", "--validate_every=0", "--workers=0", "--schedule=4"]
        done = subprocess.run(
            command, capture_output=True, text=True, env=os.environ | {"JAX_PLATFORMS": "cpu"}
        )
        assert done.returncode == 0, done.stderr
        return (tmp_path / name / "weights.safetensors").read_bytes()

    whole = train("whole", 4)
    train("parts", 2)
    assert train("parts", 4) == whole
    rows = (tmp_path / "parts" / "log.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", "2", "4"]
