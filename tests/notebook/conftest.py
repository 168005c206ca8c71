"""A notebook in Colab, as far as ours sees it. The browser is that of the report's tests."""

import sys
import types
from pathlib import Path

import pytest

sys.path += [str(Path(__file__).parents[1] / room) for room in ("benchmarks", "cli")]


@pytest.fixture
def colab(monkeypatch):
    """`called`: functions that the page may call, by name; `saved`: files that went to it.

    Uploading gives clip.mp4.
    """
    module = types.ModuleType("google.colab")
    module.called, module.saved = {}, []
    module.output = types.SimpleNamespace(register_callback=module.called.__setitem__)
    module.files = types.SimpleNamespace(
        upload=lambda: {"clip.mp4": b""}, download=module.saved.append
    )
    monkeypatch.setitem(
        sys.modules, "google", sys.modules.get("google", types.ModuleType("google"))
    )
    monkeypatch.setitem(sys.modules, "google.colab", module)
    return module
