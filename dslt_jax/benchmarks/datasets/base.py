"""What every benchmark is to the rest of the package: a lazy list of sequences."""

import dataclasses
import difflib
import functools
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Sequence as SequenceABC
from pathlib import Path

import numpy as np

from dslt_jax.boxes import Array, bounding_box
from dslt_jax.media.images import opened

MOST_BYTES = 200  # of a sequence's name; files are called a little longer
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")


class DatasetError(ValueError):
    """A benchmark's folder or one of its files is not as it must be; the text says where."""


@dataclasses.dataclass(frozen=True)
class Sequence:
    """One target in one clip.

    Attributes:
        name: the benchmark's name of the target.
        ground_truth: (N, 4) boxes or (N, 8) polygons, float64, 0-based pixel edges; a row of NaN
            where the files say that the target is absent, zeros are kept as they are. A NaN in a
            row makes all of it NaN.
        list_frames: lists the N image paths; called once, when `frames` is first read.
        attributes: the challenges that the benchmark names for the whole sequence.
        tags: per-frame marks, name -> (N,) bool; "absent" marks frames that some policies drop.
        start: the benchmark's own number of the first frame.
        skipped: annotated rows before the first one, which the protocol leaves out; results that
            have them lose them when they are read.
        origin: what was taken from x and y of the benchmark's files (1 for 1-based ones).
        image_size: (width, height) where the benchmark's own files say it.
        listed: how many frames the benchmark is known to have here, for checking.
        partial: (N,) bool, the rows of which only some numbers were NaN, for checking.
    """

    name: str
    ground_truth: Array
    list_frames: Callable[[], SequenceABC[Path]] = dataclasses.field(repr=False)
    attributes: tuple[str, ...] = ()
    tags: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    start: int = 1
    skipped: int = 0
    origin: float = 0.0
    image_size: tuple[int, int] | None = None
    listed: int | None = None
    partial: np.ndarray = dataclasses.field(init=False, repr=False)

    def __post_init__(self) -> None:
        truth = np.ma.filled(np.ma.asarray(self.ground_truth, np.float64), np.nan)
        numbers = truth.shape[-1] if truth.ndim == 2 else 0
        if numbers < 4 or numbers % 2:
            raise DatasetError(
                f"the ground truth of {self.name} has shape {truth.shape}: boxes are (N, 4), "
                "polygons (N, 8)"
            )
        unknown = np.isnan(truth)
        absent = np.any(unknown, axis=1, keepdims=True)
        object.__setattr__(self, "ground_truth", np.where(absent, np.nan, truth))
        object.__setattr__(self, "partial", (absent & ~unknown).any(axis=1))

    def __len__(self) -> int:
        return len(self.ground_truth)

    @functools.cached_property
    def frames(self) -> tuple[Path, ...]:
        """The paths of the N images; raises DatasetError when there is no folder of images."""
        return tuple(self.list_frames())

    @functools.cached_property
    def boxes(self) -> Array:
        """The ground truth as axis-aligned boxes (N, 4): of a polygon, the box around it."""
        if self.ground_truth.shape[1] == 4:
            return self.ground_truth
        return bounding_box(self.ground_truth)

    @functools.cached_property
    def frame_size(self) -> tuple[int, int]:
        """(width, height) of the images, read from the first one unless the files say it."""
        if self.image_size:
            return self.image_size
        try:
            with opened(self.frames[0]) as image:
                return image.size
        except Exception as error:  # decoders raise anything on damaged bytes
            raise DatasetError(f"{self.frames[0]} cannot be read: {error}") from None

    @property
    def init_box(self) -> Array:
        """The first frame's box (4,)."""
        return self.boxes[0]


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A benchmark: names now, each sequence when it is asked for.

    Attributes:
        name: as `load` was called, e.g. "otb100".
        names: the sequences' names in the benchmark's order.
        read: name -> Sequence; raises DatasetError, which says what is wrong with its files.
        policy: the scoring policy that is usual for the benchmark.
        root: where it was found; None with annotations alone.
        notes: sentences to tell the user, e.g. that the root was one level up.
    """

    name: str
    names: tuple[str, ...]
    read: Callable[[str], Sequence] = dataclasses.field(repr=False)
    policy: str = "wu"
    root: Path | None = None
    notes: tuple[str, ...] = ()
    cache: dict[str, Sequence] = dataclasses.field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in self.names:  # files of results are called after them
            strange = re.search(r"[/\\]", name) or not name.isprintable()
            if strange or name in ("", ".", "..") or len(name.encode()) > MOST_BYTES:
                raise DatasetError(
                    f"{self.name} has a sequence called {name[:60]!r}, as no file can be called: "
                    f"a name has no / nor \\, is not '..' and has {MOST_BYTES} bytes at most"
                )

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Sequence]:
        return (self[name] for name in self.names)

    def __getitem__(self, key: str | int) -> Sequence:
        """The sequence of that name or position; raises DatasetError when it cannot be read."""
        try:
            name = key if isinstance(key, str) else self.names[operator.index(key)]
        except TypeError:
            raise TypeError(
                f"a sequence is asked for by name or position, not by {key!r}: subset gives several"
            ) from None
        self._check(name)
        if name not in self.cache:
            self.cache[name] = self.read(name)
        return self.cache[name]

    def subset(self, names: SequenceABC[str]) -> "Dataset":
        """Returns the dataset with these sequences only; raises DatasetError for an unknown one."""
        for name in names:
            self._check(name)
        return dataclasses.replace(self, names=tuple(dict.fromkeys(names)))

    def _check(self, name: str) -> None:
        if name not in self.names:
            near = difflib.get_close_matches(name, self.names) or self.names[:3]
            raise DatasetError(f"{self.name} has no sequence '{name}', but {', '.join(near)}")


def find_root(
    root: str | Path, find: Callable[[Path], SequenceABC[Path]], what: str
) -> tuple[Path, tuple[str, ...]]:
    """Returns the folder that holds the sequences, and a note when it is not the one given.

    `find` gives a path in each sequence that a folder holds. Looks at the root, then below it (two
    levels), then above it (two levels), where the root must be of a sequence: people pass a folder
    one level too high or too low.
    Raises DatasetError when there are none anywhere.
    """
    root = Path(root)
    if not root.is_dir():
        raise DatasetError(f"the dataset root {root} is not a folder: pass the one with {what}")
    if find(root):
        return root, ()
    below = _folders(root)
    below += [path for parent in below[:200] for path in _folders(parent)]
    whole = root.resolve()
    above = list(whole.parents)[:2]

    def count(folder: Path) -> int:
        try:
            found = find(folder)
        except OSError:  # others may have folders here that we cannot read
            return 0
        if folder in above:  # beside the root there may be anything
            own = folder / whole.relative_to(folder).parts[0]
            found = [path for path in found if path.is_relative_to(own)]
        return len(found)

    for candidates in (below, above):
        best = max(candidates, key=count, default=root)
        if count(best):
            return best, (f"{root} holds no sequences: using {best}",)
    raise DatasetError(f"there are no sequences in {root}, below it or above it: it needs {what}")


def _folders(parent: Path) -> list[Path]:
    """The folders in a folder; none in one that may not be read."""
    try:
        return sorted(path for path in parent.iterdir() if path.is_dir())
    except OSError:
        return []


def find_optional(
    root: str | Path | None, find: Callable[[Path], SequenceABC[Path]], what: str
) -> tuple[Path | None, tuple[str, ...]]:
    """Returns `find_root`'s answer, or no folder where none was given."""
    return (None, ()) if root is None else find_root(root, find, what)


