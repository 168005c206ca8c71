import jax
import numpy as np
import pytest
from safetensors.numpy import save_file

from dslt_jax import boxes, presets
from dslt_jax.cli.main import main

SMALL = ["target_size=32", "search_size=96", "channels=8", "kernel_size=8"]


@pytest.fixture
def weights(tmp_path):
    params = presets.compact().backbone.init(jax.random.key(0))
    path = tmp_path / "random.safetensors"
    save_file({key: np.asarray(value) for key, value in params.items()}, path)
    return path


def run(output, *more):
    settings = [f"--set={text}" for text in [*SMALL, "init_steps=3", "augment=false"]]
    return main(["dslt", "demo", f"--output={output}", *settings, *more])


def test_leaves_boxes_truth_and_video_and_prints_scores(weights, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(out, f"--weights={weights}", "--max_frames=4") == 0
    text = capsys.readouterr().out
    for label in ("mean overlap", "success AUC", "precision at 20 px", "lost frames"):
        assert label in text
    truth = np.loadtxt(out / "truth.txt", delimiter=",")
    found = np.loadtxt(out / "boxes.txt", delimiter=",")
    assert truth.shape == found.shape == (4, 4)
    np.testing.assert_allclose(found[0], truth[0], atol=2e-3)
    assert len((out / "boxes.csv").read_text().splitlines()) == 1 + 4
    assert next(out.glob("overlay.*")).stat().st_size > 1000


@pytest.mark.slow
def test_the_embedded_weights_follow_the_beetle_behind_the_grass(tmp_path):
    assert main(["dslt", "demo", f"--output={tmp_path}", "--max_frames=70"]) == 0
    truth = np.loadtxt(tmp_path / "truth.txt", delimiter=",")
    overlap = boxes.iou(np.loadtxt(tmp_path / "boxes.txt", delimiter=","), truth)
    assert overlap.mean() > 0.6 and overlap.min() > 0.2


def test_says_what_is_wrong(weights, tmp_path, capsys):
    assert run(tmp_path / "out", "more") == 1
    assert "'more' belongs to no flag" in capsys.readouterr().err
    assert run(tmp_path / "out", f"--weights={tmp_path / 'absent.npz'}") == 1
    assert "absent.npz" in capsys.readouterr().err
    assert run(weights / "below-a-file", f"--weights={weights}", "--max_frames=2") == 1
    assert "cannot make the folder" in capsys.readouterr().err
