"""Checks a benchmark's folder and lists what is missing, short, undecodable or mis-sized.

    dslt data check --dataset otb100 --root DIR

One line a fault; the check goes on to the end. The exit status is 1 when anything was found.
"""

import sys

from absl import flags
from tqdm import tqdm

from dslt_jax.benchmarks import datasets
from dslt_jax.benchmarks.datasets.check import Checker
from dslt_jax.benchmarks.tables import plural
from dslt_jax.cli import paths, scoring
from dslt_jax.cli.main import UserError

VERBS = ("check",)

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    "dataset", "otb", f"which benchmark: {', '.join(datasets.LAYOUTS)}", flag_values=FLAGS
)
paths.define("root", None, "the benchmark's folder", FLAGS)
paths.define("annotations", None, "annotations kept elsewhere", FLAGS)
flags.DEFINE_list(
    "sequences", None, "only these, e.g. Deer,Skiing; otherwise all", flag_values=FLAGS
)
flags.DEFINE_boolean(
    "decode", True, "decode every image; --nodecode only reads their sizes", flag_values=FLAGS
)


def main(values: flags.FlagValues, arguments: list[str]) -> int:
    if tuple(arguments) != VERBS:
        given = " ".join(arguments) or "nothing"
        raise UserError(
            f"the verb is 'check', not {given}: dslt data check --dataset NAME --root DIR"
        )
    if values.root is None:
        raise UserError("which folder? --root DIR")
    try:
        dataset = datasets.load(values.dataset, values.root, values.annotations)
        dataset = scoring.chosen(dataset, values.sequences)
    except datasets.DatasetError as error:
        raise UserError(str(error)) from None
    for note in dataset.notes:
        print(f"dslt data: {note}", file=sys.stderr)
    faulty = faults = frames = 0
    progress = tqdm(total=len(dataset), unit="sequence", disable=not sys.stderr.isatty())
    with progress:
        for name, found in Checker(values.decode).dataset(dataset):
            progress.update()
            for fault in found:
                progress.write(f"{name}: {fault}", file=sys.stdout)
            faulty += bool(found)
            faults += len(found)
            frames += len(dataset.cache[name]) if name in dataset.cache else 0
    print(
        f"{dataset.name}: {plural(len(dataset), 'sequence')}, {plural(frames, 'frame')}, "
        + (f"{plural(faults, 'fault')} in {plural(faulty, 'sequence')}" if faults else "no faults")
    )
    return 1 if faults else 0
