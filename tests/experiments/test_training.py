"""Training data and a few steps of the trainer, on images made here."""

import json
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
import sample_store
import small
import train_loader
import train_samples
import train_sources
from PIL import Image

from dslt_jax.media.images import read_image

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


def run(script, *arguments, **flags):
    """Exit status and what was said on standard error."""
    command = [sys.executable, TRAINING / script, *arguments]
    command += [f"--{name}={value}" for name, value in flags.items()]
    done = subprocess.run(command, capture_output=True, text=True, env=small.environment())
    return done.returncode, done.stderr


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


def test_a_pack_holds_what_the_folder_holds(tmp_path):
    folder, output = ours(tmp_path / "data"), tmp_path / "pack.zip"
    for view in ("000", "090"):
        picture(folder / "objects" / "cup" / f"{view}.jpg", int(view))
        picture(folder / "objects" / "cup" / f"{view}.png", 1)
    assert run("pack.py", data=folder, output=output) == (0, "")
    with zipfile.ZipFile(output) as archive:
        archive.extractall(tmp_path / "unpacked")
    before, after = (train_sources.load_all([tmp_path / n]) for n in ("data", "unpacked"))
    assert [Path(still.file).name for still in after.stills] == [f"{i}.webp" for i in range(4)]
    assert (tmp_path / "unpacked/boxes.jsonl").read_text().count('"thing"') == 4
    for one, other in zip(before.stills, after.stills, strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)
        one, other = (read_image(still.file).astype(float) for still in (one, other))
        assert 0 < np.abs(one - other).mean() < 8  # the same picture, packed
    assert [(clip.name, len(clip.frames)) for clip in after.clips] == [("walk", 3)]
    np.testing.assert_array_equal(before.clips[0].boxes, after.clips[0].boxes)
    assert [thing.name for thing in after.things] == ["cup"]
    for one, other in zip(before.things[0].views, after.things[0].views, strict=True):
        assert Path(other[0]).name == f"{Path(one[0]).stem}.webp"
        assert Path(one[1]).read_bytes() == Path(other[1]).read_bytes()

    first = output.read_bytes()
    os.utime(folder / "images" / "0.jpg", (0, 0))
    assert run("pack.py", data=folder, output=output) == (0, "") and output.read_bytes() == first
    code, said = run("pack.py", data=folder, output=tmp_path / "no.zip", mebibytes=0.01)
    assert code == 1 and "does not fit into 0.0" in said and "raise --mebibytes" in said
    code, said = run("pack.py", data=tmp_path / "none", output=tmp_path / "no.zip")
    assert code == 1 and said == f"pack: there is no folder {tmp_path / 'none'}\n"
    picture(folder / "images" / "0.png", 0)
    with (folder / "boxes.jsonl").open("a") as file:
        file.write('\n{"file": "0.png", "boxes": []}')
    code, said = run("pack.py", data=folder, output=tmp_path / "no.zip")
    assert code == 1 and "two pictures would become images/0.webp" in said
    assert not (tmp_path / "no.zip").exists()


def test_stored_samples_are_those_of_the_loader(tmp_path):
    data = train_sources.load_all([ours(tmp_path / "data")])
    arguments = {"seed": 3, "batch": 2, "size": 96, "tests": 1}
    train_loader.store(tmp_path / "kept", data, count=1, workers=0, **arguments)
    kept = tmp_path / "kept" / "000000.safetensors"
    age = kept.stat().st_mtime_ns
    train_loader.store(tmp_path / "kept", data, count=3, workers=1, **arguments)
    assert kept.stat().st_mtime_ns == age  # it was not made again
    asked = arguments | {"data": train_sources.digest(data)}
    found = sample_store.batches(tmp_path / "kept", start=1, **asked)
    made = train_loader.batches(data, start=0, workers=0, **arguments)
    zero, one, two = next(made), next(made), next(made)
    for expected in (one, two, zero, one):  # after the last comes the first
        for a, b in zip(expected, next(found), strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype


def test_samples_of_other_flags_or_data_are_refused(tmp_path):
    data = train_sources.load_all([ours(tmp_path / "data")])
    arguments = {"seed": 3, "batch": 2, "size": 96, "tests": 1}
    kept = tmp_path / "kept"
    train_loader.store(kept, data, count=1, workers=0, **arguments)
    digest = train_sources.digest(data)
    other = train_sources.digest(data._replace(stills=data.stills[1:]))
    for name, value in {"seed": 4, "batch": 4, "size": 192, "tests": 2, "data": other}.items():
        asked = arguments | {"data": digest, name: value}
        with pytest.raises(SystemExit, match=f"begun with {name} .* use another --samples"):
            sample_store.batches(kept, start=0, **asked)
    with pytest.raises(SystemExit, match="begun with seed 3 instead of 4: use another --store"):
        train_loader.store(kept, data, count=1, workers=0, **arguments | {"seed": 4})


def test_a_batch_is_waited_for_and_given_up_when_nobody_makes_it(tmp_path):
    data = train_sources.load_all([ours(tmp_path / "data")])
    arguments = {"seed": 3, "batch": 2, "size": 96, "tests": 1}
    asked = arguments | {"data": train_sources.digest(data)}
    with pytest.raises(SystemExit, match=r"asked\.json did not come in 0 s"):
        sample_store.batches(tmp_path / "kept", start=0, patience=0, **asked)
    kept = tmp_path / "kept"
    maker = threading.Timer(
        0.3, lambda: train_loader.store(kept, data, count=2, workers=0, **arguments)
    )
    maker.start()
    try:
        assert next(sample_store.batches(kept, start=1, **asked)).boxes.shape == (2, 2, 4)
    finally:
        maker.join()
    (kept / "000000.safetensors").unlink()
    with pytest.raises(SystemExit, match=r"does train_loader\.py --store run"):
        next(sample_store.batches(kept, start=0, patience=0.1, **asked))


@pytest.mark.slow
def test_training_goes_on_where_it_stopped(tmp_path):
    data = ours(tmp_path / "data")

    def train(name, steps, **more):
        options = {"data": data, "output": tmp_path / name, "steps": steps, "crop_size": 96}
        options |= {"batch": 2, "validate_every": 0, "workers": 0, "schedule": 4}
        code, said = run("train_compact.py", **options | more)
        assert code == 0 or more, said
        return said if code else (tmp_path / name / "weights.safetensors").read_bytes()

    whole = train("whole", 4)
    train("parts", 2)
    assert train("parts", 4) == whole
    rows = (tmp_path / "parts" / "log.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", "2", "4"]

    kept = {"store": tmp_path / "kept", "count": 4, "batch": 2, "size": 96, "workers": 2}
    code, said = run("train_loader.py", data=data, **kept)
    assert code == 0, said
    assert train("stored", 4, samples=kept["store"]) == whole
    said = train("other", 4, samples=kept["store"], seed=1)
    assert "begun with seed 0 instead of 1: use another --samples" in said
