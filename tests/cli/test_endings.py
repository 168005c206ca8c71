import io
import os
import signal
import subprocess
import sys
import threading

import pytest

from dslt_jax.cli import endings

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs signals")


def test_a_second_signal_does_not_disturb_the_ending():
    closed = []
    with pytest.raises(endings.Stopped) as stop, endings.signals():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGINT)
            closed.append("files")
    assert closed == ["files"]
    assert endings.signal_of(stop.value) == signal.SIGTERM


def test_a_signal_raises_again_after_a_while(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(endings.time, "monotonic", lambda: now[0])
    with endings.signals():
        for _ in range(2):
            with pytest.raises(endings.Stopped):
                signal.raise_signal(signal.SIGTERM)
            now[0] += endings.PATIENCE


def test_an_error_that_was_made_of_a_signal_is_the_signal():
    """As where a module written in C is interrupted while it is imported."""
    with pytest.raises(endings.Stopped) as stopped, endings.signals():
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            raise ImportError("an error while initializing the extension") from None
    assert endings.signal_of(stopped.value) == signal.SIGTERM
    with pytest.raises(ImportError), endings.signals():
        raise ImportError("of its own")


def test_a_signal_that_was_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as by nohup
    try:
        with endings.signals():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_in_another_thread_nothing_changes():
    seen = []

    def work():
        with endings.signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_what_is_no_signal_is_ctrl_c():
    assert endings.signal_of(KeyboardInterrupt()) == signal.SIGINT


def dslt(words, **streams):
    code = "from dslt_jax.cli.main import run; run()"
    return subprocess.Popen([sys.executable, "-c", code, *words], **streams)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_is_no_failure(unbuffered):
    read, write = os.pipe()
    os.close(read)
    child = dslt(
        ["--help"],
        stdout=write,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    )
    os.close(write)
    assert child.communicate(timeout=60)[1] == b""
    assert child.returncode == 0


def test_errors_for_nobody_change_nothing():
    read, write = os.pipe()
    os.close(read)
    child = dslt(["nothing"], stdout=subprocess.PIPE, stderr=write)
    os.close(write)
    child.communicate(timeout=60)
    assert child.returncode == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_output_that_does_not_fit_is_a_failure():
    with open("/dev/full", "w") as full:
        child = dslt(["--help"], stdout=full, stderr=subprocess.PIPE, text=True)
    said = child.communicate(timeout=60)[1]
    assert child.returncode == 1
    assert said == "dslt: cannot write what it says: No space left on device\n"


def test_closed_streams_are_no_files_of_ours():
    code = (
        "import os; os.closerange(0, 3)\n"
        "from dslt_jax.cli import endings; import sys; sys.stdout = sys.stderr = None\n"
        "endings.open_streams(); print('said')\n"
        "sys.exit(os.open(os.devnull, os.O_RDONLY) < 3)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_bytes_of_a_name_that_are_no_text_are_shown_as_such():
    stream = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="strict")
    endings.Output(stream).write("wrote o\udce9\n")
    stream.flush()
    assert stream.buffer.getvalue().decode() == "wrote o\ufffd\n"
