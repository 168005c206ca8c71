"""A tracker in words: the same anywhere, and all that decides its results."""

import json
import pickle

import jax
import numpy as np
import pytest

from dslt_jax import settings
from dslt_jax.app.spec import Spec
from dslt_jax.weights import store


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DSLT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_it_travels():
    spec = Spec("compact", ("loss=l2", "motion=0.5"), None, 7)
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert len({spec, Spec("compact", ("loss=l2", "motion=0.5"), None, 7)}) == 1
    assert spec.tracker().motion == 0.5


def test_it_describes_all_that_decides_the_results():
    described = Spec(settings=("motion=0.5",), seed=7).describe()
    assert json.loads(json.dumps(described)) == described
    assert described["seed"] == 7
    assert described["config"] == settings.describe(Spec(settings=("motion=0.5",)).tracker())
    assert described["weights"] == Spec().describe()["weights"]
    for other in (Spec(), Spec(seed=7), Spec(settings=("motion=0.5",))):
        assert other.describe() != described


def test_another_file_of_weights_is_another_digest(tmp_path):
    path = tmp_path / "mine.safetensors"
    params = store.load_params(Spec().tracker())
    store.save(path, {name: np.asarray(array) for name, array in params.items()}, {})
    spec = Spec(weights=str(path))
    digest = spec.describe()["weights"]
    assert digest != Spec().describe()["weights"]
    params["stage1/b"] += 1
    store.save(path, {name: np.asarray(array) for name, array in params.items()}, {})
    assert spec.describe()["weights"] != digest


def test_every_network_has_its_digest():
    both = Spec("siamfc").describe()["weights"]
    assert set(both) == {"siamfc", "compact"} and both["siamfc"] != both["compact"]
    assert both["compact"] == Spec("compact").describe()["weights"]


def test_networks_that_call_their_arrays_alike_are_refused(tmp_path):
    """Of both only one could be kept."""
    spec = Spec("fast", ("size.network=compact",))
    with pytest.raises(store.WeightsError, match="narrow and compact cannot be used together"):
        spec.build()
    path = tmp_path / "zeros.safetensors"
    params = store.load_params(Spec().tracker())
    store.save(path, {name: 0 * np.asarray(array) for name, array in params.items()}, {})
    own = Spec("compact", ("size.network=compact",), str(path))  # the same network twice
    loaded = store.load_params(own.tracker(), own.weights)
    assert all(not array.any() for array in loaded.values())
    assert own.describe()["weights"] == Spec("compact", (), str(path)).describe()["weights"]


def test_what_is_not_there_is_said():
    for ask in (Spec.describe, Spec.build):
        with pytest.raises(ValueError, match="there is no preset 'big'"):
            ask(Spec("big"))
        with pytest.raises(ValueError, match="there is no setting 'size_of_it'"):
            ask(Spec(settings=("size_of_it=3",)))
        with pytest.raises(store.WeightsError, match="dslt weights fetch googlenet"):
            ask(Spec("googlenet"))
        with pytest.raises(store.WeightsError, match=r"none\.npz"):
            ask(Spec(weights="none.npz"))


def test_the_session_has_the_seed():
    sessions = [Spec(seed=seed).build() for seed in (0, 7)]
    keys = [jax.random.key_data(session._key).tolist() for session in sessions]
    assert keys[0] != keys[1]
