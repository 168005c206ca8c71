"""A tracker's network as ONNX, by jax2onnx, for programs that bring their own head.

The crop goes in, the maps that `backbone.layers` names come out. The rest of a tracker learns, and
has complex numbers and loops whose length is found out meanwhile: it stays StableHLO.
"""

from pathlib import Path

import jax.numpy as jnp
import numpy as np

from dslt_jax import backbones
from dslt_jax.backbones import winograd
from dslt_jax.export.folder import ExportError
from dslt_jax.types import Params, Tracker

INPUT = "crop"  # (1, size, size, 3) float32 RGB, 0..255
NAME = "network.onnx"
TOLERANCE = 1e-4  # of the largest number of a map


def write(path: Path, tracker: Tracker, params: Params) -> str:
    """Writes the network with its weights, and has ONNX Runtime compute the same maps by it.

    Args:
      path: the folder, which is there.
      tracker: its backbone, and the size of the crop.
      params: of `load_params`.

    Returns:
      the file's name.

    Raises:
      ExportError: the tracker has no network, jax2onnx is not installed or cannot convert it, or
        the maps are others.
    """
    backbone = tracker.backbone
    if backbone is None:
        raise ExportError("this tracker has no network: there is nothing for ONNX")
    try:
        from jax2onnx import to_onnx
        from onnxruntime import InferenceSession  # which jax2onnx brings
    except ImportError:
        raise ExportError("ONNX needs jax2onnx: pip install 'dslt-jax[onnx]'") from None
    size = tracker.first_look(jnp.array([0.0, 0.0, 64.0, 64.0])).size
    # Without what makes it fast under XLA: ONNX Runtime has its own ways.
    params = {name: np.asarray(value) for name, value in winograd.plain(params).items()}
    names = [layer.name for layer in backbone.layers]

    def network(crop):
        return backbones.apply(backbone, params, crop)

    crop = np.random.default_rng(0).uniform(0, 255, (1, size, size, 3)).astype(np.float32)
    try:
        model = to_onnx(
            network, [crop.shape], model_name=backbone.name, input_names=[INPUT], output_names=names
        )
        data = model.SerializeToString()
        session = InferenceSession(data, providers=["CPUExecutionProvider"])
        found = session.run(names, {INPUT: crop})
    except Exception as error:  # a converter raises anything
        raise ExportError(f"jax2onnx cannot convert {backbone.name}: {error}") from error
    for name, ours, theirs in zip(names, network(crop), found, strict=True):
        apart = float(np.abs(np.asarray(ours) - theirs).max() / np.abs(theirs).max())
        if not apart < TOLERANCE:
            raise ExportError(
                f"as ONNX {backbone.name}'s {name} differs by {apart:.1g} of its size"
            )
    try:
        (path / NAME).write_bytes(data)
    except OSError as error:
        raise ExportError(f"cannot write {path / NAME}: {error.strerror}") from None
    return NAME
