"""Opens a page in the browser: drag a box, watch it followed, correct it, take the boxes home.

    dslt ui                         (choose a video in the page)
    dslt ui clip.mp4                (this one)
    dslt ui 0                       (the first camera)
    dslt ui --folder videos/        (any of these)
    dslt ui --host 0.0.0.0          (from other machines; they need the address that is printed)

Boxes are kept in the output folder while a target is followed, a folder for each video, as `dslt
track` leaves them; uploads are kept until the program ends. It ends at Ctrl-C.

The page opens what was named at the start, what is in --folder, and what is uploaded, and nothing
else of this machine. The address that is printed has a token: whoever has it may use the page. On a
machine without a display, forward the port, ssh -L 8321:127.0.0.1:8321 HOST, and open the address.

Exit status: 1 it could not start; 2 wrong flags; 130 Ctrl-C; 143 SIGTERM; 129 SIGHUP.
"""

import errno
import os
import sys
import threading
import webbrowser
from pathlib import Path

from absl import flags

from dslt_jax.app import compiled
from dslt_jax.cli import common, paths
from dslt_jax.cli.main import UserError
from dslt_jax.media import address, pipe
from dslt_jax.media.frames import FramesError, local_path, open_frames
from dslt_jax.weights import store

PORT = 8321

FLAGS = flags.FlagValues()
FLAGS.set_gnu_getopt(True)
flags.DEFINE_string("host", "127.0.0.1", "where to listen: this machine alone", flag_values=FLAGS)
flags.DEFINE_integer(
    "port",
    None,
    f"the port, 0 for a free one; not said, it is {PORT}, or a free one where that is in use",
    lower_bound=0,
    upper_bound=65535,
    flag_values=FLAGS,
)
flags.DEFINE_multi_string(
    "host_name",
    [],
    "a name by which browsers call this machine, such as that of a proxy; '*' is any; as often as "
    "need be",
    flag_values=FLAGS,
)
paths.define("folder", None, "a folder whose videos may be opened", FLAGS)
paths.define("output", "ui_out", "the folder to keep boxes in", FLAGS)
flags.DEFINE_integer("upload_mb", 2048, "of all uploads together", lower_bound=0, flag_values=FLAGS)
flags.DEFINE_boolean("browser", True, "open the page in the browser", flag_values=FLAGS)
common.define_tracker_flags(FLAGS)


def main(values: flags.FlagValues, arguments: list[str]) -> int:
    """Serves until Ctrl-C."""
    from dslt_jax.ui import launch

    spec, tracker = common.tracker_from_flags(values)
    common.check_device()
    if spec.weights:
        try:
            store.load_params(tracker, spec.weights)  # the page itself does so only for a target
        except store.WeightsError as error:
            raise UserError(str(error)) from None
    for text in arguments:
        _check(text)
    folder = Path(values.folder) if values.folder else None
    if folder is not None and not folder.is_dir():
        raise UserError(f"there is no folder {folder}")
    output = Path(values.output)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {output}: {error.strerror}") from None
    if not os.access(output, os.W_OK):
        raise UserError(f"there is no permission to write to the folder {output}")
    if values.keep_compiled and (problem := compiled.keep()):
        print(problem)
    options = {
        "folder": folder,
        "output": output,
        "spec": spec,
        "host": values.host,
        "names": tuple(values.host_name),
        "upload_bytes": values.upload_mb * 2**20,
    }
    server = _start(launch.start, values.port, tuple(arguments), options)
    try:
        if arguments:
            try:
                server.desk.open(server.desk.inputs.all()[0].key)
            except FramesError as error:
                print(f"dslt ui: {error}", file=sys.stderr)
                server.desk.tell(str(error))
        print(f"{server.address}\nCtrl-C ends it.", flush=True)
        if values.browser and _has_display():
            webbrowser.open(server.address)
        _wait()
    finally:
        server.close()
    return 0


def _start(start, port: int | None, inputs: tuple[str, ...], options: dict):  # type: ignore[no-untyped-def]
    """The server, at the port that was asked for, or else at a free one."""
    try:
        return start(inputs, port=PORT if port is None else port, **options)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and port is None:
            return _start(start, 0, inputs, options)
        if error.errno == errno.EADDRINUSE:
            reason = f"port {port} is in use: choose another, or --port 0 for a free one"
        else:
            reason = f"cannot listen at {options['host']}: {error.strerror or error}"
        raise UserError(reason) from None


def _check(text: str) -> None:
    """Files and folders are looked at now; what is live is opened when it is chosen."""
    try:
        path = local_path(text)
        if address.is_address(path) or path.isdecimal():
            return
        if path == "-" or pipe.is_pipe(path):
            raise UserError(
                "a pipe can be read once, the page reads again: save it to a file first"
            )
        open_frames(path)
    except FramesError as error:
        raise UserError(str(error)) from None


def _wait() -> None:
    """Until a signal comes."""
    threading.Event().wait()


def _has_display() -> bool:
    return sys.platform in ("win32", "darwin") or "DISPLAY" in os.environ
