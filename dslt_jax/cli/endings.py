"""How a command ends before its time: signals that ask it to, and readers that went away."""

import contextlib
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any, TextIO

# Terminals, shells and timeout(1) send a signal twice: the second must not cut the closing short.
PATIENCE = 5.0  # seconds


class Stopped(KeyboardInterrupt):
    """A signal asks the process to end; whatever keeps its work at Ctrl-C keeps it here too."""

    def __init__(self, number: int):
        self.signal = signal.Signals(number)
        super().__init__(self.signal.name)


def signal_of(stop: KeyboardInterrupt) -> signal.Signals:
    """Returns the signal behind an interrupt; 128 more is the exit status of it."""
    return getattr(stop, "signal", signal.SIGINT)


@contextlib.contextmanager
def signals() -> Iterator[None]:
    """Meanwhile SIGINT, SIGTERM and SIGHUP raise `Stopped` in the main thread.

    A signal that the process was started to ignore, as by nohup, stays ignored. Elsewhere than in
    the main thread nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    raised, stopped = -PATIENCE, None

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal raised, stopped
        now = time.monotonic()
        if now - raised >= PATIENCE:
            raised, stopped = now, Stopped(number)
            raise stopped

    before: dict[int, Any] = {}
    try:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, stop)
        yield
    except Exception:
        # What is written in C may make an error of its own of it, as a module does on import.
        if stopped:
            raise stopped from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# What a name in a file could tell a terminal to do, and its bytes that are no UTF-8. Progress bars
# go back and up.
_CONTROLS = re.compile(r"\x1b(?!\[A)|[\0-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\ud800-\udfff]")


class Output:
    """A standard stream that may fail: its reader went away, as `head` does, or a disk is full.

    What cannot be written is dropped, as nothing a command does depends on it. `problem` says why,
    unless nobody reads it. Control characters are shown as U+FFFD.
    """

    def __init__(self, stream: TextIO):
        self.problem: str | None = None
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(_CONTROLS.sub("\ufffd", text))
        except OSError as error:
            self._drop(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._drop(error)

    def _drop(self, error: OSError) -> None:
        if not isinstance(error, BrokenPipeError):
            self.problem = error.strerror
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def open_streams() -> tuple[Output, Output]:
    """Makes standard output and errors safe to write to, also where they are closed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # closed: a file of ours would take its number, and get what is printed
            os.open(os.devnull, os.O_RDWR)
    out, err = (
        Output(stream or open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        for stream in (sys.stdout, sys.stderr)
    )
    sys.stdout, sys.stderr = out, err  # type: ignore[assignment]
    return out, err
