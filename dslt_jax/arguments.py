"""What the tracking functions accept: frames, boxes, params, checked before any work is done.

What cannot be mistaken is converted: lists, Pillow images, tensors, whatever NumPy takes. All else
is a ValueError that says what came and what to do. Inside a jit only shapes and dtypes are known.
"""

import functools
import os
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dslt_jax import backbones, runtime
from dslt_jax.arrays import check_pixels, random_key, to_array, to_device, to_pixels


def check_frame(frame: Any, targets: int | None = None) -> jax.Array:
    """Returns a frame (H, W, 3) uint8; with `targets` also (targets, H, W, 3), a frame for each."""
    array = to_pixels("frame", frame)
    each = targets is not None and array.ndim == 4
    check_pixels("frame", "(H, W, 3) uint8 RGB", frame, array, int(each))
    if each and array.shape[0] != targets:
        raise ValueError(
            f"frame is {len(array)} frames for {targets} targets: one, or one a target"
        )
    return to_device(array)


def check_frames(frames: Any, each: str = "") -> Any:
    """Returns a clip, an array (N, H, W, 3) uint8, N >= 1; of five axes where `each` names them."""
    array = to_pixels("frames", frames)
    need = f"(N, H, W, 3){each and f' or {each}'}, N >= 1, uint8 RGB"
    check_pixels("frames", need, frames, array, 2 if each and array.ndim == 5 else 1)
    return array


def check_boxes(boxes: Any, ndim: int | None) -> Any:
    """Returns the numbers of a box (4,) or of several (N, 4) as an array.

    Args:
      ndim: 1 for one, 2 for several, None for either, which then is (N, 4).
    """
    name = "box" if ndim == 1 else "boxes"
    array = to_array(name, boxes)
    if ndim is None and array.ndim == 1:
        array = array[None]
    if array.ndim != (ndim or 2) or array.shape[-1] != 4 or not array.shape[0]:
        expected, hint = "(4,)" if ndim == 1 else "(N, 4), N >= 1", ""
        if ndim == 1 and array.ndim == 2:
            hint = "; several targets take `many(tracker)`, one target is box[0]"
        elif array.shape == (4,):
            hint = f"; of one target {name}[None]"
        raise ValueError(f"{name} must be {expected}: x, y, w, h; got shape {array.shape}{hint}")
    if not jnp.issubdtype(array.dtype, jnp.integer) and not jnp.issubdtype(
        array.dtype, jnp.floating
    ):
        cure = f": np.asarray({name}).astype(float)" if array.dtype.kind in "OSU" else ""
        raise ValueError(f"{name} must be the numbers x, y, w, h, got {array.dtype}{cure}")
    return array


def check_inside(boxes: Any, frame: jax.Array) -> jax.Array:
    """Returns boxes as float32, checked to be what can be tracked in a frame; not inside a jit."""
    if not isinstance(boxes, jax.core.Tracer):
        height, width = frame.shape[-3:-1]
        for i, box in enumerate(np.asarray(boxes, np.float64).reshape(-1, 4)):
            x, y, w, h = box
            where = "box" if boxes.ndim == 1 else f"boxes[{i}]"
            where += f" x={x:g}, y={y:g}, w={w:g}, h={h:g}"
            if not np.isfinite(box).all():
                raise ValueError(f"{where} must be finite numbers")
            if w <= 1 or h <= 1:
                raise ValueError(f"{where} must be more than one pixel wide and high")
            if x >= width or y >= height or x + w <= 0 or y + h <= 0:
                raise ValueError(f"{where} lies outside the {width} x {height} frame")
            if w > width or h > height:
                raise ValueError(f"{where} is larger than the {width} x {height} frame")
    if isinstance(boxes, jax.Array):
        return boxes.astype(jnp.float32)
    return to_device(np.asarray(boxes, np.float32))


def least_side(tracker: Any) -> float:
    """Returns the shortest side of a box, in pixels, that a tracker is to be given."""
    for part in (tracker, getattr(tracker, "region", None)):
        if (side := getattr(part, "min_side", None)) is not None:
            return float(side)
    return 2.0  # `check_inside` asks for more than 1


def check_key(key: Any) -> jax.Array:
    """Returns the key of random choices; None is `jax.random.key(0)`."""
    if key is None:
        return random_key(0)
    dtype, shape = getattr(key, "dtype", None), getattr(key, "shape", None)
    typed = dtype is not None and jax.dtypes.issubdtype(dtype, jax.dtypes.prng_key)
    if typed and shape == ():
        return key
    if dtype == np.uint32 and len(shape or ()) == 1:  # of jax.random.PRNGKey
        try:
            jax.random.wrap_key_data(key)
        except TypeError:
            raise ValueError(
                f"key has {shape[0]} numbers, those of JAX's default kind have others: "  # type: ignore[index]
                "jax.random.wrap_key_data(key, impl=...) says of which kind it is"
            ) from None
        return key
    if typed or (dtype == np.uint32 and shape):
        raise ValueError(f"key must be one key, got keys of shape {shape}: key[0] is one of them")
    whole = isinstance(key, int | np.integer) and not isinstance(key, bool)
    came = f"{key}" if whole else f"a {type(key).__name__}"
    raise ValueError(f"key must be one key, jax.random.key({key if whole else 0}), got {came}")


