"""Scores of published trackers: against the numbers known for them, and against got10k itself."""

import importlib.util
import json
import time
from pathlib import Path

import numpy as np
import pytest
import toolkits

from dslt_jax.benchmarks import datasets, metrics, results
from dslt_jax.benchmarks.datasets import Sequence

SHARED = Path(__file__).parents[3] / "shared"
GOLDENS = Path(__file__).parents[1] / "goldens"
needs_results = pytest.mark.skipif(
    not (SHARED / "results" / "otb100").is_dir(), reason="the published results are not here"
)

# AUC, P20 on OTB-100, OTB-2013 and OTB-50 with Wu's protocol, from the same raw files.
PUBLISHED = {
    "ECO": {"otb100": (0.6909, 0.9104), "otb2013": (0.709, 0.930), "otb50": (0.643, 0.874)},
    "MDNet": {"otb100": (0.6776, 0.9094), "otb2013": (0.708, 0.948), "otb50": (0.645, 0.890)},
    "KCF": {"otb100": (0.4771, 0.6957), "otb2013": (0.514, 0.740), "otb50": (0.403, 0.611)},
    "C-COT": {"otb100": (0.671, 0.898), "otb2013": (0.672, 0.899), "otb50": (0.614, 0.843)},
    "SRDCF": {"otb100": (0.598, 0.789), "otb2013": (0.626, 0.838), "otb50": (0.539, 0.732)},
    "Staple": {"otb100": (0.581, 0.784), "otb2013": (0.600, 0.793), "otb50": (0.509, 0.681)},
    "SiamFC-3s": {"otb100": (0.582, 0.771), "otb2013": (0.607, 0.809), "otb50": (0.516, 0.692)},
    "HCFT": {"otb100": (0.562, 0.837), "otb2013": (0.605, 0.891), "otb50": (0.513, 0.803)},
}
# AUC/P20 for each attribute of OTB-100.
ATTRIBUTES = ["IV", "SV", "OCC", "DEF", "MB", "FM", "IPR", "OPR", "OV", "BC", "LR"]
BY_ATTRIBUTE = {
    "ECO": ".713/.914 .669/.881 .680/.908 .633/.859 .718/.904 .680/.868 .655/.892 .675/.909 "
    ".660/.913 .695/.942 .617/.888",
    "MDNet": ".689/.915 .661/.894 .646/.857 .649/.899 .686/.875 .669/.873 .655/.910 .663/.902 "
    ".627/.825 .672/.925 .591/.854",
    "KCF": ".479/.719 .399/.639 .443/.630 .436/.617 .456/.618 .454/.629 .469/.701 .457/.682 "
    ".393/.501 .499/.717 .307/.546",
    "DSST": ".558/.721 .475/.643 .453/.597 .420/.542 .488/.595 .461/.572 .502/.691 .475/.650 "
    ".386/.481 .524/.710 .379/.550",
}
MEASURED_NAMES = {"C-COT": "CCOT", "HCFT": "CF2"}


def _load(name):
    return datasets.load(name, None, SHARED / "data" / "otb_anno")


def _boxes(tracker, dataset):
    return results.read(SHARED / "results" / "otb100" / tracker, dataset).boxes


@needs_results
@pytest.mark.parametrize("tracker", PUBLISHED)
def test_published_scores(tracker):
    for name, (auc, p20) in PUBLISHED[tracker].items():
        dataset = _load(name)
        summary = metrics.evaluate(dataset, _boxes(tracker, dataset), "wu").summary()
        # Half a unit of the last printed digit beside the asked 0.0005.
        assert summary["auc"] == pytest.approx(auc, abs=0.00055)
        assert summary["p20"] == pytest.approx(p20, abs=0.00055)


@needs_results
@pytest.mark.parametrize("tracker", BY_ATTRIBUTE)
def test_published_attribute_scores(tracker):
    dataset = _load("otb100")
    scores = metrics.evaluate(dataset, _boxes(tracker, dataset), "wu")
    groups = scores.by_attribute()
    assert sorted(groups) == sorted(ATTRIBUTES)
    for attribute, text in zip(ATTRIBUTES, BY_ATTRIBUTE[tracker].split(), strict=True):
        auc, p20 = map(float, text.split("/"))
        summary = scores.summary(groups[attribute])
        assert summary["auc"] == pytest.approx(auc, abs=0.00055)
        assert summary["p20"] == pytest.approx(p20, abs=0.00055)


