"""The page in a notebook."""

import tempfile
import urllib.parse
from pathlib import Path
from typing import Any

from dslt_jax.app.spec import Spec
from dslt_jax.ui.desk import Desk
from dslt_jax.ui.inputs import Inputs
from dslt_jax.ui.server import Server

UPLOADS = 2 * 2**30  # bytes
HEIGHT = 860  # pixels of the page in a notebook


def start(
    inputs: tuple[str, ...] = (),
    *,
    folder: Path | None = None,
    output: Path = Path("ui_out"),
    spec: Spec | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    names: tuple[str, ...] = (),
    upload_bytes: int = UPLOADS,
) -> Server:
    """Starts the page's server in a thread; its `address` is what to open, `close` ends it.

    Args:
      inputs: what may be opened, as of `dslt track --input`.
      folder: whose videos may be opened.
      output: where boxes are kept, a folder for each video.
      spec: the tracker to begin with.
      host, port, names: as of `Server`.
      upload_bytes: of all uploads together, which are kept in a temporary folder until the end.

    Raises:
      OSError: the port is in use, or there is no such host.
    """
    uploads = Path(tempfile.mkdtemp(prefix="dslt-ui-"))
    desk = Desk(Inputs(inputs, folder, uploads, upload_bytes), output, spec or Spec())
    try:
        server = Server(desk, host, port, names)
    except BaseException:
        desk.close()
        desk.inputs.close()
        raise
    server.start()
    return server


def show(*inputs: str, height: int = HEIGHT, **options: Any) -> Server:
    """Starts the page and shows it in the notebook that calls this.

    Args:
      inputs: as of `start`; without any, a video is uploaded in the page.
      height: in pixels.
      options: of `start`.

    Returns:
      the server: `close` ends it.

    Raises:
      OSError: as `start`; RuntimeError: this is no notebook.
    """
    try:
        from IPython import display
    except ImportError:
        raise RuntimeError("show is for notebooks: elsewhere run dslt ui") from None
    try:
        from google.colab import output as colab
    except ImportError:
        server = start(inputs, **options)
        display.display(display.IFrame(server.address, "100%", height))
        return server
    server = start(inputs, **{"names": ("*",), **options})  # Colab's proxy; the token is enough
    path = "/#" + urllib.parse.urlsplit(server.address).fragment
    colab.serve_kernel_port_as_iframe(server.server_address[1], path=path, height=str(height))
    return server
