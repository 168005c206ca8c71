"""The README's Python is run as it stands, on a small clip, with the embedded weights."""

import pathlib
import re

import numpy as np
import pytest

from dslt_jax.media import synthetic

README = pathlib.Path(__file__).parents[1] / "README.md"


@pytest.mark.slow
def test_every_python_block_runs(capsys):
    pytest.importorskip("flax.linen")
    source = synthetic.beetle_clip(4, 320, 240)
    clip = np.stack([np.asarray(frame.image) for frame in source.source])
    # Side by side, so that the README's network finds a crop as large as it takes.
    clip = np.concatenate([clip, clip], axis=2)
    names = {"clip": clip, "frame": clip[0], "frames": clip[1:], "box": source.boxes[0]}
    names["boxes"] = np.stack([source.boxes[0], [50, 50, 40, 40]])
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)
    assert len(blocks) >= 3
    for block in blocks:
        names["frame"] = clip[0]
        exec(compile(block, "README.md", "exec"), names)
    assert np.isfinite(names["swept"]).all() and np.unique(names["swept"]).size == 3
    assert np.isfinite(names["slope"])
    assert np.isfinite(names["outs"].box).all() and names["outs"].box.shape == (2, 4)
    assert "False" in capsys.readouterr().out  # not lost