def image_root(root: Path | None, target: str) -> Path:
    """Returns the root; raises DatasetError when there is none to take images from."""
    if root is None:
        raise DatasetError(f"{target} has no images: only annotations were given, no root")
    return root


def folders_with(folder: Path, file: str) -> list[str]:
    """Returns the names of the folders below `folder` that hold a file matching `file`."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and any(path.glob(file)))


def numbered_images(folder: Path) -> dict[int, Path]:
    """Returns the images of a folder by the number in their name, in ascending order.

    Raises DatasetError when the folder is missing or holds no image with a number for a name.
    """
    if not folder.is_dir():
        raise DatasetError(f"the image folder {folder} is missing")
    images = {}
    for path in folder.iterdir():
        digits = path.stem.removeprefix("img")
        if path.suffix.lower() in IMAGE_SUFFIXES and digits.isdecimal():
            images[int(digits)] = path
    if not images:
        raise DatasetError(f"{folder} holds no numbered images ({', '.join(IMAGE_SUFFIXES)})")
    return dict(sorted(images.items()))


def frame_range(folder: Path, first: int, count: int) -> tuple[Path, ...]:
    """Returns the paths of frames first .. first + count - 1, whether or not each one exists.

    A copy whose files were renumbered from elsewhere but whose count is right is taken in order.
    """
    images = numbered_images(folder)
    wanted = range(first, first + count)
    if len(images) == count and not any(number in images for number in (first, wanted[-1])):
        return tuple(images.values())
    some = next(iter(images.values()))
    return tuple(
        images.get(number, some.with_name(f"{number:0{len(some.stem)}d}{some.suffix}"))
        for number in wanted
    )
