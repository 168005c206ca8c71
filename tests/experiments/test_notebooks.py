"""The notebooks: short, without outputs, right addresses; each runs from a clean start."""

import ast
import base64
import io
import json
import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "experiments" / "notebooks").glob("*.ipynb"))
FIGURES = {"track_your_video": 1, "paper_in_pictures": 5, "trackers_as_jax_functions": 3}
by_name = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

# In a process of its own, as a client of Jupyter's warns of its own deprecations.
EXECUTE = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], 4)
nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute(cwd=sys.argv[2])
nbformat.write(notebook, sys.argv[2] + "/executed.ipynb")
"""


def cells(path, kind="code"):
    """The sources of a notebook's cells."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == kind]


def address():
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    return config["metadata"]["url"]


def test_there_are_three():
    assert {path.stem for path in NOTEBOOKS} == set(FIGURES)


@by_name
def test_outputs_are_stripped(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["nbformat"] == 4 and content["metadata"]["kernelspec"]["name"] == "python3"
    for cell in content["cells"]:
        assert not cell["metadata"] and cell["id"]
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
    assert path.stat().st_size < 20_000


@by_name
def test_cells_are_short_and_are_python(path):
    for source in cells(path):
        assert len(source.splitlines()) <= 24, source
        python = re.sub(r"^( *)[!%].*$", r"\1pass", source, flags=re.M)
        functions = [x for x in ast.walk(ast.parse(python)) if isinstance(x, ast.FunctionDef)]
        assert all(x.end_lineno - x.lineno < 8 for x in functions), source


@by_name
def test_addresses_are_right(path):
    home, name = address(), path.relative_to(ROOT).as_posix()
    colab = home.replace("https://github.com", "https://colab.research.google.com/github")
    first, setup = cells(path, "markdown")[0], cells(path)[0]
    assert f"({colab}/blob/main/{name})" in first
    assert f'REPOSITORY = "{home}"\n' in setup
    assert not re.search(r"install.*\b(jax|numpy)\b[^\n]*git", setup)
    links = re.findall(r"\]\((http[^)]*)\)", "\n".join(cells(path, "markdown")))
    for link in links:
        if link.startswith(home):
            assert (ROOT / link.removeprefix(f"{home}/blob/main/")).is_file(), link
        else:
            assert link.startswith("https://colab.research.google.com/"), link


@by_name
def test_the_documentation_links_to_it(path):
    page = (ROOT / "docs" / "guides" / "notebooks.md").read_text(encoding="utf-8")
    assert f"/blob/main/{path.relative_to(ROOT).as_posix()}" in page
    assert address() in page.replace(
        "https://colab.research.google.com/github", "https://github.com"
    )


@pytest.mark.slow
@by_name
def test_it_runs_from_a_clean_start(path, tmp_path):
    pytest.importorskip("nbclient", reason="nbclient is not installed: extra notebooks")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed: extra notebooks")
    command = [sys.executable, "-W", "ignore", "-c", EXECUTE, path, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    executed = json.loads((tmp_path / "executed.ipynb").read_text(encoding="utf-8"))
    outputs = [
        output
        for cell in executed["cells"]
        if cell["cell_type"] == "code"
        for output in cell["outputs"]
    ]
    pictures = [o["data"]["image/png"] for o in outputs if "image/png" in o.get("data", {})]
    assert len(pictures) == FIGURES[path.stem]
    for picture in pictures:
        low, high = Image.open(io.BytesIO(base64.b64decode(picture))).convert("L").getextrema()
        assert high - low > 200
    said = "".join(text for o in outputs for text in o.get("text", ()))
    assert "JAX" in said and "Warning" not in said and "nan" not in said
    if path.stem == "track_your_video":
        assert (tmp_path / "notebook_out" / "boxes.csv").is_file()
        pages = ["".join(o.get("data", {}).get("text/html", "")) for o in outputs]
        assert any("data:image/jpeg" in page for page in pages)  # the frame to drag a box on
        assert any("data:video/mp4" in page for page in pages)
