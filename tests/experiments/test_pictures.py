"""The README's pictures and the scores that they are drawn from."""

import csv
import importlib
import shutil
import sys
from pathlib import Path

import pytest
from absl import flags
from PIL import Image

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "experiments" / "pictures"


@pytest.fixture
def load(monkeypatch):
    """Imports a script, whose flags are taken away afterwards."""
    before = set(flags.FLAGS)
    monkeypatch.syspath_prepend(PICTURES)
    names = []

    def importer(name):
        names.append(name)
        return importlib.import_module(name)

    yield importer
    for name in set(flags.FLAGS) - before:
        delattr(flags.FLAGS, name)
    for name in names:
        sys.modules.pop(name, None)


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return {row["tracker"]: row for row in csv.DictReader(file)}


def test_the_figure_shows_all_that_has_a_speed(load, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: extra report")
    script = load("accuracy_speed")
    flags.FLAGS(["accuracy_speed", "--output", str(tmp_path / "figure.png")])
    script.main(["accuracy_speed"])
    scores, published = (
        [row for row in rows(ROOT / "docs" / "data" / f"{name}.csv").values() if row["fps"]]
        for name in ("scores", "published")
    )
    assert f"{len(scores)} of ours, {len(published)} others" in capsys.readouterr().out
    with Image.open(tmp_path / "figure.png") as picture:
        assert min(picture.size) > 500


def test_the_demo_moves(load, tmp_path):
    script = load("demo_clip")
    words = ["--preset=mosse", "--first=0", "--last=2", "--every=1", "--width=120"]
    flags.FLAGS(["demo_clip", *words, "--output", str(tmp_path / "demo.webp")])
    script.main(["demo_clip"])
    with Image.open(tmp_path / "demo.webp") as picture:
        assert picture.size == (120, 90) and picture.n_frames == 3


def test_measured_scores_are_taken(load, tmp_path, capsys):
    script, scores = load("take_scores"), tmp_path / "scores.csv"
    shutil.copy(ROOT / "docs" / "data" / "scores.csv", scores)
    before = rows(scores)
    measured = tmp_path / "compare.csv"
    measured.write_text(
        "tracker,sequences,auc,p20,fps\n"
        "kcf,17,0.4712,0.6,301.25\nmosse,4,0.9,0.9,9\nreleased,17,0.7,0.9,2\nMDNet,17,0.7,0.9,\n"
    )
    flags.FLAGS(["take_scores", "--measured", str(measured), "--scores", str(scores)])
    script.main(["take_scores"])
    after = rows(scores)
    assert after["kcf"] | {"source": "", "speed": ""} == {
        "tracker": "kcf", "features": "fHOG", "auc": "0.471", "p20": "0.600", "fps": "301.2",
        "speed": "", "source": "",
    }  # fmt: skip
    assert after["mosse"] == before["mosse"] and "of 4 sequences" in capsys.readouterr().out
    assert after["released"]["features"] == "VGG-16" and "MDNet" not in after


def test_a_missing_table_is_told(load, tmp_path):
    script = load("take_scores")
    flags.FLAGS(["take_scores", "--measured", str(tmp_path / "none.csv")])
    with pytest.raises(SystemExit, match="no table of trackers can be read"):
        script.main(["take_scores"])


def test_the_pictures_are_small():
    images = list((ROOT / "docs" / "images").iterdir())
    assert {"demo.webp", "accuracy_speed.png"} <= {path.name for path in images}
    assert sum(path.stat().st_size for path in images) < 1_500_000
