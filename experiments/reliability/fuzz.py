"""Feeds hostile inputs to every reader of the package and counts what they do with them.

    python experiments/reliability/fuzz.py
    python experiments/reliability/fuzz.py --inputs 10000 --seed 3 --reader video,weights-h5
    python experiments/reliability/fuzz.py --replay faults/video-0012

Inputs are made from valid ones (`seeds.py`) by hypothesis (`mutate.py`), and some by hand that
unpack to gigabytes (`bombs.py`). The same seed makes the same inputs. A reader may read one or
refuse it, by its own error in a sentence. All else is a fault: another error, a crash, more than
--seconds or --memory, a file written where none belongs, a connection, another program.

Inputs go to a process of its own (`sandbox.py`), which is replaced when it dies. Faults are kept in
--output, an input and a text each, and make the exit status 1. `pip install -e '.[reliability]'`.
"""

import multiprocessing
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import hypothesis
import hypothesis.configuration
import mutate
import pebble
import sandbox
from absl import app, flags
from bombs import Tree
from sandbox import Answer

FLAGS = flags.FLAGS
flags.DEFINE_integer("inputs", 1500, "how many, shared among the readers", lower_bound=1)
flags.DEFINE_integer("seed", 0, "of the inputs")
flags.DEFINE_list("reader", [], "only these, e.g. video,weights-h5; otherwise all")
flags.DEFINE_string("output", "faults", "the folder for inputs that showed a fault")
flags.DEFINE_string("replay", None, "the folder of one fault: what it does is printed")
flags.DEFINE_float("seconds", 5.0, "of the processor that an input may take")
flags.DEFINE_integer("memory", 3072, "MiB that an input may take", lower_bound=64)

KEPT = 3  # inputs of one cause
WAIT = 8  # by the clock, as many times as of the processor: others work here too
PATIENCE = 120.0  # seconds for what takes no input


class Fuzzer:
    """The process that reads, and its folder."""

    def __init__(self, folder: Path, seconds: float, memory: int):
        self._case, self._clock = folder / "case", WAIT * seconds
        (folder / "temporary").mkdir()
        self.pool = pebble.ProcessPool(
            max_workers=1,
            initializer=sandbox.enter,
            initargs=(str(folder / "temporary"), seconds, memory),
            context=multiprocessing.get_context("spawn"),
        )

    def inputs(self, reader: str) -> tuple[list[Tree], list[Tree]] | str:
        return self.pool.schedule(sandbox.inputs, (reader,), timeout=PATIENCE).result()

    def read(self, reader: str, tree: Tree) -> Answer:
        """Returns what a reader does with an input."""
        shutil.rmtree(self._case, ignore_errors=True)
        write(tree, self._case / "in")
        (self._case / "out").mkdir()
        called = self.pool.schedule(sandbox.read, (reader, self._case), timeout=self._clock)
        try:
            return called.result()
        except TimeoutError:
            return Answer("fault", "hang", f"there was no answer in {self._clock:g} seconds")
        except pebble.ProcessExpired as error:
            return Answer("fault", "crash", f"the process ended with {error.exitcode}")


def write(tree: Tree, folder: Path) -> None:
    """Writes an input."""
    folder.mkdir(parents=True)
    for name, content in tree.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def run(fuzzer: Fuzzer, reader: str, count: int, output: Path) -> Counter:
    """Returns how many inputs a reader read, refused and failed at; prints them as a row."""
    made = fuzzer.inputs(reader)
    if isinstance(made, str):
        print(f"{reader:20s} left out: {made}", flush=True)
        return Counter()
    for old in output.glob(f"{reader}-[0-9]*"):
        shutil.rmtree(old)
    seeds, bombs = made
    counts, causes = Counter[str](), Counter[str]()

    def one(tree: Tree, valid: bool = False) -> None:
        answer = fuzzer.read(reader, tree)
        if valid and answer.outcome == "refused":
            answer = Answer("fault", "a valid input is refused", answer.detail)
        if answer.outcome == "fault":
            causes[answer.place] += 1
            if causes[answer.place] <= KEPT:
                keep(output / f"{reader}-{counts.total():04d}", reader, tree, answer)
        counts[answer.outcome] += 1

    ready = (seeds + bombs)[:count]
    for number, tree in enumerate(ready):
        one(tree, valid=number < len(seeds))
    if count > len(ready):

        @hypothesis.seed(FLAGS.seed)
        @hypothesis.settings(
            max_examples=count - len(ready),
            phases=[hypothesis.Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(mutate.changed(seeds))
        def many(tree: Tree) -> None:
            one(tree)

        many()
    row = (counts.total(), counts["read"], counts["refused"], counts["fault"])
    print(f"{reader:20s} " + " ".join(f"{value:8d}" for value in row), flush=True)
    for place, times in causes.most_common():
        print(f"    {times} x {place}", flush=True)
    return counts


def keep(folder: Path, reader: str, tree: Tree, answer: Answer) -> None:
    """Keeps the input of a fault beside what it did."""
    shutil.rmtree(folder, ignore_errors=True)
    write(tree, folder / "in")
    (folder / "reader").write_text(reader)
    (folder / "fault.txt").write_text(f"{answer.place}\n\n{answer.detail}\n", errors="replace")


def replay(fuzzer: Fuzzer, folder: Path) -> Answer:
    """Returns what the input of a fault does now."""
    paths = [path for path in (folder / "in").rglob("*") if path.is_file()]
    tree = {path.relative_to(folder / "in").as_posix(): path.read_bytes() for path in paths}
    return fuzzer.read((folder / "reader").read_text(), tree)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"'{argv[1]}' belongs to no flag")
    from readers import READERS

    if unknown := sorted(set(FLAGS.reader) - set(READERS)):
        known = ", ".join(READERS)
        raise SystemExit(f"fuzz: there is no reader {unknown[0]}: choose from {known}")
    readers = FLAGS.reader or list(READERS)
    begin, total = time.monotonic(), Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        hypothesis.configuration.set_hypothesis_home_dir(Path(name, "hypothesis"))
        fuzzer = Fuzzer(Path(name), FLAGS.seconds, FLAGS.memory << 20)
        try:
            if FLAGS.replay:
                answer = replay(fuzzer, Path(FLAGS.replay))
                print(f"{answer.outcome} {answer.place}\n{answer.detail}")
                sys.exit(answer.outcome == "fault")
            print(f"{'reader':20s}   inputs     read  refused   faults", flush=True)
            for i, reader in enumerate(readers):
                share = FLAGS.inputs // len(readers) + (i < FLAGS.inputs % len(readers))
                total += run(fuzzer, reader, share, Path(FLAGS.output))
        finally:
            fuzzer.pool.stop()
            fuzzer.pool.join()
    row = (total.total(), total["read"], total["refused"], total["fault"])
    print(f"{'all':20s} " + " ".join(f"{value:8d}" for value in row))
    print(f"seed {FLAGS.seed}, {time.monotonic() - begin:.0f} s")
    if total["fault"]:
        print(f"inputs of faults are in {FLAGS.output}: --replay {FLAGS.output}/NAME tries one")
        sys.exit(1)


if __name__ == "__main__":
    app.run(main)
