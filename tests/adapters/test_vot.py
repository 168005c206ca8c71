"""The vot-toolkit's interface, called as its worker process calls it."""

import configparser
import json
import os
import shlex
import subprocess
import sys

import numpy as np
import pytest
import small
import toolkits
from PIL import Image

from dslt_jax.adapters import vot
from dslt_jax.app.spec import Spec
from dslt_jax.media import synthetic
from dslt_jax.media.images import read_image


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    frames, truth = small.clip(4)
    paths = [str(folder / f"{i:08d}.png") for i in range(len(frames))]
    for path, frame in zip(paths, frames, strict=True):
        Image.fromarray(frame).save(path)
    session = Spec("mosse").build()
    session.init(frames[0], truth[:1])
    found = np.stack([session.step(frame).boxes[0] for frame in frames[1:]])
    return paths, tuple(float(value) for value in truth[0]), found


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setattr(vot.compiled, "keep", lambda: None)


@pytest.fixture(scope="module")
def tracker():
    return vot.Tracker("mosse")


def test_one_object_and_its_plain_tuples(files, tracker):
    paths, box, expected = files
    ((region, properties),) = tracker.init(paths[0], (box, {}))
    assert type(region) is tuple and properties == {"confidence": 1.0}
    for path, wanted in zip(paths[1:], expected, strict=True):
        ((region, properties),) = tracker.update({"color": path})
        assert type(region) is tuple and all(type(value) is float for value in region)
        np.testing.assert_allclose(region, wanted)
        assert properties["confidence"] > 0


