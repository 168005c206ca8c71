"""The vot-toolkit's interface, called as its worker process calls it."""

import json
import os
import subprocess

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


def test_one_target_and_its_plain_tuples(files):
    paths, box, expected = files
    tracker = vot.Tracker("mosse")
    region, properties = tracker.init(paths[0], (box, {}))
    assert type(region) is tuple and properties == {}
    for path, wanted in zip(paths[1:], expected, strict=True):
        region, properties = tracker.update({"color": path})
        assert type(region) is tuple and all(type(value) is float for value in region)
        np.testing.assert_allclose(region, wanted)
        assert properties["confidence"] > 0


def test_several_targets_that_come_one_after_the_other(files):
    paths, box, expected = files
    trackers = vot.Trackers("mosse")
    assert len(trackers.init(paths[0], [(box, {})])) == 1
    found = trackers.update(paths[1], [((50.0, 40.0, 30.0, 30.0), {})])
    assert len(found) == 2 and found[1][0] == (50.0, 40.0, 30.0, 30.0)
    np.testing.assert_allclose(found[0][0], expected[0])
    assert len(trackers.update(paths[2])) == 2


def test_polygons_and_masks_become_upright_boxes():
    np.testing.assert_allclose(vot.box_of((1.0, 2.0, 3.0, 4.0)), [1, 2, 3, 4])
    np.testing.assert_allclose(vot.box_of([(1.0, 5.0), (4.0, 2.0), (7.0, 6.0)]), [1, 2, 6, 4])
    mask = np.zeros((6, 8), int)
    mask[2:4, 3:7] = 1
    np.testing.assert_allclose(vot.box_of(mask.tolist()), [3, 2, 4, 2])
    with pytest.raises(ValueError, match="no box, polygon or mask"):
        vot.box_of(np.zeros((3, 3), int).tolist())


def test_the_entry_for_trackers_ini():
    text = vot.ini("kcf", "lost=5")
    assert "[dslt-kcf]" in text and "arg_preset = kcf" in text and "arg_settings = lost=5" in text


def workspace(folder):
    """A workspace of the toolkit: two clips, our tracker, one experiment without restarts."""
    truths = {}
    for name in ("beetle", "other"):
        clip = synthetic.beetle_clip(60, 240, 180, seed=len(name))
        sequence = folder / "sequences" / name
        (sequence / "color").mkdir(parents=True)
        for i, frame in zip(range(15), clip.source, strict=False):
            Image.fromarray(frame.image).save(sequence / "color" / f"{i + 1:08d}.jpg")
        truths[name] = np.round(clip.boxes[:15], 2)
        np.savetxt(sequence / "groundtruth.txt", truths[name], "%.2f", ",")
        lines = ["channels.color=color/%08d.jpg", "format=default", "fps=30", f"name={name}"]
        (sequence / "sequence").write_text("\n".join([*lines, "width=240", "height=180", ""]))
    (folder / "sequences" / "list.txt").write_text("\n".join(truths) + "\n")
    (folder / "trackers.ini").write_text(vot.ini("mosse"))
    (folder / "stack.yaml").write_text(
        "title: Two clips\ndataset:\nexperiments:\n  unsupervised:\n    type: unsupervised\n"
        "    repetitions: 1\n    analyses:\n      - type: average_accuracy\n"
    )
    (folder / "config.yaml").write_text(
        "stack: ./stack.yaml\nregistry:\n- ./trackers.ini\nsequences: ./sequences\n"
    )
    return truths


def test_the_toolkit_evaluates_ours(tmp_path):
    if not toolkits.PYTHON.exists():
        pytest.skip("got10k and vot-toolkit are not installed")
    truths = workspace(tmp_path)
    environment = os.environ | {
        "DSLT_CACHE": str(tmp_path / "cache"),
        "VOT_RESULTS_BINARY": "false",
    }
    for command in (["evaluate"], ["analysis", "--format", "json"]):
        command = [toolkits.PYTHON.with_name("vot"), *command, "--workspace", tmp_path]
        done = subprocess.run(
            [*command, "dslt-mosse"],
            capture_output=True,
            text=True,
            timeout=300,
            cwd=tmp_path,
            env=environment,
        )
        assert done.returncode == 0 and "rror" not in done.stdout, done.stdout + done.stderr
    for name, truth in truths.items():
        folder = tmp_path / "sequences" / name / "color"
        frames = [read_image(path) for path in sorted(folder.iterdir())]
        session = Spec("mosse").build()
        session.init(frames[0], truth[0])
        (path,) = (tmp_path / "results").rglob(f"{name}_001.txt")
        rows = path.read_text().split()
        assert rows[0] == "1"  # the start
        for row, frame in zip(rows[1:], frames[1:], strict=True):
            found = [float(value) for value in row.split(",")]
            np.testing.assert_allclose(found, session.step(frame).boxes[0], atol=1e-2)
    (report,) = (tmp_path / "analysis").glob("*.json")
    (((accuracy,),),) = json.loads(report.read_text())["results"]["unsupervised"]["results"]
    assert 0 < accuracy < 1
