"""Trackers inside a `shard_map` with its checks on; the programs are traced only, which is fast."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small
from jax.sharding import PartitionSpec as P

import dslt_jax as dslt
from dslt_jax import multi_target

FRAMES, TRUTH = small.clip(2)


def params_of(tracker):
    networks = getattr(tracker, "networks", (tracker.backbone,))
    shapes = {k: v for net in networks if net for k, v in net.param_shapes().items()}
    return {name: jax.ShapeDtypeStruct(shape, jnp.float32) for name, shape in shapes.items()}


def spread(function, *arguments):
    """What comes of a function whose first argument is spread over two devices."""
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:2]), ("devices",))
    specs = (P("devices"), *[P()] * (len(arguments) - 1))
    mapped = jax.shard_map(function, mesh=mesh, in_specs=specs, out_specs=P("devices"))
    return jax.eval_shape(mapped, *arguments)


def follow(tracker, params, box, key=None):
    state = dslt.init(tracker, params, FRAMES[0], box, key=key)
    return dslt.step(tracker, params, state, FRAMES[1])[1].box


def zeros_vary():
    """Whether zeros made like an array that varies from device to device do so too."""
    made = []
    spread(lambda x: made.append(multi_target.is_varying(jnp.zeros_like(x))) or x, jnp.zeros(2))
    return made[0]


newer = pytest.mark.skipif(not zeros_vary(), reason="it takes a newer JAX, whose zeros vary too")


@newer
@pytest.mark.parametrize("name", ["mosse", "dsst", "fdsst", "staple", "strcf", "eco_hc", "fcnt"])
def test_targets_over_devices(name):
    tracker = dslt.presets.by_name(name)
    boxes = np.repeat(TRUTH[:1], 4, axis=0)
    run = functools.partial(follow, dslt.many(tracker))
    assert spread(lambda b, p: run(p, b), boxes, params_of(tracker)).shape == (4, 4)


@newer
@pytest.mark.parametrize("name", ["mosse", "kcf", "staple", "srdcf", "crest"])
def test_settings_over_devices(name):
    tracker = dslt.presets.by_name(name)
    swept = jax.tree.map(lambda x: jnp.full(4, x, jnp.float32), tracker)
    run = jax.vmap(lambda t, p: follow(t, p, TRUTH[0]), in_axes=(0, None))
    assert spread(run, swept, params_of(tracker)).shape == (4, 4)


@newer
def test_seeds_over_devices():
    keys = jax.random.split(jax.random.key(0), 4)
    run = jax.vmap(lambda key: follow(dslt.presets.mosse(), {}, TRUTH[0], key))
    assert spread(run, keys).shape == (4, 4)


def test_alike_changes_no_number():
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:2]), ("devices",))
    given = {"x": jnp.arange(3.0), "key": jax.random.key(1), "flag": jnp.array([True, False])}
    assert multi_target.alike(given, given) is given
    numbers = jnp.array([jnp.nan, 0.0])
    run = jax.shard_map(
        lambda x: multi_target.alike(given | {"key": jnp.zeros(2)}, x),
        mesh=mesh,
        in_specs=P("devices"),
        out_specs=P("devices"),
    )
    found = run(numbers)
    np.testing.assert_array_equal(found["x"], np.tile(np.arange(3.0), 2))
    np.testing.assert_array_equal(found["flag"], [True, False, True, False])
