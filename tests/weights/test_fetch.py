import contextlib
import hashlib
import http.server
import logging
import re
import socket
import threading
import time

import numpy as np
import pytest
import weight_files

from dslt_jax import presets
from dslt_jax.weights import fetch, sources, store
from dslt_jax.weights.readers import WeightsError

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves one file on loopback and fails as it is told to."""

    daemon_threads = True

    def __init__(self, content=CONTENT):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.ranges = []  # the Range header of each request, None without
        self.cuts = []  # bytes after which the next transfers break off
        self.states = []  # HTTP states with which the next requests fail
        self.knows_ranges = True
        self.delay = 0.0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/net.bin"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        server = self.server
        wanted = self.headers.get("Range")
        server.ranges.append(wanted)
        if server.states:
            self.send_error(server.states.pop(0))
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted else 0
        start = start if server.knows_ranges else 0
        if start >= len(server.content):
            self.send_error(416)
            return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        if start:
            last = len(server.content) - 1
            self.send_header("Content-Range", f"bytes {start}-{last}/{last + 1}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if server.cuts:
            body = body[: server.cuts.pop(0)]
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body[:10])
            time.sleep(server.delay)
            self.wfile.write(body[10:])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "downloads" / "net.bin"


def download(url, target, **options):
    options = {"size": len(CONTENT), "sha256": SHA256, "pause": 0.0, "attempts": 3} | options
    fetch.download(url, target, **options)


def only(target):
    """Nothing but the whole file is left."""
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def part(target):
    return target.with_name(target.name + ".part")


def test_the_right_file_arrives_and_is_not_fetched_twice(server, target):
    download(server.url, target)
    only(target)
    download(server.url, target)
    assert server.ranges == [None]


def test_a_cut_transfer_goes_on_where_it_broke(server, target):
    server.cuts = [100_000, 50_000]
    download(server.url, target)
    only(target)
    assert server.ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_run_goes_on_too(server, target):
    target.parent.mkdir()
    part(target).write_bytes(CONTENT[:123_456])
    download(server.url, target)
    only(target)
    assert server.ranges == ["bytes=123456-"]


def test_a_server_without_ranges_starts_again(server, target):
    server.knows_ranges = False
    server.cuts = [100_000]
    download(server.url, target)
    only(target)
    assert server.ranges == [None, "bytes=100000-"]


def test_a_part_of_another_file_is_dropped(server, target):
    target.parent.mkdir()
    part(target).write_bytes(bytes(400_000))
    download(server.url, target)
    only(target)
    server.states = [416]
    part(target).write_bytes(CONTENT[:7])
    target.unlink()
    download(server.url, target)
    only(target)


def test_a_server_that_is_busy_is_asked_again(server, target):
    server.states = [503, 500]
    download(server.url, target)
    only(target)


def test_a_silent_server_is_asked_again(server, target):
    server.delay = 0.6

    def wake():
        time.sleep(0.3)
        server.delay = 0.0

    thread = threading.Thread(target=wake)
    thread.start()
    download(server.url, target, timeout=0.2, attempts=9)
    thread.join()
    only(target)
    assert len(server.ranges) > 1


def test_a_wrong_digest_is_refused_and_deleted(server, target):
    server.content = CONTENT[:-1] + b"x"
    with pytest.raises(WeightsError, match="another file than the published one: its sha256"):
        download(server.url, target)
    assert not list(target.parent.iterdir())


def test_a_wrong_size_is_refused_before_it_is_fetched(server, target):
    server.content = CONTENT + b"more"
    with pytest.raises(WeightsError, match=r"offers a file of 300004 bytes, .* 300000"):
        download(server.url, target)
    assert part(target).stat().st_size == 0


def test_not_found_is_said_at_once(server, target):
    server.states = [404]
    with pytest.raises(WeightsError, match="the server says 404 Not Found"):
        download(server.url, target)
    assert len(server.ranges) == 1


def test_a_transfer_that_always_breaks_is_given_up_and_kept(server, target):
    server.knows_ranges = False
    server.cuts = [1000] * 9
    with pytest.raises(WeightsError, match="1000 of 300000 bytes are kept"):
        download(server.url, target)
    assert part(target).read_bytes() == CONTENT[:1000]


def test_no_network_is_a_sentence(target, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # a port that nobody listens on
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/net.bin"
        with pytest.raises(WeightsError, match=r"no connection .*refused.*`dslt weights import"):
            download(url, target)


def test_an_address_that_is_not_http_is_refused(tmp_path, target):
    with pytest.raises(WeightsError, match="no http or https address"):
        download((tmp_path / "f").as_uri(), target)


def test_a_folder_that_cannot_be_written_is_said(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match="cannot be written"):
        download(server.url, tmp_path / "file" / "net.bin")


# The whole way: a caffemodel on a server becomes parameters in the cache.


@pytest.fixture
def published(server, tmp_path, monkeypatch):
    """GoogLeNet as the server publishes it: random weights of ours."""
    params = weight_files.random_params(presets.googlenet().backbone.param_shapes())
    server.content = weight_files.caffemodel(params, old=True)
    source = sources.Source(
        "random GoogLeNet",
        server.url,
        len(server.content),
        hashlib.sha256(server.content).hexdigest(),
    )
    monkeypatch.setitem(sources.SOURCES, "googlenet", source)
    monkeypatch.setenv("DSLT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(sources.DIGESTS, "googlenet", {"conv1": "", "inception_4d": ""})
    known = sources.digests("googlenet", params)
    monkeypatch.setitem(sources.DIGESTS, "googlenet", known)
    return params


def test_fetched_weights_are_loaded_from_the_cache(published, tmp_path):
    stored = fetch.fetch("googlenet")
    assert stored == tmp_path / "cache" / "googlenet.safetensors"
    assert not list((tmp_path / "cache" / "downloads").iterdir())
    loaded = store.load_params(presets.googlenet())
    for key, array in published.items():
        np.testing.assert_array_equal(loaded[key], array)


def test_a_mirror_must_have_the_published_file(published, server):
    server.content = server.content[:-1] + b"x"
    with pytest.raises(WeightsError, match="another file"):
        fetch.fetch("googlenet", url=server.url)
    with pytest.raises(WeightsError, match="choose vgg16 or googlenet"):
        fetch.fetch("compact")


def test_a_published_file_that_reads_otherwise_than_expected_is_a_warning(
    published, monkeypatch, caplog
):
    monkeypatch.setitem(sources.DIGESTS, "googlenet", {"conv1": "0" * 64})
    with caplog.at_level(logging.WARNING):
        assert fetch.fetch("googlenet").exists()
    assert "is the published file, yet these are not" in caplog.text


def test_the_sources_are_complete():
    for source in sources.SOURCES.values():
        assert re.fullmatch("[0-9a-f]{64}", source.sha256)
        assert source.size > 50_000_000
        assert source.url.endswith(".caffemodel")
