"""Every reader of the package: what it is tried on, how it is called, and what it may raise."""

import contextlib
import functools
import io
import itertools
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import seeds
from bombs import BOMBS, Tree
from PIL import Image

from dslt_jax import presets
from dslt_jax import settings as settings_lib
from dslt_jax.app.spec import Spec
from dslt_jax.benchmarks import datasets, execute, metrics, results, runs, trajectory
from dslt_jax.benchmarks import settings as run_settings
from dslt_jax.benchmarks.datasets.check import Checker
from dslt_jax.benchmarks.metrics import vot
from dslt_jax.benchmarks.settings import RunError
from dslt_jax.cli import box_text, main, targets
from dslt_jax.media.frames import FramesError, open_frames
from dslt_jax.weights import store

sys.path.append(str(Path(__file__).parents[2] / "tests" / "cli"))
import track_fakes

MOST_FRAMES = 60  # of a video that says it has more
MOST_NAMES = 130  # of a benchmark; a published one has no more


class Refused(Exception):
    """A command said no; the text is what it said."""


class Reader(NamedTuple):
    """One kind of input.

    Attributes:
        seeds: returns valid inputs; raises ImportError where a package for it is missing.
        read: reads the input in the folder `in` of its argument; it may write to `out` there.
        errors: what it says no with.
    """

    seeds: Callable[[], list[Tree]]
    read: Callable[[Path], object]
    errors: tuple[type[Exception], ...]


def inputs(name: str) -> tuple[list[Tree], list[Tree]]:
    """Returns a reader's valid inputs, and those made to hurt."""
    return READERS[name].seeds(), BOMBS.get(name, list)()


def _file(case: Path) -> Path:
    return next(path for path in sorted((case / "in").rglob("*")) if path.is_file())


def _frames(path: Path) -> None:
    with contextlib.closing(iter(open_frames(path))) as stream:
        for _ in itertools.islice(stream, MOST_FRAMES):
            pass


def _boxes(case: Path) -> None:
    path = str(_file(case))
    for form in box_text.FORMATS:
        with contextlib.suppress(box_text.BoxError):
            targets.read_box(path, form)
    for target in targets.read_targets(path):
        target.box.pixels(64, 48)


def _settings(case: Path) -> None:
    words = _file(case).read_text(encoding="utf-8", errors="replace").split("\n")
    settings_lib.describe(settings_lib.override(presets.by_name("compact"), words))


def _weights(case: Path) -> None:
    store.read_network(_file(case), "vgg16", "oxford")


def _truth(layout: str, case: Path) -> None:
    """Reads, checks and plans every sequence, and saves a run on it."""
    dataset = datasets.load(layout, case / "in")
    names = dataset.names[:MOST_NAMES]  # of published lists most are missing
    problem = None
    with runs.Run(case / "out", execute.Protocol(), {"dataset": layout}) as run:
        for name in names:
            try:
                sequence = dataset[name]
                for plan in ("tre", "sre"):
                    execute.starts(sequence, execute.Protocol(plan))
                run.save(sequence, [trajectory.from_regions(sequence.boxes)])
            except datasets.DatasetError as error:
                problem = problem or error
    for _ in Checker().dataset(dataset.subset(names)):
        pass
    if problem and not any(run.done(name) for name in names):
        raise problem


def _results(case: Path) -> None:
    dataset = seeds.own()
    found = results.read(case / "in", dataset, experiment=_experiment(case / "in"))
    if found.supervised:
        vot.evaluate(dataset, found.runs)
    elif found.format == "vot":
        vot.average_overlap(dataset, found.runs, vot.Variant(name="toolkit"))
    else:
        metrics.evaluate(dataset, found.boxes)


def _experiment(folder: Path) -> str:
    return "unsupervised" if (folder / "unsupervised").is_dir() else "baseline"


def _run(case: Path) -> None:
    found = runs.read(case / "in", seeds.own())
    if run_settings.read(case / "in")["settings"]["protocol"]["name"] in ("tre", "sre"):
        runs.segments(case / "in", seeds.own())
    with contextlib.suppress(RunError):
        run_settings.refuse_other(case / "in", {"dataset": found.tracker})


