"""Presets, and settings changed by name with sentences for what is wrong."""

import json
import math
import pickle
import re

import flax.serialization
import jax
import numpy as np
import pytest

import dslt_jax as dslt
from dslt_jax import presets, settings
from dslt_jax.backbones import GoogLeNet
from dslt_jax.ops import losses
from dslt_jax.ops.sizing import BoxHead, Scales
from dslt_jax.trackers.dslt import Dslt


def test_fields_are_overridden_by_dotted_name_in_their_type():
    tracker = settings.override(
        Dslt(),
        [
            "size.step=1.01",
            " fusion.channels = 32",
            "online.learner.rates.1=1e-5",
            "first.stop=0.1",
        ],
    )
    assert (tracker.size.step, tracker.fusion.channels) == (1.01, 32)
    assert (tracker.online.learner.rates, tracker.first.stop) == ((3e-4, 1e-5), 0.1)
    assert settings.override(tracker, ["first.stop=none"]).first.stop is None


def test_parts_are_picked_by_name_and_set_in_the_same_call():
    tracker = settings.override(
        presets.compact(), ["loss.gamma=2", "loss=focal", "size.count=5", "size=scales"]
    )
    assert tracker.loss == losses.Focal(gamma=2.0)
    assert tracker.size == Scales(count=5)
    other = settings.override(presets.compact(), ["backbone=googlenet", "size=scales"])
    assert other.backbone == GoogLeNet()


def test_a_part_of_the_chosen_kind_keeps_its_settings():
    compact = presets.compact()
    assert settings.override(compact, ["optimizer=adam", "loss=shrinkage"]) == compact
    assert settings.override(presets.googlenet(), ["size=scales"]).size.crop == 160


def test_the_names_of_old_still_work():
    tracker = settings.override(
        Dslt(),
        ["scale_step=1.01", "augment=false", "loss=l2", "optimizer=gauss_newton", "update_steps=3"],
    )
    assert (tracker.size.step, len(tracker.augment)) == (1.01, 1)
    assert tracker.loss(3.0, 1.0) == 4.0
    assert type(tracker.first.learner) is type(tracker.online.learner) is dslt.learners.GaussNewton
    assert tracker.online.steps == 3
    layers = settings.override(presets.googlenet(), ["shallow_layer=3a", "deep_layer=4b"])
    assert layers.backbone.take == ("3a", "4b")


