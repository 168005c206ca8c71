"""Training of SiamFC's head: its labels, its templates, its losses, and that it goes on."""

import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import siamese_pairs
import small
import test_training
import train_siamfc
from safetensors.numpy import load_file

from dslt_jax import presets
from dslt_jax.weights import store

SCRIPT = Path(__file__).parents[2] / "experiments" / "training" / "train_siamfc.py"


@pytest.fixture(scope="module")
def params():
    return train_siamfc.TRACKER.backbone.init(jax.random.key(0))


def pairs(count=3, tests=2, grid=14):
    """Random maps, whose second search crop is the template's own."""
    rng = np.random.default_rng(0)
    shallow = rng.normal(size=(count, 1 + tests, grid, grid, 64)).astype(np.float32)
    deep = rng.normal(size=(count, 1 + tests, grid // 2, grid // 2, 96)).astype(np.float32)
    shallow[:, 2], deep[:, 2] = shallow[:, 0], deep[:, 0]
    middle = 8 * grid / 2
    boxes = np.tile(np.float32([middle - 20, middle - 20, 40, 40]), (count, 1 + tests, 1))
    return siamese_pairs.Pairs(shallow, deep, boxes, np.ones((count, 1 + tests), np.float32))


def test_the_label_is_a_disc_about_the_target():
    """With a template of 8 cells the response's cell r is pixel 8 (r + 4)."""
    boxes = jnp.array([[[80.0, 90.0, 20.0, 10.0]]])  # its middle is at 90, 95
    found = np.asarray(train_siamfc.label(boxes, 19)[0, 0])
    y, x = np.mgrid[:19, :19]
    expected = np.hypot(8 * (x + 4) - 90, 8 * (y + 4) - 95) <= 16
    np.testing.assert_array_equal(found, expected)
    assert 8 < found.sum() < 16


@pytest.mark.parametrize("grid", [14, 26])
def test_templates_are_the_middle_of_the_whole_embedding(params, grid):
    shallow, deep = (x[:, 0] for x in pairs(grid=grid)[:2])
    whole = train_siamfc.TRACKER.backbone.embed(params, jnp.asarray(shallow), jnp.asarray(deep))
    low = grid // 2 - 4
    found = train_siamfc.templates(params, jnp.asarray(shallow), jnp.asarray(deep))
    np.testing.assert_allclose(found, whole[:, low : low + 8, low : low + 8], atol=1e-5)


@pytest.mark.parametrize("name", train_siamfc.LOSSES)
def test_the_objective_is_balanced_and_leaves_out_what_is_hidden(params, name):
    """By hand for one sample: logits of the second crop, each class one half."""
    loss, batch = train_siamfc.LOSSES[name], pairs()
    half_hidden = batch._replace(visible=np.float32([[1, 0.1, 1]] * 3))
    found, on = train_siamfc.objective(params, half_hidden, loss, 0.0)
    network, expected, hits = train_siamfc.TRACKER.backbone, [], []
    for i in range(3):
        maps = network.embed(params, *(jnp.asarray(x[i, 2:]) for x in batch[:2]))
        template = maps[0, 3:11, 3:11]
        logits = train_siamfc.siamese.respond(params, template, maps)[0]
        truth = np.asarray(train_siamfc.label(jnp.asarray(batch.boxes[i : i + 1, 2:]), 7)[0, 0])
        each = np.asarray(loss(logits, jnp.asarray(truth)))
        expected.append((each[truth > 0].mean() + each[truth == 0].mean()) / 2)
        hits.append(truth.reshape(-1)[np.argmax(logits)])
    np.testing.assert_allclose(found, np.mean(expected), rtol=1e-4)
    assert float(on) == np.mean(hits) == 1.0  # a template finds itself
    strangers, _ = train_siamfc.objective(params, half_hidden, loss, 1.0)
    assert float(strangers) > float(found)


@pytest.mark.slow
def test_training_goes_on_where_it_stopped_and_leaves_what_the_tracker_loads(tmp_path):
    test_training.ours(tmp_path / "data")

    def train(name, steps, loss="shrinkage"):
        command = [sys.executable, SCRIPT, f"--data={tmp_path / 'data'}", f"--loss={loss}"]
        command += [f"--features={tmp_path / 'pairs'}", f"--output={tmp_path / name}"]
        command += ["--samples=8", "--batch=2", f"--steps={steps}", "--schedule=4", "--notrack"]
        done = subprocess.run(command, capture_output=True, text=True, env=small.environment())
        return done.returncode, done.stderr, tmp_path / name / "weights.safetensors"

    code, said, whole = train("whole", 4)
    assert code == 0, said
    assert train("parts", 2)[0] == 0 and train("parts", 4)[0] == 0
    assert (tmp_path / "parts" / "weights.safetensors").read_bytes() == whole.read_bytes()
    rows = (tmp_path / "parts" / "log.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", "2", "4"]
    loaded = store.load_params(presets.siamfc(), whole)
    for key, array in load_file(whole).items():
        np.testing.assert_array_equal(loaded[key], array.astype(np.float32))
    assert "stage1/w" in loaded
    other = train("other", 4, "focal")[2]
    assert other.read_bytes() != whole.read_bytes()
    code, said, _ = train("whole", 4, "focal")  # another one lies there
    assert code == 1 and "was begun with loss shrinkage: use another --output" in said
    note = tmp_path / "pairs" / "done.json"
    note.write_text(note.read_text().replace('"weights": "', '"weights": "0'))
    code, said, _ = train("new", 4)
    assert code == 1 and "use another --features" in said
