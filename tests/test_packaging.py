"""The package as others get it: wheel and sdist outside the tree, types, names of files."""

import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from configparser import ConfigParser
from pathlib import Path, PureWindowsPath

import pytest

from dslt_jax.app import sinks
from dslt_jax.cli import targets
from dslt_jax.cli.box_text import BoxError

ROOT = Path(__file__).parents[1]
BUILT_FROM = "dslt_jax docs tests README.md LICENSE MANIFEST.in Makefile mkdocs.yml ruff.toml"
BUILT_FROM += " setup.cfg setup.py CHANGELOG.md CITATION.cff CONTRIBUTING.md"
# Of the sdist's tests, run with the wheel: the formulas, files and boxes, one tracker end to end.
FAST = ("test_boxes.py", "test_settings.py", "ops/test_losses.py", "benchmarks/test_datasets.py")
BUILD = "import setuptools.build_meta as b; b.build_wheel('dist'); b.build_sdist('dist')"

CLIENT = """
import jax
import numpy as np

import dslt_jax as dslt

tracker = dslt.override(dslt.presets.by_name("kcf"), ["rate=0.1"])
params = dslt.load_params(tracker)
frame, box = np.zeros((120, 160, 3), np.uint8), np.array([40.0, 30.0, 24.0, 20.0])
state = dslt.init(tracker, params, frame, box, key=jax.random.key(1))
state, out = dslt.step(dslt.many(tracker), params, state, frame)
found: jax.Array = out.box
sight, seen = dslt.locate(tracker, params, state, frame)
lost: dslt.Output = seen
learned, told = dslt.learn(tracker, params, state, sight)
share: jax.Array = told["updated"]
"""
WRONG = ("dslt.step(tracker, params, state)", "dslt.by_name(3)", "text: str = out.box")


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """The folder with wheel and sdist, built in a copy of the tree."""
    pytest.importorskip("setuptools", "70.1", reason="setuptools is not installed: nothing builds")
    copy = tmp_path_factory.mktemp("copy")
    for name in BUILT_FROM.split():
        path = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(path, copy / name, ignore=ignored) if path.is_dir() else shutil.copy(
            path, copy
        )
    (copy / "dist").mkdir()
    subprocess.run([sys.executable, "-c", BUILD], cwd=copy, check=True, capture_output=True)
    return copy / "dist"


