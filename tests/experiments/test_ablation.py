"""The ablations, on a folder in OTB layout made here."""

import csv
import importlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from absl import flags
from PIL import Image

from dslt_jax import presets, settings
from dslt_jax.backbones import compact, layers
from dslt_jax.learners import Samples
from dslt_jax.media import synthetic
from dslt_jax.ops import spectral
from dslt_jax.ops.labels import gaussian

SMALL = ["target_size=32", "search_size=96", "channels=8", "kernel_size=8"]


@pytest.fixture
def load():
    """Imports an experiment, whose flags are taken away afterwards."""
    before = set(flags.FLAGS)

    def importer(name):
        return importlib.import_module(name)

    yield importer
    for name in set(flags.FLAGS) - before:
        delattr(flags.FLAGS, name)
    for name in (
        "ablation",
        "ablate_fusion",
        "ablate_losses",
        "convergence",
        "search_architecture",
        "timing",
    ):
        sys.modules.pop(name, None)


def otb_folder(folder, count=6):
    for name in ("Deer", "Skiing"):
        clip = synthetic.beetle_clip(60, 240, 180, seed=len(name))
        (folder / name / "img").mkdir(parents=True)
        for i, frame in zip(range(count), clip.source, strict=False):
            picture = Image.fromarray(np.asarray(frame.image))
            picture.save(folder / name / "img" / f"{i + 1:04d}.jpg")
        rows = clip.boxes[:count] + np.array([1, 1, 0, 0])
        np.savetxt(folder / name / "groundtruth_rect.txt", rows, "%.1f", ",")
    return folder


@pytest.mark.slow
def test_fusion_runs_compares_and_goes_on(load, tmp_path, capsys):
    experiment = load("ablate_fusion")
    sys.modules["ablation"].define_flags(str(tmp_path / "out"))
    flags.DEFINE_list("variants", ["residual", "deep"], "")
    changes = [f"--set={text}" for text in (*SMALL, "init_steps=5", "augment=false")]
    data = otb_folder(tmp_path / "otb")
    flags.FLAGS(["ablate_fusion", f"--data={data}", "--workers=1", *changes])
    experiment.main(["ablate_fusion"])
    with (tmp_path / "out" / "table.csv").open() as file:
        rows = {row["variant"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"residual", "deep"}
    assert float(rows["residual"]["AUC"]) > 0.3
    assert rows["residual"]["lead of residual"] == "+0.000"
    difference = float(rows["residual"]["AUC"]) - float(rows["deep"]["AUC"])
    assert float(rows["deep"]["lead of residual"]) == pytest.approx(difference, abs=2e-3)
    assert (tmp_path / "out" / "fusion.png").stat().st_size > 1000
    capsys.readouterr()
    experiment.main(["ablate_fusion"])
    assert capsys.readouterr().out.count("nothing left to do") == 2


def test_vggs_other_pairs_of_layers_are_variants(load):
    pairs = load("ablate_fusion").variants(presets.paper())[-2:]
    grids = []
    for variant in pairs:
        tracker = settings.override(presets.paper(), variant.settings)
        assert tracker.backbone.take[0] == "conv3_3"
        grids.append(tracker.kernel_size * tracker.backbone.layers[0].stride)
    assert grids == [128, 128] and presets.paper().kernel_size * 8 == 128


def test_the_losses_are_drawn(load, tmp_path):
    shapes = load("loss_shapes")
    flags.DEFINE_string("output", str(tmp_path), "")
    flags.FLAGS(["loss_shapes"])
    shapes.main(["loss_shapes"])
    with (tmp_path / "loss_shapes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[20]["l2"]) == pytest.approx(0.04)
    assert float(rows[20]["shrinkage"]) == pytest.approx(0.02)
    assert (tmp_path / "loss_shapes.png").stat().st_size > 1000


def test_a_missing_folder_is_named(load, tmp_path):
    ablation = load("ablation")
    ablation.define_flags(str(tmp_path))
    flags.FLAGS(["ablate", f"--data={tmp_path / 'none'}"])
    with pytest.raises(SystemExit, match="none"):
        ablation.load_dataset()


def test_steps_to_converge(load):
    losses = load("convergence")
    assert losses.steps_to_converge(np.array([0.5, 0.05, 0.2, 0.09, 0.01])) == 4
    assert losses.steps_to_converge(np.array([0.01, 0.01])) == 1
    assert losses.steps_to_converge(np.array([0.01, 0.5])) == np.inf
    assert losses.steps_to_converge(np.array([0.01, np.nan])) == np.inf


def test_a_rate_is_looked_for_until_it_is_not_at_an_end(load):
    losses = load("ablate_losses")
    best, tried = losses.best_factor(lambda factor: -abs(np.log(factor / 27)))
    assert best == 27 and max(tried) == 81 and list(tried) == sorted(tried)
    best, tried = losses.best_factor(lambda factor: -factor, most=5)
    assert len(tried) == 5 and best == min(tried)


def test_the_error_over_the_target_falls(load, monkeypatch):
    losses = load("convergence")
    monkeypatch.setattr(losses, "STEPS", 60)
    changes = ["channels=3", "kernel_size=8", "target_size=32", "search_size=128"]
    tracker = settings.override(presets.compact(), [*changes, "first.learner.rates=0.001,0.001"])
    key = jax.random.key(0)
    features = jax.random.normal(key, (1, 6, 16, 16))
    label = gaussian(16, jnp.array([9.0, 7.0]), jnp.full(2, 1.5))
    spectra = spectral.spectrum(features, spectral.fft_size(16, 8))
    samples = Samples(spectra, label[None], jnp.ones(1), jnp.asarray(1))
    kernel = 1e-7 * jax.random.normal(key, (6, 8, 8))
    start = losses.Start(kernel, spectral.kernel_mask(jnp.full(2, 6.0), 8), samples)
    errors = losses.errors_by_step(tracker, start)
    assert errors.shape == (60, 3)
    assert errors[0, 0] > 0.8 and errors[-1, 0] < 0.5 * errors[0, 0]
    assert errors[0, 2] < 1 and errors[-1, 2] < 0.5 * errors[0, 2]


def test_the_searched_base_is_the_embedded_network(load):
    search = load("search_architecture")
    names = search.param_shapes(search.BASE)
    params = layers.he_init(jax.random.key(1), names)
    ours = {key for key in compact.Compact().param_shapes() if not key.startswith("box/")}
    blocks = [f"{i}/{b}" for i, n in enumerate(search.BASE.blocks) for b in range(1 + n)]
    rename = dict(zip(compact.Compact().blocks(), blocks, strict=True)) | {
        "shallow": "shallow",
        "deep": "deep",
    }
    renamed = {f"{a}/{part}": params[f"{b}/{part}"] for a, b in rename.items() for part in "wb"}
    assert set(renamed) == ours
    image = jax.random.uniform(jax.random.key(2), (1, 64, 64, 3)) * 255
    expected = compact.Compact().apply(renamed, image)
    found = search.apply(search.BASE, params, image)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