def test_pictures_of_12_bits_are_seen_in_8(files, tracker, tmp_path, monkeypatch):
    """As deep as the sequence is, however dark its first picture."""
    paths, box, _ = files
    deep = []
    for path in paths:
        values = np.asarray(Image.open(path).convert("L")).astype(np.uint16) << 4
        values //= 1 if deep else 16
        deep.append(str(tmp_path / os.path.basename(path)))
        Image.fromarray(values).save(deep[-1])
    seen = []
    targets = tracker._targets
    monkeypatch.setattr(targets, "start", lambda image, boxes: seen.append(image) or [])
    monkeypatch.setattr(targets, "follow", lambda image, boxes: seen.append(image) or [])
    tracker.init(deep[0], (box, {}))
    tracker.update(deep[1])
    grey = [np.asarray(Image.open(path).convert("L")) for path in paths[:2]]
    np.testing.assert_array_equal([image[..., 0] for image in seen], [grey[0] // 16, grey[1]])


def test_several_objects_that_come_one_after_the_other(files, tracker):
    paths, box, expected = files
    for _ in range(2):  # the toolkit starts anew with every sequence
        assert len(tracker.init(paths[0], [(box, {})])) == 1
        found = tracker.update(paths[1], [((50.0, 40.0, 30.0, 30.0), {})])
        assert len(found) == 2 and found[1][0] == (50.0, 40.0, 30.0, 30.0)
        np.testing.assert_allclose(found[0][0], expected[0])
        assert len(tracker.update(paths[2], [])) == 2


def test_a_mask_is_learned_as_the_box_around_it(files, tracker):
    paths, (x, y, w, h), expected = files
    mask = np.zeros((120, 160), int)
    mask[int(y) : int(y + h), int(x) : int(x + w)] = 1
    ((region, _),) = tracker.init(paths[0], (mask.tolist(), {}))
    assert region == (x, y, w, h)
    np.testing.assert_allclose(tracker.update(paths[1])[0][0], expected[0])


def test_polygons_and_masks_become_upright_boxes():
    np.testing.assert_allclose(vot.box_of((1.0, 2.0, 3.0, 4.0)), [1, 2, 3, 4])
    np.testing.assert_allclose(vot.box_of([(1.0, 5.0), (4.0, 2.0), (7.0, 6.0)]), [1, 2, 6, 4])
    mask = np.zeros((6, 8), int)
    mask[2:4, 3:7] = 1
    np.testing.assert_allclose(vot.box_of(mask.tolist()), [3, 2, 4, 2])
    with pytest.raises(ValueError, match="no box, polygon or mask"):
        vot.box_of(np.zeros((3, 3), int).tolist())


def test_the_entry_for_trackers_ini_gives_the_settings_back():
    spec = Spec("compact", ("online.learner.rates=1e-4,2e-4", "loss=l2"), "/w/100%.npz", 3)
    config = configparser.ConfigParser()
    config.read_string(vot.ini(spec, "mine"))
    assert config.sections() == ["mine"]
    entry = dict(config["mine"])
    assert (entry["protocol"], entry["convert"], entry["timeout"]) == ("python", "rectangle", "300")
    given = {key.removeprefix("arg_"): entry[key] for key in entry if key.startswith("arg_")}
    assert vot.spec_of(**given) == spec
    config.read_string(vot.ini(spec, "mine", "trax"))
    command = shlex.split(config["mine"]["command"])
    assert command[:5] == [sys.executable, "-m", "dslt_jax", "vot", "trax"]
    assert "--set=loss=l2" in command and "--weights=/w/100%.npz" in command
    with pytest.raises(ValueError, match="may have letters"):
        vot.ini(spec, "my tracker")


def workspace(folder):
    """A workspace of the toolkit: two clips, our tracker, one experiment without restarts.

    In the second clip there is another object, which comes in its third frame.
    """
    truths = {}
    for name in ("beetle", "other"):
        clip = synthetic.beetle_clip(60, 240, 180, seed=len(name))
        sequence = folder / "sequences" / name
        (sequence / "color").mkdir(parents=True)
        for i, frame in zip(range(15), clip.source, strict=False):
            Image.fromarray(frame.image).save(sequence / "color" / f"{i + 1:08d}.jpg")
        truths[name] = np.round(clip.boxes[:15], 2)
        rows = [",".join(f"{value:.2f}" for value in row) for row in truths[name]]
        if name == "other":
            (sequence / "groundtruth_b.txt").write_text("\n".join(["0", "0", *rows[2:], ""]))
        file = "groundtruth_a.txt" if name == "other" else "groundtruth.txt"
        (sequence / file).write_text("\n".join([*rows, ""]))
        lines = ["channels.color=color/%08d.jpg", "format=default", "fps=30", f"name={name}"]
        (sequence / "sequence").write_text("\n".join([*lines, "width=240", "height=180", ""]))
    (folder / "sequences" / "list.txt").write_text("\n".join(truths) + "\n")
    by_trax = vot.ini(Spec("mosse"), "by-trax", "trax")
    by_trax = by_trax.replace(sys.executable, str(toolkits.PYTHON))
    (folder / "trackers.ini").write_text(vot.ini(Spec("mosse")) + by_trax)
    (folder / "stack.yaml").write_text(
        "title: Two clips\ndataset:\nexperiments:\n  unsupervised:\n    type: unsupervised\n"
        "    repetitions: 1\n    multiobject: true\n"
        "    analyses:\n      - type: average_accuracy\n"
    )
    (folder / "config.yaml").write_text(
        "stack: ./stack.yaml\nregistry:\n- ./trackers.ini\nsequences: ./sequences\n"
    )
    return truths


def test_the_toolkit_evaluates_ours_by_both_protocols(tmp_path):
    if not toolkits.PYTHON.exists():
        pytest.skip("got10k and vot-toolkit are not installed")
    truths = workspace(tmp_path)
    environment = os.environ | {
        "DSLT_CACHE": str(tmp_path / "cache"),
        "JAX_PLATFORMS": "cpu",
        "VOT_RESULTS_BINARY": "false",
    }
    for words in (
        ["evaluate", "dslt-mosse", "by-trax"],
        ["analysis", "--format", "json", "dslt-mosse"],
    ):
        command = [toolkits.PYTHON.with_name("vot"), words[0], "--workspace", tmp_path, *words[1:]]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=300, cwd=tmp_path, env=environment
        )
        assert done.returncode == 0 and "rror" not in done.stdout, done.stdout + done.stderr
    for name, file, start in (
        ("beetle", "beetle", 0),
        ("other", "other_a", 0),
        ("other", "other_b", 2),
    ):
        folder = tmp_path / "sequences" / name / "color"
        frames = [read_image(path) for path in sorted(folder.iterdir())][start:]
        session = Spec("mosse").build()
        session.init(frames[0], truths[name][start])
        expected = [session.step(frame).boxes[0] for frame in frames[1:]]
        paths = sorted((tmp_path / "results").rglob(f"{file}_001.txt"))
        assert [path.relative_to(tmp_path / "results").parts[0] for path in paths] == [
            "by-trax",
            "dslt-mosse",
        ]
        for path in paths:
            rows = path.read_text().split()
            assert rows[0] == "1"  # the start
            found = [[float(value) for value in row.split(",")] for row in rows[start + 1 :]]
            np.testing.assert_allclose(found, expected, atol=1e-2)
    (report,) = (tmp_path / "analysis").glob("*.json")
    (((accuracy,),),) = json.loads(report.read_text())["results"]["unsupervised"]["results"]
    assert 0 < accuracy < 1