@pytest.fixture(scope="module")
def python(distributions, tmp_path_factory):
    """A Python that has the wheel and what is installed here, and knows nothing of the tree."""
    home = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    found = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    script = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.run([found, "-c", script], capture_output=True, text=True, check=True)
    packages = Path(packages.stdout.strip())
    (packages / "here.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (wheel,) = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    return found


@pytest.mark.slow
def test_the_wheel_passes_the_tests_of_the_sdist(distributions, python, tmp_path):
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (tree,) = tmp_path.iterdir()
    for name in ("LICENSE", "CITATION.cff", "docs/index.md", "docs/images/demo.webp"):
        assert (tree / name).is_file(), name
    shutil.rmtree(tree / "dslt_jax")  # what is tested is the wheel
    tests = [f"tests/{name}" for name in FAST]
    command = [python, "-P", "-m", "pytest", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    script = "import dslt_jax; print(dslt_jax.__file__)"
    told = subprocess.run([python, "-P", "-c", script], capture_output=True, text=True, check=True)
    assert Path(python).parents[1] in Path(told.stdout.strip()).parents


@pytest.mark.slow
def test_the_wheel_has_its_data_and_follows_a_target(distributions, python, tmp_path):
    (wheel,) = distributions.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    weights = (f"weights/{name}.safetensors" for name in ("compact", "narrow", "siamfc"))
    for name in ("py.typed", *weights, "benchmarks/report/static/page.html"):
        assert f"dslt_jax/{name}" in names
    assert not [name for name in names if name.startswith(("tests/", "docs/", "experiments/"))]
    command = [python, "-P", "-m", "dslt_jax", "demo", "--preset", "mosse", "--max_frames", "3"]
    command += ["--output", tmp_path / "out", "--nokeep_compiled"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "out" / "boxes.txt").read_text().splitlines()) == 3


@pytest.mark.slow
def test_a_client_is_checked_against_our_types(python, tmp_path):
    pytest.importorskip("mypy", reason="mypy is not installed: make lint brings it")
    wrong = tmp_path / "wrong.py"
    (tmp_path / "client.py").write_text(CLIENT)
    wrong.write_text(CLIENT + "\n".join(WRONG) + "\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", python]
    command += ["--cache-dir", tmp_path / "cache", "--no-error-summary"]
    good = subprocess.run([*command, "client.py"], cwd=tmp_path, capture_output=True, text=True)
    assert good.returncode == 0, good.stdout
    bad = subprocess.run([*command, "wrong.py"], cwd=tmp_path, capture_output=True, text=True)
    first = CLIENT.count("\n") + 1
    lines = {int(line.split(":")[1]) for line in bad.stdout.splitlines() if ": error:" in line}
    assert lines == set(range(first, first + len(WRONG))), bad.stdout


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_all_extras_resolve(version, tmp_path):
    if not (uv := shutil.which("uv")):
        pytest.skip("uv is not installed: it resolves for other Pythons (pip install uv)")
    command = [uv, "pip", "compile", "--quiet", "--all-extras", "--no-header", "--no-annotate"]
    environment = os.environ | {"MACOSX_DEPLOYMENT_TARGET": "14.0"}  # onnxruntime's oldest
    for platform in ("linux", "macos", "windows"):
        options = ["--python-version", version, "--python-platform", platform, ROOT / "setup.cfg"]
        done = subprocess.run(
            [*command, *options], capture_output=True, text=True, cwd=tmp_path, env=environment
        )
        if "network" in done.stderr or "dns error" in done.stderr:
            pytest.skip("there is no network here")
        assert done.returncode == 0, f"{platform}: {done.stderr}"
        assert "jax==" in done.stdout


def test_versions_agree():
    from dslt_jax.version import __version__

    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {__version__}\n" in citation
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## (\d\S*)", changes, re.M)
    assert released[0] == __version__ if released else "## Unreleased" in changes


def test_extras_that_messages_name_are_there():
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    extras = config["options.extras_require"]
    for path in (ROOT / "dslt_jax").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for named in text.split("'dslt-jax[")[1:]:
            assert named.partition("]")[0] in extras, path


def test_files_can_be_checked_out_on_windows_and_macos():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split("\0")
    if listed == [""]:
        pytest.skip("this is no checkout")
    assert not [name for name in listed if not good_on_windows(name)]
    lower = [name.lower() for name in listed]
    assert len(set(lower)) == len(lower)  # their file systems do not tell case apart


def good_on_windows(name):
    """Whether a path can be made on Windows."""
    for part in PureWindowsPath(name).parts:
        stem = part.partition(".")[0].rstrip(" ").lower()
        if re.fullmatch("con|prn|aux|nul|(com|lpt)[0-9]", stem):
            return False
        if set(part) & set('<>:"|?*') or part.endswith((" ", ".")):
            return False
    return len(name) < 200


@pytest.mark.parametrize("name", ["aux", "tests/AUX.py", "a:b", "what?", "end.", "com1.txt"])
def test_bad_names_are_known(name):
    assert not good_on_windows(name)
    assert good_on_windows("boxes_aux.csv")


@pytest.mark.parametrize("name", ["aux", "con.1", "a.", "Straße-1", "a:b", "../x", "what?"])
def test_files_of_targets_can_be_written_anywhere(name, tmp_path):
    file = tmp_path / "targets.txt"
    file.write_text(f"id,x,y,w,h\n{name},10,20,30,40\n", encoding="utf-8")
    try:
        (target,) = targets.read_targets(str(file))
    except BoxError as error:
        assert name in str(error) and "files are called after it" in str(error)
        assert set(name) & set(":/?")
    else:
        assert good_on_windows(f"{sinks.box_stem(target.name)}.csv")


def test_text_files_are_opened_as_utf8():
    """On Windows the default is another encoding."""
    for path in (ROOT / "dslt_jax").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and opens_text(call):
                words = {word.arg for word in call.keywords}
                assert "encoding" in words, f"{path}:{call.lineno}"


def opens_text(call):
    """Whether a call opens a file as text."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr in ("read_text", "write_text")
    mode = call.args[1] if len(call.args) > 1 else ast.Constant("r")
    opens = isinstance(call.func, ast.Name) and call.func.id == "open"
    return opens and "b" not in str(getattr(mode, "value", ""))


def test_what_only_posix_has_is_asked_for():
    """Modules and signals that Windows lacks are imported and named behind a question."""
    lacking = {"fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"}
    for path in (ROOT / "dslt_jax").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:  # those in a `try` are not of the module's own level
            names = {name.name for name in node.names} if isinstance(node, ast.Import) else set()
            assert not names & lacking, f"{path}:{node.lineno}"
        named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not named & {"SIGKILL", "SIGHUP", "killpg", "fork", "getuid", "geteuid"}, path
