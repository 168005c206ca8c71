"""All systems over one folder: a table, a figure, what is missing is told, and it goes on."""

import csv
import importlib
import json
import re
import sys

import numpy as np
import pytest
from absl import app, flags
from PIL import Image

from dslt_jax.cli.main import main as dslt
from dslt_jax.media import synthetic

pytest.importorskip("matplotlib", reason="the figure needs matplotlib")
COUNT = 4


@pytest.fixture
def compare(tmp_path, monkeypatch):
    """The experiment on two short sequences, without weights and without a probe's process."""
    for name in ("Deer", "Skiing"):
        clip = synthetic.beetle_clip(60, 240, 180, seed=len(name))
        folder = tmp_path / "otb" / name
        (folder / "img").mkdir(parents=True)
        for i, frame in zip(range(COUNT), clip.source, strict=False):
            Image.fromarray(np.asarray(frame.image)).save(folder / "img" / f"{i + 1:04d}.jpg")
        rows = clip.boxes[:COUNT] + np.array([1, 1, 0, 0])
        for file in (
            folder / "groundtruth_rect.txt",
            tmp_path / "published" / "MOSSE" / f"{name}.txt",
        ):
            file.parent.mkdir(parents=True, exist_ok=True)
            np.savetxt(file, rows, "%.2f", ",")
    assert app  # it brings flags of its own, which stay
    before = set(flags.FLAGS)
    experiment = importlib.import_module("compare_trackers")
    experiment.define_flags(str(tmp_path / "out"))
    monkeypatch.setenv("DSLT_CACHE", str(tmp_path / "cache"))
    costs = experiment.costs.Costs(1.5, 300.0, 0)
    monkeypatch.setattr(experiment.costs, "apart", lambda preset: costs)

    def run(*arguments):
        data, published = tmp_path / "otb", tmp_path / "published"
        flags.FLAGS(["compare", f"--data={data}", f"--published={published}", *arguments])
        experiment.main(["compare"])

    yield run
    for name in set(flags.FLAGS) - before:
        delattr(flags.FLAGS, name)
    for name in ("compare_trackers", "ablation", "costs"):
        sys.modules.pop(name, None)


def test_a_signal_ends_all_of_it(compare, monkeypatch, capfd):
    experiment, asked = sys.modules["compare_trackers"], []
    monkeypatch.setattr(experiment, "follow", lambda name, data: asked.append(name) or 143)
    with pytest.raises(SystemExit) as stop:
        compare("--presets=mosse,kcf")
    assert stop.value.code == 143 and len(asked) == 1


@pytest.mark.slow
def test_it_compares_skips_what_has_no_weights_and_goes_on(compare, tmp_path, capfd):
    compare("--presets=mosse,crest,crt")
    said = capfd.readouterr().out
    assert "crest is left out: " in said and "dslt weights fetch vgg16" in said
    with (tmp_path / "out" / "compare.csv").open() as file:
        rows = {row["tracker"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"mosse", "MOSSE, published boxes"}
    ours, theirs = rows["mosse"], rows["MOSSE, published boxes"]
    assert float(theirs["auc"]) > 0.94  # the truth itself, as OTB scores it
    assert ours["authors_auc"] == theirs["auc"] and 0 < float(ours["auc"]) <= float(theirs["auc"])
    assert float(ours["fps"]) > 0 and float(ours["first_frame_seconds"]) > 0
    assert (ours["compile_seconds"], ours["memory_mb"], ours["parameters"]) == ("1.5", "300.0", "0")
    assert (tmp_path / "out" / "compare.png").stat().st_size > 1000
    assert json.loads((tmp_path / "out" / "costs" / "mosse.json").read_text())["memory_mb"] == 300
    compare("--presets=mosse")
    said = capfd.readouterr().out
    assert "nothing left to do" in said
    command = re.search(r"dslt report .+", said)[0].split()
    assert dslt([*command, "--nofigures"]) == 0
    assert (tmp_path / "out" / "report" / "index.html").is_file()


def test_wrong_presets_and_none_left_are_told(compare):
    with pytest.raises(SystemExit, match="there is no preset 'siamese'"):
        compare("--presets=siamese")
    with pytest.raises(SystemExit, match="there is nothing to compare"):
        compare("--presets=crest")
