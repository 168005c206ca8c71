"""The TraX protocol, for clients in other environments and languages (extra `vot`).

`dslt vot trax` answers a client on its standard input and output. The vot-toolkit is one, with
`protocol = trax`, which `dslt vot init --protocol trax` writes: the tracker then runs in an
environment of its own. Polygons and masks reach it as boxes, since it asks for boxes.
"""

from typing import Any

import numpy as np

from dslt_jax.adapters.single import rgb
from dslt_jax.adapters.targets import Files, Found, Targets
from dslt_jax.app.spec import Spec

try:
    import trax
    from trax.image import FileImage, Image, MemoryImage
    from trax.region import Rectangle, Region
    from trax.server import Server
except ImportError as error:
    raise ImportError("TraX needs its library: pip install 'dslt-jax[vot]'") from error


STEPS = (trax.TraxStatus.INITIALIZE, trax.TraxStatus.FRAME)


def serve(spec: Spec) -> None:
    """Answers a client until it ends the session; what is needed is compiled before the handshake.

    Raises:
      ValueError: what came is no picture, or its region does not lie in it; the client is told.
      ConnectionError: there is no client, or it went away.
    """
    targets, files = Targets(spec), Files()
    try:
        server = Server(
            [Region.RECTANGLE],
            [Image.PATH, Image.MEMORY],
            tracker_name=f"dslt-{spec.preset}",
            tracker_description="deep regression tracking with shrinkage loss",
            multiobject=True,
        )
        while (request := server.wait()).type in STEPS:
            boxes = [region.bounds() for region, _ in request.objects or ()]
            try:
                first = request.type == trax.TraxStatus.INITIALIZE
                image = _picture(request.image, files, first)
                found = targets.start(image, boxes) if first else targets.follow(image, boxes)
            except ValueError as error:
                server.quit(str(error))
                raise
            server.status([_told(one) for one in found])
        server.quit()
    except trax.TraxException as error:
        raise ConnectionError(f"no TraX client answers: {error}") from None


def _picture(channels: dict[str, Any], files: Files, first: bool) -> np.ndarray:
    """The colour channel (H, W, 3) uint8 RGB."""
    image = channels.get("color", next(iter(channels.values())))
    if isinstance(image, FileImage):
        return files.read(image.path(), first=first)
    assert isinstance(image, MemoryImage)
    return rgb(image.array())


def _told(found: Found) -> tuple[Any, dict[str, float]]:
    return Rectangle.create(*found.box), {"confidence": found.confidence}
