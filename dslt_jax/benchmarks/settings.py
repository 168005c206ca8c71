"""The settings of a run, run.json: what was asked for, the versions, and the hash of both."""

import functools
import hashlib
import json
from importlib import metadata
from pathlib import Path
from typing import Any

import dslt_jax
from dslt_jax.benchmarks import protocols

FILE = "run.json"
PACKAGES = ("jax", "jaxlib", "numpy", "pillow")
# Rooms that bring frames and take boxes. All others decide where a tracker sees its target, and of
# these what starts, ends and judges a pass, and what makes pixels of a file.
APART = ("adapters", "benchmarks", "cli", "export", "media", "notebook", "ui")
DECIDING = (
    "benchmarks/execute.py",
    "benchmarks/metrics/raster.py",
    "benchmarks/protocols.py",
    "benchmarks/starts.py",
    "media/depth.py",
    "media/images.py",
)


class RunError(ValueError):
    """A run's directory cannot be used; the text says why and what to do."""


@functools.cache  # of the code that runs, even if its files change meanwhile
def versions() -> dict[str, str]:
    """Returns the versions of the packages that results can depend on, and a digest of our code.

    The digest tells apart states of a checkout of one version.
    """
    packages = {name: metadata.version(name) for name in PACKAGES}
    code = code_digest(Path(dslt_jax.__file__).parent)
    return {"dslt_jax": dslt_jax.__version__, "code": code} | packages


def code_digest(package: Path) -> str:
    """Returns the SHA-256 of a package's modules, whose folder it is, but those APART."""
    code = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        path = file.relative_to(package)
        if path.parts[0] not in APART or path.as_posix() in DECIDING:
            code.update(f"{path.as_posix()}\n".encode() + file.read_bytes())
    return code.hexdigest()


def digest(settings: dict[str, Any]) -> str:
    """Returns the SHA-256 of settings, whatever their order."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def read(path: str | Path) -> dict[str, Any]:
    """Returns the content of a run's run.json: `hash`, `settings`, `about`.

    Raises:
      RunError: there is none, or it is damaged.
    """
    file = Path(path) / FILE
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if digest(content["settings"]) != content["hash"]:
            raise RunError(f"{file} was changed by hand: its hash is not that of its settings")
        _check(content)
        return content
    except OSError as error:
        raise RunError(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, RunError):
            raise
        raise RunError(f"{file} is damaged: {error}") from None


def _check(content: dict[str, Any]) -> None:
    """Raises ValueError, KeyError or TypeError where a run.json lacks what its readers rely on."""
    settings, about = content["settings"], content["about"]
    if not isinstance(about, dict):
        raise TypeError("what it says about the run is no object")
    if settings["protocol"]["name"] not in protocols.PROTOCOLS:
        raise ValueError("there is no such protocol")
    named = (settings.get("dataset"), about.get("root"), about.get("annotations"))
    if not all(text is None or isinstance(text, str) for text in named):
        raise TypeError("a dataset, a root or annotations that are no text")


def dump(settings: dict[str, Any], about: dict[str, Any]) -> str:
    """Returns the text of run.json.

    Args:
      settings: all that decides the results, as JSON values; versions are added.
      about: what else is worth keeping; it is not in the hash.
    """
    settings = _with_versions(settings)
    content = {"hash": digest(settings), "settings": settings, "about": about}
    return json.dumps(content, indent=2) + "\n"


def refuse_other(path: Path, settings: dict[str, Any]) -> None:
    """Raises RunError that names the settings and versions of a run which are not these."""
    old, new = _flat(read(path)["settings"]), _flat(_with_versions(settings))
    differing = [
        f"{key}: {_short(old.get(key))} there, {_short(new.get(key))} now"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]
    if differing:
        raise RunError(
            f"{path} holds a run with other settings ({'; '.join(differing)}): "
            "choose another directory"
        )


def _with_versions(settings: dict[str, Any]) -> dict[str, Any]:
    # Through JSON, so that they compare equal to what was read.
    return json.loads(json.dumps(settings | {"versions": versions()}))


def _flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns nested settings by dotted names."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        nested = isinstance(value, dict)
        flat |= _flat(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value}
    return flat


def _short(value: Any) -> str:
    if value is None:
        return "none"
    text = str(value)
    return text if len(text) <= 24 else f"{text[:12]}…"
