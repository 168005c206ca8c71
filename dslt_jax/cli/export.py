"""Writes a tracker as files that follow targets without this package.

    dslt export --preset compact --output compact_export
    dslt export --preset kcf --set lost=0.1 --output kcf_export
    dslt export --onnx --output compact_export     (the network as ONNX too)

The folder then holds init, locate and learn as StableHLO (jax.export), for frames of any size, on
CPUs, GPUs and TPUs; params.npz, the frozen network; settings.json, the numbers that are inputs and
may be changed there; and tracker.py, which needs jax and flatbuffers and nothing else:

    python compact_export/tracker.py clip.npy 159,82,56,65

The export is checked: tracker.py follows the demo's clip in a process without this package, and
must find the library's boxes, but for rounding. JAX promises to run the programs for 6 months of
its releases, see export.json.

Exit status: 0 all done; 1 it could not be written, or its boxes are others; 2 wrong flags.
"""

import sys
from pathlib import Path

from absl import flags

from dslt_jax.app import compiled
from dslt_jax.cli import common, paths
from dslt_jax.cli.main import UserError
from dslt_jax.weights import store

TOLERANCE = 1.0  # pixel; programs fused otherwise round otherwise, and kcf multiplies that

FLAGS = flags.FlagValues()
paths.define("output", "export", "the folder to write to", FLAGS)
flags.DEFINE_boolean(
    "onnx", False, "write the network as network.onnx too (extra onnx)", flag_values=FLAGS
)
flags.DEFINE_boolean(
    "check",
    True,
    "follow the demo's clip by the export, in a process without this package",
    flag_values=FLAGS,
)
common.define_tracker_flags(FLAGS)


def main(values: flags.FlagValues, arguments: list[str]) -> int:
    """Writes, checks and prints; returns the exit status."""
    from dslt_jax.export import folder, onnx

    if arguments:
        raise UserError(f"'{arguments[0]}' belongs to no flag; see `dslt export --help`")
    spec, tracker = common.tracker_from_flags(values)
    common.check_device()
    path = Path(values.output)
    if values.keep_compiled and (problem := compiled.keep()):
        print(f"dslt export: {problem}", file=sys.stderr)
    try:
        params = store.load_params(tracker, spec.weights)
        written = folder.write(path, tracker, params, spec.describe())
        if values.onnx:
            written.append(onnx.write(path, tracker, params))
        print(f"{path}: {', '.join(written)}")
        print(folder.WINDOW)
        if not values.check:
            return 0
        worst = folder.check(path, tracker, params, spec.seed)
    except (store.WeightsError, folder.ExportError) as error:
        raise UserError(str(error)) from None
    said = f"by {worst:.1g} pixels at most over {folder.CHECK_FRAMES} frames of the demo's clip"
    if worst > TOLERANCE:
        raise UserError(f"the export's boxes differ from the library's {said}")
    print(f"checked in a process without dslt_jax: its boxes differ from the library's {said}")
    return 0
