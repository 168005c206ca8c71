"""Folders of images, in natural order."""

import collections
import contextlib
import functools
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from dslt_jax.media import images
from dslt_jax.media.source import DamagedFrame, FramesError, Image, Picture, Source

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg"}
    | {".wmv", ".flv", ".3gp", ".ogv", ".mxf", ".vob", ".h264", ".h265", ".hevc", ".y4m"}
)

MOST_FOLDERS = 200  # that are looked into for a hint
MOST_KINDS = 10  # of names that are compared


def open_folder(folder: Path) -> Source:
    """Returns the images of a folder, in natural order (1, 2, 10), hidden files left out.

    Raises:
      FramesError: it has no images or may not be listed.
    """
    try:
        pictures = _files_in(folder, images.SUFFIXES)
        videos = _files_in(folder, VIDEO_SUFFIXES)
        if not pictures:
            raise FramesError(_why_none(folder, videos))
    except PermissionError:
        raise FramesError(f"there is no permission to list the folder {folder}") from None
    beside = f"the folder {folder} has images and {_listed(videos)}: the images are taken"
    return open_files(str(folder), pictures, (beside,) if videos else ())


def _why_none(folder: Path, videos: list[Path]) -> str:
    """Says what a folder without images has instead."""
    if videos:
        return (
            f"the folder {folder} has no images, but {_listed(videos)}: "
            f"the input is one of them, e.g. {videos[0]}"
        )
    children = list(folder.iterdir())
    if not children:
        return f"the folder {folder} is empty"
    below = _folders_in(folder)
    for among in (below, [child for parent in below for child in _folders_in(parent)]):
        counts = {child: _count_in(child) for child in among[:MOST_FOLDERS]}
        best = max(counts, key=lambda child: counts[child], default=folder)
        if counts.get(best):
            hint = f" Its folder {best.relative_to(folder)} has {counts[best]}."
            break
    else:
        hint = _others(children)
    return f"the folder {folder} has no images ({', '.join(sorted(images.SUFFIXES))}).{hint}"


def _others(paths: list[Path]) -> str:
    """Says which files there are instead, the most frequent kind."""
    files = [path for path in paths if path.is_file() and not path.name.startswith(".")]
    if not files:
        return ""
    suffix, count = collections.Counter(path.suffix for path in files).most_common(1)[0]
    if not suffix:
        return f" It has {count} files without a suffix: images need that of their kind, as .png."
    return f" It has {count} {suffix} files: frames in such files are converted first, to .png."


def _folders_in(folder: Path) -> list[Path]:
    """The folders in one, in natural order; none in one that may not be listed."""
    with contextlib.suppress(OSError):
        return sorted((path for path in folder.iterdir() if path.is_dir()), key=_order)
    return []


def _count_in(folder: Path) -> int:
    """How many images a folder has; none where it may not be listed."""
    with contextlib.suppress(OSError):
        return len(_files_in(folder, images.SUFFIXES))
    return 0


def _files_in(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    """The files of some kinds, in natural order."""
    files = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in suffixes and not path.name.startswith(".") and not path.is_dir()
    ]
    return sorted(files, key=_order)


def _listed(videos: Sequence[Path]) -> str:
    """Videos by their names, of many the first three."""
    names = ", ".join(path.name for path in videos[:3])
    more = f" and {len(videos) - 3} more" if len(videos) > 3 else ""
    return f"{len(videos)} video{'s' if len(videos) > 1 else ''} ({names}{more})"


def open_matches(pattern: str, paths: Sequence[Path]) -> Source:
    """Returns the images that a glob matches; raises FramesError where videos are among them."""
    videos = sorted((path for path in paths if path.suffix.lower() in VIDEO_SUFFIXES), key=_order)
    if videos:
        raise FramesError(
            f"{pattern} matches {_listed(videos)}, and a glob is of images: "
            f"the input is one of them, e.g. {videos[0]}"
        )
    pictures = [path for path in paths if path.suffix.lower() in images.SUFFIXES]
    others = sorted(set(paths) - set(pictures), key=_order)
    if not pictures or not others:  # without one its names do not tell
        return open_files(pattern, paths)
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    note = f"{pattern} matches {others[0].name}{more}, no image by its name: left out"
    return open_files(pattern, pictures, (note,))


def open_files(name: str, paths: Sequence[Path], notes: tuple[str, ...] = ()) -> Source:
    """Returns image files as one source, in natural order; a damaged one is a DamagedFrame."""
    paths = sorted(paths, key=_order)
    depth = images.sequence_depth(paths)
    if depth:
        notes = (*notes, depth.note)

    def load(path: Path) -> Image | DamagedFrame:
        try:
            return images.read_image(path, depth)
        except images.ImageError as error:
            return DamagedFrame(str(error))

    def read(first: int = 0) -> Iterator[Picture]:
        for path in paths[first:]:
            yield Picture(path.name, functools.partial(load, path))

    notes = (*notes, *(_pairs(paths) or _gaps(paths)))
    return Source(name, read, count=len(paths), notes=notes, exact=True, jump=read)


def natural_key(text: str) -> list[tuple[int, str]]:
    """Returns a sort key by which 2 comes before 10."""
    parts = re.split(r"(\d+)", text)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _order(path: Path) -> tuple[list[tuple[int, str]], str]:
    return natural_key(str(path)), str(path)


def _pairs(paths: Sequence[Path]) -> tuple[str, ...]:
    """Says where images come in several kinds of names for the same numbers, as with masks."""
    kinds: dict[tuple[str, str], dict[tuple[str, ...], Path]] = {}
    for path in paths:
        kind = re.sub(r"\d+", "#", path.stem), path.suffix.lower()
        kinds.setdefault(kind, {})[tuple(re.findall(r"\d+", path.stem))] = path
    for one, other in itertools.combinations(list(kinds.values())[:MOST_KINDS], 2):
        if len(shared := one.keys() & other.keys()) > 1:
            first = min(shared)
            return (
                f"images of several kinds have the same numbers, {one[first].name} and "
                f"{other[first].name}: all are taken, a quoted glob takes one kind",
            )
    return ()


def _gaps(paths: Sequence[Path]) -> tuple[str, ...]:
    """Says where numbered images seem to be missing: where the number jumps further than usual."""
    matches = [re.fullmatch(r"(.*?)(\d+)", path.stem) for path in paths]
    if len(paths) < 3 or len({match and match[1] for match in matches}) != 1 or not matches[0]:
        return ()
    numbers = [int(match[2]) for match in matches if match]
    steps = [after - before for before, after in itertools.pairwise(numbers)]
    usual = collections.Counter(steps).most_common(1)[0][0]
    jumps = [i for i, step in enumerate(steps) if step > usual]
    if not jumps:
        return ()
    first, more = jumps[0], len(jumps) - 1
    return (
        f"images seem to be missing between {paths[first].name} and {paths[first + 1].name}"
        + (f" and in {more} more places" if more else "")
        + ": the boxes are of the images that are there",
    )