def _report(case: Path) -> None:
    truth = case / "out" / "truth" / "Own" / "groundtruth_rect.txt"
    seeds.layouts.text(truth, seeds.BOXES + 1)
    seeds.layouts.images(truth.parent / "img", 1, seeds.FRAMES)
    shutil.copytree(case / "in", case / "out" / "KCF")
    flags = (f"--root={truth.parents[1]}", f"--experiment={_experiment(case / 'in')}")
    page = ("--dataset=otb", "--nofigures", f"--output={case / 'out' / 'page'}")
    _command("report", str(case / "out" / "KCF"), *flags, *page)


def _labels(case: Path) -> None:
    for form in ("truth", "mot", "cvat"):
        output = f"--output={case / 'out' / form}"
        _command("convert", str(_file(case)), "--to", form, output, "--size=64x48")


def _track(case: Path) -> None:
    """Turns a run of `dslt track` into labels, goes on with it, and begins it again."""
    out = case / "out" / "run"
    shutil.copytree(case / "in", out)
    with contextlib.suppress(Refused):
        _command("convert", str(out), "--to", "mot", f"--output={case / 'out' / 'mot.txt'}")
    with _fake_session():
        _follow(out, "--resume")
        _follow(out, "--box=10,12,20,16")


def _killed() -> list[Tree]:
    """Folders of runs of `dslt track` that say they were killed."""
    trees = []
    for box in ("--box=10,12,20,16", "--targets=two.txt"):
        with _fake_session(), contextlib.chdir(_clip().parent):
            Path("two.txt").write_text("10,12,20,16 a\n5,5,10,10 b\n")
            tree = seeds.made(_follow, box)
        trees.append(tree | {"summary.json": tree["summary.json"].replace(b"done", b"running", 1)})
    return trees


def _follow(out: Path, *more: str) -> None:
    flags = ("--preset=mosse", "--novideo", "--nokeep_compiled")
    _command("track", f"--input={_clip()}", f"--output={out}", *flags, *more)


def _command(*words: str) -> None:
    """Calls `dslt`; raises Refused with what it said when it was not done."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main.main(["dslt", *words])
    if status:
        raise Refused(err.getvalue())


@functools.cache
def _clip() -> Path:
    """A clip of images in a folder of its own, which stays as long as the process."""
    clip = Path(tempfile.mkdtemp(), "clip")
    clip.mkdir()
    for index in range(track_fakes.COUNT):
        Image.fromarray(track_fakes.scene(index)).save(clip / f"{index}.png")
    return clip


@contextlib.contextmanager
def _fake_session() -> Iterator[None]:
    """Meanwhile no tracker is built: boxes drift to the right."""
    build = Spec.build
    Spec.build = lambda spec: track_fakes.Drifting()  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Spec.build = build  # type: ignore[method-assign]


_WEIGHTS = ("npz", "safetensors", "pth", "h5", "mat", "caffemodel")
_RUN_ERRORS = (RunError, results.ResultsError, datasets.DatasetError)

READERS = {
    "image": Reader(seeds.image, lambda case: _frames(_file(case)), (FramesError,)),
    "folder": Reader(seeds.folder, lambda case: _frames(case / "in"), (FramesError,)),
    "video": Reader(seeds.video, lambda case: _frames(_file(case)), (FramesError,)),
    "boxes": Reader(seeds.boxes, _boxes, (box_text.BoxError,)),
    "settings": Reader(seeds.settings, _settings, (ValueError,)),
    **{
        f"truth-{name}": Reader(
            functools.partial(seeds.truth, name),
            functools.partial(_truth, name),
            (datasets.DatasetError, RunError),
        )
        for name in seeds.LAYOUTS
    },
    "results": Reader(seeds.kept, _results, (*_RUN_ERRORS, ValueError)),
    "report": Reader(seeds.kept, _report, (Refused,)),
    "run": Reader(seeds.run, _run, _RUN_ERRORS),
    "track": Reader(_killed, _track, (Refused,)),
    "labels": Reader(seeds.labels, _labels, (Refused,)),
    **{
        f"weights-{kind}": Reader(
            functools.partial(seeds.weights, kind), _weights, (store.WeightsError,)
        )
        for kind in _WEIGHTS
    },
}
