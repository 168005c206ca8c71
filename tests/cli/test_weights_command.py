import functools
import hashlib
import http.server
import threading

import numpy as np
import pytest

from dslt_jax import presets
from dslt_jax.cli.main import main
from dslt_jax.weights import sources, store


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DSLT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def file(tmp_path):
    """A GoogLeNet of zeros, 14 MB that compress to nothing."""
    shapes = presets.googlenet().backbone.param_shapes()
    path = tmp_path / "zeros.npz"
    np.savez_compressed(path, **{k: np.zeros(s, np.float32) for k, s in shapes.items()})
    return path


@pytest.fixture
def server(tmp_path, monkeypatch, file):
    """Publishes `file` as GoogLeNet on loopback."""
    monkeypatch.setenv("no_proxy", "*")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        source = sources.Source(
            "zero GoogLeNet",
            f"http://127.0.0.1:{running.server_port}/{file.name}",
            file.stat().st_size,
            hashlib.sha256(file.read_bytes()).hexdigest(),
        )
        monkeypatch.setitem(sources.SOURCES, "googlenet", source)
        params = store.read_network(file).params
        known = sources.digests("googlenet", params)
        monkeypatch.setitem(sources.DIGESTS, "googlenet", known)
        yield source
        running.shutdown()
        thread.join()


def dslt(*arguments):
    return main(["dslt", "weights", *map(str, arguments)])


def test_import_then_list(cache, file, capsys):
    assert dslt("import", file) == 0
    out = capsys.readouterr().out
    assert f"{file} is now {cache / 'googlenet.safetensors'}" in out
    assert "note: these are not the BVLC GoogLeNet weights" in out
    assert dslt("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        *("compact", "narrow", "googlenet", "vgg16", "siamfc")
    ]
    assert "MB, these are not the BVLC" in lines[2]
    assert "dslt weights fetch vgg16" in lines[3]


def test_fetch_once_and_list_it_as_verified(cache, server, capsys):
    assert dslt("fetch", "googlenet") == 0
    assert str(cache / "googlenet.safetensors") in capsys.readouterr().out
    assert dslt("list") == 0
    assert "verified: the zero GoogLeNet weights" in capsys.readouterr().out
    assert dslt("fetch", "googlenet") == 0
    assert "is there already" in capsys.readouterr().out


def test_fetch_leaves_imported_weights_unless_forced(cache, file, server, capsys, monkeypatch):
    known = dict(sources.DIGESTS["googlenet"])
    monkeypatch.setitem(sources.DIGESTS, "googlenet", known | {"conv1": "0" * 64})
    assert dslt("import", file) == 0
    assert dslt("fetch", "googlenet") == 1
    assert "--force replaces them" in capsys.readouterr().err
    monkeypatch.setitem(sources.DIGESTS, "googlenet", known)
    assert dslt("fetch", "googlenet", "--force") == 0


def test_fetch_from_a_wrong_address_fails(cache, server, capsys):
    assert dslt("fetch", "googlenet", "--url", server.url + ".absent") == 1
    assert "404" in capsys.readouterr().err
    assert not (cache / "googlenet.safetensors").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        ([], 1, "usage: dslt weights"),
        (["fetch"], 1, "usage: dslt weights"),
        (["fetch", "resnet"], 1, "choose vgg16 or googlenet"),
        (["import", "absent.npz"], 1, "absent.npz cannot be opened"),
        (["import", "x", "--backbone", "resnet"], 2, "googlenet|vgg16"),
    ],
)
def test_what_cannot_be_done_is_said(cache, capsys, arguments, status, says):
    assert dslt(*arguments) == status
    error = capsys.readouterr().err
    assert says in error
    assert "Traceback" not in error


def test_import_names_what_differs(cache, file, server, capsys, monkeypatch):
    known = dict(sources.DIGESTS["googlenet"])
    assert dslt("import", file) == 0
    assert "verified: every digest agrees" in capsys.readouterr().out
    monkeypatch.setitem(sources.DIGESTS, "googlenet", known | {"inception_3b": "0" * 64})
    assert dslt("import", file) == 0
    told = "note: these are not the zero GoogLeNet weights (1 of 8 digests differ: inception_3b)"
    assert told in capsys.readouterr().out


def test_import_for_the_wrong_network_fails(cache, file, capsys):
    assert dslt("import", file, "--backbone", "vgg16") == 1
    assert "holds googlenet weights, vgg16 weights are needed" in capsys.readouterr().err
    assert dslt("import", file, "--preprocessing", "oxford") == 1
    assert "the choice is vgg16's" in capsys.readouterr().err
    assert not cache.exists()


def test_help_shows_the_verbs(capsys):
    assert dslt("--help") == 0
    out = capsys.readouterr().out
    for text in ("fetch googlenet", "import FILE", "weights list", "--url", "--preprocessing"):
        assert text in out
