"""Brings a tracker to the vot-toolkit, and to other programs that speak TraX.

    dslt vot init --workspace DIR                       an entry in DIR/trackers.ini
    dslt vot init --workspace DIR --preset kcf --set rate=0.02 --name kcf-slow
    dslt vot init --workspace DIR --protocol trax       the tracker in this environment
    dslt vot trax --preset compact                      answers a TraX client on stdin and stdout

With `protocol = python` the toolkit imports dslt_jax, so that both are in one environment. With
`trax` the toolkit starts `dslt vot trax` here, whatever its own environment is; that needs the
extra `vot`. Both follow one object or several, as the stack has them, and give boxes: of a mask
they learn the upright box around it.

`init` compiles what the tracker needs and keeps it in $DSLT_CACHE, so that the toolkit's process
starts quickly. Results are kept under the entry's name: one that is there with other settings is
not replaced, --name gives another.

Exit status: 0 all done; 1 something was not; 2 wrong flags.
"""

import importlib.util
import sys
import time
from pathlib import Path

from absl import flags

from dslt_jax.adapters import targets, vot
from dslt_jax.app import compiled
from dslt_jax.app.spec import Spec
from dslt_jax.cli import common, paths
from dslt_jax.cli.main import UserError
from dslt_jax.weights import store

INI = "trackers.ini"
VERBS = ("init", "trax")

FLAGS = flags.FlagValues()
FLAGS.set_gnu_getopt(True)  # flags behind the verb
paths.define("workspace", ".", "init: the toolkit's workspace", FLAGS)
flags.DEFINE_string(
    "name", None, "init: of the entry and of its results; otherwise dslt-PRESET", flag_values=FLAGS
)
flags.DEFINE_enum(
    "protocol", "python", ["python", "trax"], "init: how the toolkit calls it", flag_values=FLAGS
)
common.define_tracker_flags(FLAGS)


def main(values: flags.FlagValues, arguments: list[str]) -> int:
    """Runs init or trax; returns the exit status."""
    if len(arguments) != 1 or arguments[0] not in VERBS:
        given = " ".join(arguments) or "nothing"
        raise UserError(f"the verb is 'init' or 'trax', not {given}: dslt vot init --workspace DIR")
    spec, _ = common.tracker_from_flags(values)
    common.check_device()
    if values.keep_compiled and (problem := compiled.keep()):
        print(f"dslt vot: {problem}", file=sys.stderr)
    try:
        return _init(spec, values) if arguments == ["init"] else _trax(spec)
    except store.WeightsError as error:
        raise UserError(str(error)) from None


def _init(spec: Spec, values: flags.FlagValues) -> int:
    try:
        entry = vot.ini(spec, values.name, values.protocol)
    except ValueError as error:
        raise UserError(str(error)) from None
    store.load_params(spec.tracker(), spec.weights)  # none that cannot be used is entered
    name = entry.partition("]")[0][1:]
    folder = Path(values.workspace)
    try:
        added = _add(folder / INI, name, entry)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise UserError(f"cannot write {folder / INI}: {reason}") from None
    print(f"[{name}] {'is now' if added else 'was already'} in {folder / INI}:\n{entry}")
    for note in _notes(folder, values.protocol):
        print(f"note: {note}")
    start = time.perf_counter()
    targets.Targets(spec)
    print(f"the tracker is ready in {time.perf_counter() - start:.1f} s")
    print(f"next: vot evaluate --workspace {folder} {name}")
    return 0


def _add(path: Path, name: str, entry: str) -> bool:
    """Adds an entry to a trackers.ini and leaves the rest as it is; False if it was there.

    Raises:
      UserError: another entry has the name; OSError, UnicodeDecodeError: of the file.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    _, found, rest = f"\n{text}".partition(f"\n[{name}]")
    if found:
        there = f"[{name}]{rest.partition(f'{chr(10)}[')[0]}"
        if there.split() == entry.split():
            return False
        raise UserError(
            f"[{name}] is in {path} already and differs: its results would be mixed. --name "
            f"another one, or remove it:\n{there.strip()}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    gap = "\n" if text.strip() and not text.endswith("\n\n") else ""
    end = "" if not text or text.endswith("\n") else "\n"
    paths.write(str(path), f"{text}{end}{gap}{entry}")
    return True


def _notes(folder: Path, protocol: str) -> list[str]:
    """What the toolkit still needs."""
    notes, config = [], folder / "config.yaml"
    if not config.exists():
        notes.append(
            f"{folder} is no workspace yet: vot initialize STACK --workspace {folder}, where STACK "
            "is e.g. vots2026/main"
        )
    elif INI not in config.read_text(encoding="utf-8", errors="replace"):
        notes.append(f"{config} does not name {INI}: add ./{INI} to its registry")
    if protocol == "python" and importlib.util.find_spec("vot") is None:
        notes.append(
            "the vot-toolkit is not in this environment: pip install vot-toolkit, or --protocol "
            "trax"
        )
    if protocol == "trax" and importlib.util.find_spec("trax") is None:
        notes.append("TraX needs its library here: pip install 'dslt-jax[vot]'")
    return notes


def _trax(spec: Spec) -> int:
    try:
        from dslt_jax.adapters import trax
    except ImportError:
        raise UserError("TraX needs its library: pip install 'dslt-jax[vot]'") from None
    try:
        trax.serve(spec)
    except (ValueError, ConnectionError) as error:
        raise UserError(str(error)) from None
    return 0
