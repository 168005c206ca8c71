"""A video that FFmpeg has opened, through PyAV (the extra `video`), and what its header says."""

import dataclasses
import itertools
import types
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from dslt_jax.media.source import FramesError

NEEDS_AV = "needs PyAV: pip install 'dslt-jax[video]'"
TIMEOUT = 15.0  # seconds that an address may keep us waiting
MOST_PIXELS = 178_956_970  # of a frame; Pillow has the same limit for images

# Their length is FFmpeg's guess from the last time that it finds.
STREAMS = ("mpegts", "mpeg", "mpegvideo", "h264", "hevc")
_NO_TIMESTAMPS = 0x80  # FFmpeg's AVFMT_NOTIMESTAMPS
_MICROSECOND = Fraction(1, 1_000_000)


def import_av() -> types.ModuleType:
    """Returns PyAV; raises ImportError, whose text is the sentence to show, when it is missing."""
    try:
        import av
    except ImportError as error:
        raise ImportError(f"video {NEEDS_AV}") from error
    return av


@dataclasses.dataclass
class Video:
    """An open container and its first video stream; `with` closes it."""

    what: str  # it, in a sentence
    container: Any
    stream: Any
    packets: Iterator[Any]
    release: Callable[[], object]
    when_cut: str = "its tail is missing or damaged"  # why it may end too early
    note: str = ""  # a sentence for the user

    def __enter__(self) -> "Video":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self.container.close()
        self.release()

    @property
    def rate(self) -> float | None:
        """Frames a second, on the average."""
        return float(self.stream.average_rate) if self.stream.average_rate else None

    @property
    def announced_end(self) -> float | None:
        """The presentation time, in seconds, at which the video ends, as its header says."""
        if self.stream.duration and self.stream.time_base:
            return float(self.start + self.stream.duration * self.stream.time_base)
        parts = self.stream.metadata.get("DURATION", "").split(":")  # Matroska keeps it in a tag
        try:
            hours, minutes, seconds = map(float, parts)
        except ValueError:
            return None
        return 3600 * hours + 60 * minutes + seconds

    @property
    def length(self) -> float | None:
        """Seconds, or what FFmpeg takes for them; None of a live stream."""
        if self.announced_end:
            return self.announced_end - float(self.start)
        whole = self.container.duration
        return float(whole * _MICROSECOND) if whole else None

    @property
    def count(self) -> int | None:
        """How many frames there seem to be."""
        guess = round(self.length * self.rate) if self.length and self.rate else None
        return self.stream.frames or guess

    @property
    def bits(self) -> int:
        """Of a value of a pixel, as the format has it; 0 where that is not known."""
        layout = self.stream.codec_context.format
        return max((part.bits for part in layout.components), default=0) if layout else 0

    @property
    def stretch(self) -> Fraction:
        """Width by height of a pixel, as players show it; about 1 where they are square."""
        return Fraction(self.stream.sample_aspect_ratio or 1)

    @property
    def is_stream(self) -> bool:
        """Whether no header tells its length: parts of it may be joined, times begin anew."""
        return self.container.format.name in STREAMS

    @property
    def is_mp4(self) -> bool:
        return "mp4" in self.container.format.name

    @property
    def has_times(self) -> bool:
        """False where FFmpeg makes the times up, such as those of raw H.264 or piped images."""
        form = self.container.format
        return not (form.flags & _NO_TIMESTAMPS or form.name.endswith("_pipe"))

    @property
    def start(self) -> Fraction:
        """The presentation time of the stream's first frame."""
        return Fraction((self.stream.start_time or 0) * (self.stream.time_base or 0))

    @property
    def origin(self) -> Fraction | None:
        """The presentation time at which players let the video begin; None: its first frame's."""
        whole = self.container.start_time
        if self.stream.start_time is None:
            return None
        return (
            self.start if whole is None else min(self.start, max(whole * _MICROSECOND, Fraction(0)))
        )


def connect(
    file: Any,
    what: str,
    explain: Callable[[Exception], str],
    release: Callable[[], object] = lambda: None,
    **options: Any,
) -> Video:
    """Opens a video.

    Args:
      file: a path, an address or a readable file object.
      what: it, in a sentence, e.g. "the video clip.mp4".
      explain: says in a sentence what an error of FFmpeg means.
      release: called when the video is closed or cannot be opened.
      options: of `av.open`.

    Raises:
      FramesError: PyAV is missing, it cannot be opened or has no pictures.
    """
    container = None
    try:
        av = import_av()
        limit = {"max_pixels": str(MOST_PIXELS)}
        container = av.open(file, **options | {"options": limit | options.get("options", {})})
        if not (films := [one for one in container.streams.video if not _is_cover(one)]):
            kinds = sorted({one.type for one in container.streams if one.type != "video"})
            raise FramesError(f"{what} has no pictures, only {' and '.join(kinds) or 'nothing'}")
        stream = max(films, key=lambda film: film.width * film.height)
        stream.codec_context.options = limit
        note = _of_several(what, stream, films)
        return Video(what, container, stream, container.demux(stream), release, note=note)
    except BaseException as error:
        if container is not None:
            container.close()
        release()
        if isinstance(error, FramesError):
            raise
        if isinstance(error, ImportError):
            raise FramesError(f"{what} {NEEDS_AV}") from None
        if isinstance(error, (av.error.FFmpegError, OSError, ValueError)):
            raise FramesError(explain(error)) from None
        raise


def _is_cover(stream: Any) -> bool:
    """Returns whether a stream is one picture for the whole, as music has it."""
    return bool(stream.disposition & type(stream.disposition).attached_pic)


def _of_several(what: str, stream: Any, films: Sequence[Any]) -> str:
    """Says which of several streams is taken."""
    if len(films) < 2:
        return ""
    sizes = ", ".join(f"{film.width} x {film.height}" for film in films)
    return (
        f"{what} has {len(films)} streams of pictures, {sizes}: that of {stream.width} x "
        f"{stream.height} is taken, number {stream.index}"
    )


def peek(video: Video, explain: Callable[[Exception], str]) -> Video:
    """Returns the video after a look at its first packet, which is still the next to come.

    Raises:
      FramesError: it cannot be read; the video is closed.
    """
    try:
        first = list(itertools.islice(video.packets, 1))
    except BaseException as error:
        video.close()
        if isinstance(error, (import_av().error.FFmpegError, OSError)):
            raise FramesError(explain(error)) from None
        raise
    video.packets = itertools.chain(first, video.packets)
    return video


def reason(error: Exception) -> str:
    """Returns what FFmpeg says of an error; never the address, which may hold a password."""
    if type(error).__name__ == "ExitError":  # PyAV stops FFmpeg so when the time is over
        return f"nothing came for {TIMEOUT:g} seconds"
    return getattr(error, "strerror", None) or type(error).__name__