@pytest.mark.parametrize("alias", Dslt.ALIASES)
def test_every_old_name_is_one_that_some_preset_has(alias):
    found = []
    for preset in ("compact", "googlenet", "paper"):
        names = settings.names(presets.by_name(preset))
        found.append(all(path in names for path in Dslt.ALIASES[alias]))
    assert any(found) or alias == "loss_gamma"


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("scale_stp=1.01", "there is no setting 'scale_stp': did you mean scale_step"),
        (
            "online.lerner=adam",
            "'online.lerner': did you mean online.learner\\? online is Schedule",
        ),
        ("scale_step", "write name=value"),
        ("scale_step=big", "must be a number"),
        ("scale_step=nan", "must be finite"),
        ("scale_step=0.9", "greater than 1"),
        ("channels=2.5", "whole number"),
        ("channels=0", "at least 1"),
        ("num_scales=4", "odd"),
        ("augment=maybe", "not one of true, turned, false"),
        ("loss=huber", "not one of shrinkage, l1"),
        ("loss.gamma=2", "loss is Shrinkage, which has a, c"),
        ("backbone=resnet", "not one of compact, narrow, googlenet, vgg16"),
        ("search_size=64", "at least twice"),
        ("search_size=250", "multiple of 16"),
        ("kernel_size=7", "even"),
        ("region=large", "region is a part: set what it has"),
        ("online.learner.rates.2=1", "online.learner.rates has 2 values"),
        ("online.learner.rates.2=1", "rates.0 to online.learner.rates.1"),
        ("online.learner.rates.\u00b2=1", "online.learner.rates has 2 values"),
        ("loss=" + "x" * 1000, "a setting has 1005 letters"),
    ],
)
def test_bad_settings_are_sentences(setting, words):
    with pytest.raises(ValueError, match=words):
        settings.override(Dslt(), [setting])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Dslt(loss="huber"), "loss='huber' must be a function"),
        (lambda: Dslt(loss=3.0), "loss=3.0 must be a function"),
        (lambda: Dslt(backbone="resnet"), "backbone='resnet' must have `layers`"),
        (lambda: Dslt(first=dslt.learners.Schedule("sgd")), "learner='sgd' must have"),
        (lambda: dslt.learners.Memory(interval=1.5), "interval=1.5 must be a whole number"),
        (lambda: dslt.learners.Memory(interval=True), "interval=True must be a whole number"),
        (lambda: Scales(step=float("nan")), "step=nan must be a number"),
        (lambda: Scales(step="1.05"), "step='1.05' must be a number"),
        (lambda: Dslt(decay=[0.1]), r"decay=\[0.1\] must be a number"),
        (lambda: Dslt(decay=1j), "decay=1j must be a number"),
        (lambda: Dslt(size="scales"), "override\\(tracker, 'size=scales'\\) takes its name"),
        (lambda: Dslt(online=None), "online=None must be a part with `fit`"),
        (lambda: Dslt(augment=1), "augment=1 must be a tuple"),
        (lambda: Dslt(fusion=None), "fusion=None must be a part with `fit`"),
        (lambda: dslt.learners.Adam(1e-4), r"rates=0.0001 must be numbers, one for each branch"),
        (lambda: dslt.learners.Adam(np.float32(1)), "one for each branch"),
        (lambda: dslt.learners.Momentum(()), r"rates=\(\) must be numbers"),
        (lambda: GoogLeNet(("3b", "9z")), "take='9z' is no GoogLeNet layer"),
    ],
)
def test_a_part_is_checked_where_it_is_made(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_box_head_needs_the_backbone_that_has_one():
    with pytest.raises(ValueError, match="googlenet has no box head, set size=scales"):
        presets.googlenet().replace(size=BoxHead())


def test_a_setting_of_a_part_that_is_not_there_says_which_is():
    with pytest.raises(ValueError, match="size is BoxHead, which has network"):
        settings.override(presets.compact(), ["scale_step=1.01"])


def test_unknown_preset_lists_the_choices():
    with pytest.raises(ValueError, match=r"choose one of compact, .*paper, .*mosse"):
        presets.by_name("papr")
    with pytest.raises(AttributeError, match=r"choose one of compact, .*paper, .*mosse"):
        _ = presets.papr
    assert {"by_name", "compact", "mosse"} <= set(dir(presets))


def test_paper_and_released_constants():
    paper, released = presets.paper(), presets.released()
    assert (paper.loss.a, paper.loss.c, paper.memory.size) == (10.0, 0.2, 7)
    assert (paper.size.count, paper.size.step, paper.label.sigma) == (3, 1.03, 0.1)
    assert paper.first.learner.rates == (2e-8, 8e-7)
    assert paper.online.learner.rates == (5e-9, 2e-7)
    assert [layer.stride for layer in paper.backbone.layers] == [8, 16]
    assert [layer.stride for layer in released.backbone.layers] == [4, 4]
    assert released.online.fresh == "once" and released.label.normalised


def test_a_description_is_json_and_tells_trackers_apart():
    texts = {
        json.dumps(settings.describe(settings.override(presets.compact(), list(changes))))
        for changes in ((), ("loss.a=8",), ("loss=l2",), ("loss=l1",), ("online.every=1",))
    }
    assert len(texts) == 5
    described = settings.describe(presets.compact())
    assert described["loss"] == {"kind": "Shrinkage", "a": 10.0, "c": 0.2}
    assert described["online"]["learner"]["rates"] == [3e-4, 3e-4]


@pytest.mark.parametrize(
    "preset, setting, said",
    [
        ("compact", "size..gain=0.3", "there is no setting 'size..gain'"),
        ("compact", ".motion=1", "there is no setting '.motion'"),
        ("compact", "size.zoom=2", "zoom=2 is for a network of the head's own"),
        ("compact", "size.gain=-1", "gain=-1.0 must be at least 0"),
        *((p, "cell=0", "cell=0 must be at least 1") for p in ("kcf", "dsst", "srdcf", "hcft")),
        ("dsst", "scale.cell=0", "cell=0 must be at least 1"),
        ("eco_hc", "hog_cell=0", "hog_cell=0 must be at least 1"),
        ("kcf", "cell=-4", "cell=-4 must be at least 1"),
    ],
)
def test_what_cannot_be_is_a_sentence(preset, setting, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        settings.override(presets.by_name(preset), [setting])


def test_settings_may_be_a_dictionary():
    told = {"online.learner.rates": (1e-4, 2e-4), "loss": "l2", "augment": False, "memory.size": 3}
    tracker = settings.override(presets.compact(), told)
    assert tracker.online.learner.rates == (1e-4, 2e-4)
    assert tracker.loss.func is losses.l2
    assert (len(tracker.augment), tracker.memory.size) == (1, 3)
    assert settings.override(tracker, None) == tracker


@pytest.mark.parametrize(
    ("tracker", "given", "words"),
    [
        (presets.kcf(), [("rate", 0.1)], "('rate', 0.1) is no setting: write 'name=value'"),
        (presets.kcf(), b"rate=0.1", "is no setting: write 'name=value'"),
        (presets.kcf(), 3, "3 is no setting"),
        ("kcf", "rate=0.1", "tracker must be one with settings, e.g. dslt.presets.compact(), got"),
        (presets.kcf, "rate=0.1", ": call it"),
        (type(presets.kcf()), "rate=0.1", ": call it"),
    ],
)
def test_what_is_no_setting_and_no_tracker_is_told(tracker, given, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        settings.override(tracker, given)


@pytest.mark.parametrize("name", ["compact", "mosse", "eco"])
def test_jax_may_put_anything_into_a_tracker(name):
    """Axes for vmap, masks and labels for optax, gradients: trees in the tracker's shape."""
    tracker = presets.by_name(name)
    for value in (0, True, "frozen", None, -1.0, math.nan):
        tree = jax.tree.map(lambda _, value=value: value, tracker)
        assert type(tree) is type(tracker)
        assert set(map(str, jax.tree.leaves(tree))) <= {str(value)}
    negated = jax.tree.map(lambda x: -x, tracker)
    again = jax.tree.map(lambda x: -x, negated)
    assert again == tracker and hash(again) == hash(tracker)
    with pytest.raises(ValueError):
        negated.replace()  # the user's own are checked


def test_a_tracker_is_kept_by_flax_and_pickle():
    tracker = presets.compact().replace(decay=0.5)
    kept = flax.serialization.to_bytes(tracker)
    assert flax.serialization.from_bytes(presets.compact(), kept) == tracker
    assert pickle.loads(pickle.dumps(tracker)) == tracker


def test_one_assignment_may_stand_alone():
    assert settings.override(presets.kcf(), "rate=0.1").rate == 0.1
    with pytest.raises(ValueError, match="there is no setting 'foo'"):
        settings.override(presets.kcf(), "foo=1")


def test_numbers_of_numpy_are_judged_as_numbers():
    tracker = presets.kcf().replace(cell=np.int64(4), decay=np.float32(0.25))
    assert (tracker.cell, tracker.decay) == (4, 0.25) and type(tracker.cell) is int
    with pytest.raises(ValueError, match=r"decay=-1\.0 must be"):
        presets.kcf().replace(decay=np.float32(-1))


@pytest.mark.parametrize(
    ("preset", "assignments", "words"),
    [
        ("compact", ["region.search=16", "region.target=8"], "search=16 must be 3 or more cells"),
        ("eco_hc", ["hog_cell=192"], "whole cells of hog_cell=192, 2 or more"),
        ("eco", ["hog_cell=256"], "whole cells of hog_cell=256, 2 or more"),
    ],
)
def test_a_region_of_too_few_cells_is_told(preset, assignments, words):
    with pytest.raises(ValueError, match=words):
        settings.override(presets.by_name(preset), assignments)
