"""A video in, followed, shown and taken away."""

import base64
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tqdm.auto import tqdm

from dslt_jax.app import compiled, loop, sinks
from dslt_jax.app.folder import Folder
from dslt_jax.app.spec import Spec
from dslt_jax.app.tally import Tally
from dslt_jax.cli.box_text import Box
from dslt_jax.media import synthetic
from dslt_jax.media.frames import FramesError, Source, open_frames
from dslt_jax.notebook.machine import NotebookError, in_colab, sentences
from dslt_jax.settings import Assignments, listed

SAMPLE_FRAMES = 100
MOST_SHOWN = 50_000_000  # bytes of a video: a page holds all of it, and so does the notebook's file


class Run(NamedTuple):
    """What `track` leaves."""

    files: list[Path]  # boxes.csv, boxes.txt, the video
    video: Path | None  # None where it could not be written


@sentences()
def open_video(
    name: str = "", start: str | int | None = None, end: str | int | None = None
) -> tuple[Source, Box | None]:
    """Opens the video to be tracked.

    Args:
      name: what `open_frames` takes, such as a path or an address; "upload" asks for a file, in
        Colab; "" is a clip that the package renders.
      start, end: as of `open_frames`.

    Returns:
      its frames, and the target's box x, y, w, h on the first one where that is known: of the
      rendered clip.

    Raises:
      NotebookError: it cannot be opened, or nothing was uploaded.
    """
    if not name:
        clip = synthetic.beetle_clip(SAMPLE_FRAMES)
        x, y, w, h = clip.boxes[0].round(1).tolist()
        return clip.source, (x, y, w, h)
    return open_frames(_upload() if name == "upload" else name, start, end), None


@sentences()
def track(
    source: Source,
    box: Any,
    *,
    preset: str = "compact",
    settings: Assignments = (),
    output: str | os.PathLike = "out",
) -> Run:
    """Follows the target through a video and writes boxes.csv, boxes.txt and the overlay.

    Interrupting the kernel ends it early; what was done is kept.

    Args:
      source: of `open_video`.
      box: x, y, w, h in pixels of its first frame.
      preset, settings: as of `dslt track`, e.g. "kcf" and ["gates.lost=0.1"].
      output: the folder to write to, made if need be; the files of a run before are replaced.

    Raises:
      NotebookError: the video, the preset, a setting or the folder cannot be used.
    """
    spec = Spec(preset, listed(settings))
    for note in getattr(spec.tracker(), "notes", lambda box: [])(box):
        print(note)
    session = spec.build()
    compiled.keep()
    folder, tally, said = Path(output), Tally([""]), "done"
    progress = tqdm(source, "tracking", source.count, unit=" frames")
    with Folder(folder) as place, progress as frames:
        files = video = None
        try:
            records = loop.begun(loop.follow(frames, session, [box]))
            place.clear()
            files = sinks.BoxFiles(folder, [""])
            video = sinks.VideoFile(folder, [""], source.fps or synthetic.FPS)
            loop.run(records, [files, video, tally])
        except KeyboardInterrupt:
            said = "stopped, what was done is kept"
        except FramesError as error:
            if not tally.frames:
                raise
            said = f"ended early, what was done is kept: {error}"
    speed = f", {tally.fps:.1f} a second" if tally.fps else ""
    print(f"{said}: {tally.frames} frames{speed}, {sum(tally.lost.values())} lost")
    if video is not None and video.problem:
        print(video.problem)
    shown = [video.path] if video is not None and video.finished else []
    return Run([*(files.paths if files else []), *shown], next(iter(shown), None))


@sentences()
def show(video: str | os.PathLike | None, width: int = 640) -> Any:
    """Returns a video or an animated WebP as what a cell shows; it becomes part of the page.

    Raises:
      NotebookError: there is none, or it is too large for a page.
    """
    from IPython.display import HTML, Video

    if video is None:
        raise NotebookError("there is no video to show: the run said why")
    path = Path(video)
    if (size := path.stat().st_size) > MOST_SHOWN:
        raise NotebookError(f"{path} has {size / 1e6:.0f} MB, too much for a page: download it")
    if path.suffix == ".webp":
        data = base64.b64encode(path.read_bytes()).decode()
        return HTML(f'<img src="data:image/webp;base64,{data}" width="{width}" alt="the video">')
    return Video(str(path), embed=True, width=width, html_attributes="controls loop muted")


def download(files: Sequence[str | os.PathLike]) -> None:
    """Hands files to whoever looks: in Colab the browser saves them, elsewhere links are shown."""
    for path in files:
        if in_colab():
            from google.colab import files as browser

            browser.download(os.fspath(path))
        else:
            from IPython.display import FileLink, display

            display(FileLink(os.fspath(path)))


def _upload() -> str:
    if not in_colab():
        raise NotebookError(
            "uploading is for Colab: here, put the video beside this notebook and give its name"
        )
    from google.colab import files

    sent = files.upload()
    if not sent:
        raise NotebookError("nothing was uploaded: run the cell again and choose a file")
    return next(iter(sent))
