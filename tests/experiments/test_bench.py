"""The benchmark of a step, on a tiny configuration, as a person would start it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

import dslt_jax as dslt
from dslt_jax import presets, settings
from dslt_jax.backbones import compact
from dslt_jax.media import synthetic

SPEED = Path(__file__).parents[2] / "experiments" / "speed"
SMALL = ["target_size=32", "search_size=96", "channels=8", "kernel_size=8"]
STEPS = ["init_steps=3", "augment=false"]


def bench(*arguments, script="bench_step.py"):
    command = [sys.executable, SPEED / script, *arguments]
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.slow
def test_prints_and_writes_every_stage(tmp_path):
    changes = [f"--set={text}" for text in SMALL + STEPS]
    done = bench(
        "--preset=compact", "--repeat=1", "--notwin", f"--json={tmp_path / 'b.json'}", *changes
    )
    assert done.returncode == 0, done.stderr
    everything = json.loads((tmp_path / "b.json").read_text())
    (result,) = everything["presets"]
    rows = result["stages"]
    for name, row in rows.items():
        assert name in done.stdout
        assert 0 < row["min_ms"] <= row["median_ms"] and row["gflop"] > 0
    whole = rows.pop("whole step")
    assert whole["gflop"] == pytest.approx(sum(row["gflop"] for row in rows.values()))
    # The network's convolutions by hand, at stride 1 / (2, 4, 8, 16), for one 96 x 96 crop.
    area = {1: 48**2, 2: 24**2, 3: 12**2, 4: 6**2}
    multiply = sum(
        9 * inputs * outputs * area[int(name[5])]
        for name, (inputs, outputs, _) in compact.Compact().blocks().items()
    )
    multiply += 96 * 64 * area[3] + 192 * 96 * area[4]
    assert rows["backbone, search"]["gflop"] == pytest.approx(2e-9 * multiply, rel=0.25)
    assert result["cycle"] == 2 and result["mean_step"]["min_ms"] > 0
    assert "mean of 2 frames" in done.stdout and "carrying the settings" in done.stdout
    assert set(everything["carrying_ms"]) == {"constants", "arguments", "drivers"}
    assert 0 < result["share_outside_backbone"] < 1
    assert result["peak_memory_bytes"] > 1e8
    assert result["compile_seconds"]["init"] > 0 and result["compile_seconds"]["step"] > 0


@pytest.mark.slow
def test_speed_of_the_whole_tracker_and_of_several_targets(tmp_path):
    changes = [f"--set={text}" for text in SMALL + STEPS]
    done = bench(
        "--sizes=200x160", "--targets=1,2", "--repeat=1", "--frames=3",
        f"--json={tmp_path / 'b.json'}", *changes, script="bench_tracker.py"
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "b.json").read_text())
    (size,) = result["sizes"]
    assert 0 < size["min_ms"]["ours"] <= size["median_ms"]["ours"]
    rates, times = result["targets"]["targets_per_second"], result["targets"]["mean_ms"]
    assert min(result["targets"]["teaching_ms"].values()) > 0
    assert rates["2"] == pytest.approx(2e3 / times["2"])
    assert f"{rates['2'] / rates['1']:.2f}" in done.stdout
    assert ("csrt" in size["median_ms"]) == ("no CSRT" not in done.stdout)


def test_a_tracker_without_a_network_has_stages_too():
    import stages
    import timing

    tracker = timing.busy_tracker("mosse", [])
    source, params = timing.load(tracker)
    assert (source, params) == ("no weights", {})
    frames, box = timing.scene(1, 2)
    state = dslt.init(tracker, params, frames[0], box)
    table = stages.of_step(tracker, params, state, frames[1], 1)
    assert list(table)[:2] == ["crop", "locate"] and list(table)[-2:] == ["measure", "learn"]
    assert all(stage.flop() > 0 for stage in table.values())
    new, _ = table["learn"]()
    assert jax.tree.structure(new) == jax.tree.structure(state)


def test_a_wrong_setting_is_named():
    done = bench("--preset=compakt")
    assert done.returncode != 0
    assert "there is no preset 'compakt'" in done.stdout + done.stderr


@pytest.mark.slow
def test_the_twin_in_torch_gives_our_numbers(monkeypatch):
    pytest.importorskip("torch", reason="the twin needs PyTorch")
    import compare_twin
    import torch_twin

    torch_twin.torch.set_num_threads(1)
    always = ["lost_confidence=-1e9", "update_confidence=-1e9"]
    changes = ["size_search=scales", "scale_size=64", "weight_decay=1e-3", "update_lr_deep=1e-3"]
    tracker = settings.override(presets.compact(), [*SMALL, *STEPS, *changes, *always])
    tracker = compare_twin.twinned(tracker)
    params = compact.Compact().init(jax.random.key(0))
    clip = synthetic.beetle_clip(60, 320, 240)
    frames = [frame.image for frame, _ in zip(clip.source, range(4), strict=False)]
    assert compare_twin.largest_difference(tracker, params, frames, clip.boxes[0], 3) < 1e-3
    wrong = params | {"deep/b": params["deep/b"] + 1.0}
    twin = torch_twin.Twin
    monkeypatch.setattr(torch_twin, "Twin", lambda t, p, s: twin(t, wrong, s))
    with pytest.raises(ValueError, match="the twin's response differs"):
        compare_twin.largest_difference(tracker, params, frames, clip.boxes[0], 2)
