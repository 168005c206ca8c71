import page_client
import pytest
import track_fakes

from dslt_jax.app.spec import Spec
from dslt_jax.ui import launch


@pytest.fixture
def folder(tmp_path):
    return track_fakes.write(tmp_path / "clip")


@pytest.fixture
def fake(monkeypatch):
    session = page_client.Fake()
    monkeypatch.setattr(Spec, "build", lambda spec: session)
    return session


@pytest.fixture
def start(tmp_path):
    """Starts servers, which end with the test."""
    servers = []

    def begin(*inputs, **options):
        servers.append(launch.start(inputs, output=tmp_path / "kept", **options))
        return page_client.Client(servers[-1])

    yield begin
    for server in servers:
        server.close()


@pytest.fixture
def page(start, folder, fake):
    """A page whose video is open."""
    client = start(str(folder))
    client.open_first()
    return client