def require_tracker(tracker: Any, part: str = "first_look") -> None:
    """Raises ValueError unless it has a part that a tracker has, and that is asked of it."""
    if isinstance(tracker, str | type) or not hasattr(tracker, part):
        hint = ": call it" if callable(tracker) else ""
        raise ValueError(f"tracker must be e.g. dslt.presets.compact(), got {tracker!r}{hint}")


def networks_of(tracker: Any) -> tuple[Any, ...]:
    """Returns the networks whose weights a tracker needs, its backbone first; (None,) for none."""
    return tuple(getattr(tracker, "networks", (tracker.backbone,)))


def check_tracker(tracker: Any, params: Any) -> None:
    """Raises ValueError unless it is a tracker, and `params` have what its networks need."""
    runtime.check()
    require_tracker(tracker)
    networks = networks_of(tracker)
    needed = _needed(networks)
    if networks == (None,) and isinstance(params, str | os.PathLike):
        raise ValueError(
            f"params is the path '{params}', this tracker has no network: give it {{}}"
        )
    if not needed or (isinstance(params, Mapping) and needed <= params.keys()):
        return
    load = "dslt.load_params(tracker)"
    if isinstance(params, str | os.PathLike):
        came, load = f"params is the path '{params}'", f"dslt.load_params(tracker, '{params}')"
    elif not isinstance(params, Mapping):
        came = "params is None" if params is None else f"params is a {type(params).__name__}"
    else:
        came = _what_params(params, networks, needed)
    wanted = " and ".join(f"{network.name}'s" for network in networks)
    raise ValueError(f"{came}, the tracker needs {wanted}: {load}")


def check_leaves(tracker: Any) -> None:
    """Raises ValueError where a part of the caller's own is nothing that JAX compiles.

    Checked once, at the start.
    """
    for path, leaf in jax.tree_util.tree_leaves_with_path(tracker):
        if not hasattr(leaf, "dtype") and not isinstance(leaf, int | float | complex):
            name = jax.tree_util.keystr(path, simple=True, separator=".")
            raise ValueError(
                f"{name} is a {type(leaf).__name__}, which is no pytree: derive its class from "
                "dslt_jax.parts.Part, or decorate it with jax.tree_util.register_static"
            )


def check_params(tracker: Any, params: Any) -> None:
    """Raises ValueError where arrays have their network's names and not its shapes, or dtype.

    Checked once, at the start: `compact`'s weights have all the names that `fast`'s have.
    """
    for network in _known(networks_of(tracker)):
        for name, shape in network.param_shapes().items():
            if np.shape(params[name]) != tuple(shape):
                raise ValueError(
                    f"params are of another network than {network.name}: {name} is "
                    f"{np.shape(params[name])}, not {tuple(shape)}: dslt.load_params(tracker)"
                )
            dtype = getattr(params[name], "dtype", type(params[name]).__name__)
            # What JAX makes of it: without jax_enable_x64 NumPy's float64 is float32.
            kind = isinstance(dtype, np.dtype) and jax.dtypes.canonicalize_dtype(dtype)
            if kind != np.float32:
                raise ValueError(
                    f"params must be float32 arrays, {name} is {dtype}: "
                    "{k: np.asarray(v, 'float32') for k, v in params.items()}"
                )


def _what_params(params: Mapping, networks: tuple[Any, ...], needed: frozenset[str]) -> str:
    if not params:
        return "params are empty"
    known = {name: params.keys() & _needed((net,)) for name, net in backbones.TABLE.items()}
    owner = max(known, key=lambda name: len(known[name]))
    if not known[owner]:
        return f"params have {', '.join(map(str, list(params)[:3]))}"
    if owner not in [network.name for network in networks]:
        return f"params are {owner}'s"
    missing = sorted(needed - params.keys())
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return f"params lack {', '.join(missing[:3])}{more}"


@functools.lru_cache(maxsize=64)
def _needed(networks: tuple[Any, ...]) -> frozenset[str]:
    """The names that networks need; none where the params are the caller's own."""
    return frozenset().union(*(net.param_shapes() for net in _known(networks)))


def _known(networks: tuple[Any, ...]) -> list[Any]:
    """The networks that are ours; the params of others are the caller's own."""
    return [net for net in networks if getattr(net, "name", None) in backbones.NAMES]