@needs_results
@pytest.mark.parametrize("tracker", ["ECO", "MDNet", "KCF", "C-COT", "HCFT", "DSST"])
def test_measured_curves_and_sequences(tracker):
    measured = json.loads((SHARED / "results" / "baselines_measured.json").read_text())["otb"]
    measured = measured[MEASURED_NAMES.get(tracker, tracker)]
    dataset = _load("otb100")
    scores = metrics.evaluate(dataset, _boxes(tracker, dataset), "wu")
    np.testing.assert_allclose(
        scores.success_curve(), measured["OTB-100"]["success"], rtol=0, atol=1e-4
    )
    np.testing.assert_allclose(
        scores.precision_curve(), measured["OTB-100"]["precision"], rtol=0, atol=1e-4
    )
    by_key = {results.key(name): value for name, value in measured["per_sequence"].items()}
    for row, name in enumerate(scores.names):
        value = by_key.get(results.key(name)) or by_key["human4"]
        assert scores.auc[row] == pytest.approx(value["auc"], abs=5e-4), name
        assert scores.p20[row] == pytest.approx(value["dp20"], abs=5e-4), name


@needs_results
def test_policies_differ_as_the_toolkits_do():
    dataset = _load("otb100")
    eco, kcf = _boxes("ECO", dataset), _boxes("KCF", dataset)

    def score(boxes, policy):
        summary = metrics.evaluate(dataset, boxes, policy).summary()
        return round(summary["auc"], 4), round(summary["p20"], 4)

    assert score(eco, "got10k") == (0.6911, 0.9102)
    assert score(eco, "pysot") == (0.6911, 0.9102)
    assert score(kcf, "got10k")[0] == 0.4772
    dense = metrics.evaluate(dataset, eco, metrics.by_name("got10k", 101))
    assert dense.summary()["auc"] == pytest.approx(0.6998, abs=5e-5)
    assert dense.summary()["ao"] == pytest.approx(0.7020, abs=5e-5)


@needs_results
def test_twelve_trackers_take_under_ten_seconds():
    begin = time.perf_counter()
    dataset = _load("otb100")
    for path in sorted((SHARED / "results" / "otb100").iterdir()):
        scores = metrics.evaluate(dataset, results.read(path, dataset).boxes, "wu", path.name)
        assert scores.success.shape == (100, 21)
    assert time.perf_counter() - begin < 10


def _load_maker():
    spec = importlib.util.spec_from_file_location("maker", GOLDENS / "make_got10k.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


maker = _load_maker()


@pytest.fixture(scope="module", params=["stored", "live"])
def official(request, tmp_path_factory):
    """The package's numbers: those it gave when the golden was made, and those it gives here."""
    if request.param == "stored":
        return dict(np.load(GOLDENS / "got10k.npz"))
    return toolkits.scores("make_got10k.py", tmp_path_factory.mktemp("got10k"))


@needs_results
@pytest.mark.parametrize("tracker", maker.TRACKERS)
def test_agrees_with_got10k_on_the_same_files(official, tracker):
    dataset = _load("otb100").subset(sorted(_load("otb100").names))
    scores = metrics.evaluate(dataset, _boxes(tracker, dataset), "got10k")
    for field, key in (("auc", "success"), ("p20", "precision")):
        expected = official[f"{tracker}/{key}_score"]
        np.testing.assert_allclose(getattr(scores, field), expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(scores.op50, official[f"{tracker}/success_rate"], rtol=0, atol=1e-6)


def test_agrees_with_got10k_on_absent_frames(official):
    case = maker.synthetic()
    shift = np.array([1, 1, 0, 0])
    sequence = Sequence("synthetic", case["truth"] - shift, list_frames=list, origin=1.0)
    scores = metrics.evaluate([sequence], {"synthetic": case["boxes"] - shift}, "got10k")
    np.testing.assert_allclose(scores.success[0], official["synthetic/success_curve"], atol=1e-6)
    np.testing.assert_allclose(
        scores.precision[0], official["synthetic/precision_curve"], atol=1e-6
    )
    absent = {"absent": case["cover"] <= 0}
    sequence = Sequence(
        "synthetic", case["truth"], list_frames=list, image_size=maker.SIZE, tags=absent
    )
    pooled = metrics.evaluate([sequence], {"synthetic": case["boxes"]}, "got10k").pooled
    for key in ("ao", "sr50", "sr75"):
        assert pooled[key] == pytest.approx(float(official[f"synthetic/{key}"]), abs=1e-6)
