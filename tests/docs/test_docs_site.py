"""The site is built without a warning: no dead link, no page left out, no name unknown."""

import os
import re
import subprocess
import sys

import pages
import pytest


@pytest.mark.slow
def test_the_site_is_built(tmp_path):
    pytest.importorskip("material", reason="mkdocs-material is not installed: make docs brings it")
    pytest.importorskip("mkdocstrings", reason="mkdocstrings is not installed: make docs brings it")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=pages.ROOT, capture_output=True, text=True, env=quiet)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    pages_made = list(tmp_path.rglob("*.html"))
    assert len(pages_made) > 20
    for page in pages_made:
        loaded = re.findall(r'(?:src|stylesheet" href)="(https?:[^"]*)"', page.read_text("utf-8"))
        assert not loaded, f"{page} asks other servers"
    text = (tmp_path / "reference" / "errors.html").read_text(encoding="utf-8")
    assert "there is no preset" in text
    text = (tmp_path / "api" / "trackers.html").read_text(encoding="utf-8")
    assert "side of the square search crop" in text
