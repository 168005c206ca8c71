"""Calls a reader on an input, within bounds, and judges what it does: read, refused or a fault.

It happens in a process of `fuzz.py`, whose address space is bounded. Readers get an input in the
folder `in` of a case and may write to `out` beside it. Writing anywhere else, a connection, another
program or a class out of a pickle is forbidden and noted, through Python's audit events.
"""

import contextlib
import linecache
import os
import resource
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MOST_TEXT = 3000  # letters of a refusal: one that lists all choices is long

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# event -> where its paths are among the arguments, and the descriptors that they are relative to
_CHANGES = {
    **dict.fromkeys(("os.remove", "os.rmdir"), ((0, 1),)),
    **dict.fromkeys(("os.mkdir", "os.chmod"), ((0, 2),)),
    **dict.fromkeys(("os.rename", "os.link"), ((0, 2), (1, 3))),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, 9),),
    "os.utime": ((0, 3),),
}
_NEVER = ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec")
_NEVER += ("os.posix_spawn", "os.fork", "pickle.find_class", "urllib.Request")


class Answer(NamedTuple):
    """What came of an input."""

    outcome: str  # read, refused or fault
    place: str = ""  # of a fault: what and where, the same for those of one cause
    detail: str = ""  # the message or the traceback


def enter(folder: str, seconds: float, memory: int) -> None:
    """Bounds this process for good.

    Args:
        folder: where temporary files may lie.
        seconds: that an input may take, of the processor.
        memory: bytes that an input may take, as resident memory.
    """
    global _watch, _seconds, _memory
    sys.dont_write_bytecode = True
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    import readers  # noqa: F401
    from tqdm import tqdm

    for package in ("av", "h5py", "torch", "safetensors"):  # not in an input's memory
        with contextlib.suppress(ImportError):
            __import__(package)
    tqdm.set_lock(threading.RLock())  # not one of processes, which a kill leaves behind
    _watch, _seconds, _memory = Watch(folder), seconds, memory
    if size := used("VmSize"):
        resource.setrlimit(resource.RLIMIT_AS, (size + 3 * memory,) * 2)


def inputs(name: str) -> tuple[list, list] | str:
    """Returns the inputs of a reader, or why there are none."""
    import readers

    try:
        return readers.inputs(name)
    except ImportError as error:
        return f"{error.name} is missing"


def read(name: str, case: Path) -> Answer:
    """Returns what a reader does with the input in a folder."""
    import readers

    before, reader, begin = used("VmRSS"), readers.READERS[name], time.process_time()
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # forgets the peak
    try:
        with (
            _watch.only(case / "out"),
            open(os.devnull, "w") as nowhere,
            contextlib.redirect_stderr(nowhere),
        ):
            reader.read(case)
        answer = Answer("read")
    except reader.errors as error:
        answer = _judged(error)
    except BaseException as error:
        answer = Answer("fault", _place(error), traceback.format_exc())
    if _watch.noted:
        event, what = _watch.noted[0]
        return Answer("fault", event, f"it tried {event} of {what}\n\n{answer.detail}")
    if (took := time.process_time() - begin) > _seconds:
        return Answer("fault", "slow", f"it took {took:.1f} s of the processor\n\n{answer.detail}")
    if (grown := used("VmHWM") - before) > _memory:
        return Answer("fault", "memory", f"it took {grown >> 20} MiB\n\n{answer.detail}")
    return answer


def _judged(error: Exception) -> Answer:
    """A refusal is good where it was meant: raised by our own line, in a sentence."""
    text, trace = str(error), traceback.format_exc()
    frame = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(frame.filename, frame.lineno or 0).strip()
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, MemoryError):
        cause = cause.__cause__ or cause.__context__
    if cause is not None:
        return Answer("fault", f"MemoryError, {_place(cause)}", trace)
    if not text.strip() or len(text) > MOST_TEXT or "Traceback" in text:
        return Answer("fault", f"no sentence, {_place(error)}", f"{text[:200]}\n\n{trace}")
    if not line.startswith("raise"):
        return Answer("fault", _place(error), trace)
    return Answer("refused", detail=text)


def _place(error: BaseException) -> str:
    """The kind of an error and the last line of ours that it went through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if f"{os.sep}dslt_jax{os.sep}" in frame.filename] or frames
    where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "nowhere"
    return f"{type(error).__name__} at {where}"


class Watch:
    """Notes and forbids what a reader must not do."""

    def __init__(self, folder: str):
        self.noted: list[tuple[str, object]] = []
        self._places: list[str] = []
        self._folder = os.path.realpath(folder)
        sys.addaudithook(self._hear)

    @contextlib.contextmanager
    def only(self, folder: Path) -> Iterator[None]:
        """Meanwhile files are written to this folder alone, or to that of temporary ones."""
        self.noted.clear()
        self._places = [os.path.realpath(folder), self._folder, os.devnull]
        try:
            yield
        finally:
            self._places = []

    def _hear(self, event: str, arguments: tuple) -> None:
        if not self._places:
            return
        if event == "open":
            path, mode, flags = arguments
            named = isinstance(mode, str) and any(letter in mode for letter in "wax+")
            if named or (flags or 0) & _WRITES:
                self._check(event, path)
        elif event in _CHANGES:
            for place, base in _CHANGES[event]:
                self._check(event, arguments[place], *arguments[base : base + 1])
        elif event.startswith(_NEVER):
            self._forbid(event, arguments)

    def _check(self, event: str, path: object, base: int = -1) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return  # a descriptor of what is open already
        places, self._places = self._places, []  # resolving a path raises events of its own
        real = os.path.join(f"/proc/self/fd/{base}" if base >= 0 else "", os.fsdecode(path))
        try:
            real = os.path.realpath(real)
        except ValueError:  # no path at all: what opens it says so
            return
        finally:
            self._places = places
        if not any(real == place or real.startswith(place + os.sep) for place in places):
            self._forbid(event, real)

    def _forbid(self, event: str, what: object) -> None:
        self.noted.append((event, what))
        raise PermissionError(1, f"{event} is forbidden here", str(what))


_watch: Watch
_seconds: float
_memory: int


def used(field: str) -> int:
    """Returns bytes of this process as Linux has them: VmRSS, VmHWM (the peak), VmSize; or 0."""
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith(field))
    except OSError:
        return 0
