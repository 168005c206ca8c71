"""Flags that several commands share: which tracker, with which settings."""

import os

from absl import flags

from dslt_jax import presets, runtime
from dslt_jax.app.spec import Spec
from dslt_jax.cli import paths
from dslt_jax.cli.main import UserError
from dslt_jax.types import Tracker


def define_tracker_flags(values: flags.FlagValues) -> None:
    """Adds --preset, --set, --weights, --seed and --keep_compiled to a command's flags."""
    flags.DEFINE_string(
        "preset",
        "compact",
        f"which tracker: {', '.join(presets.PRESETS)}",
        flag_values=values,
    )
    flags.DEFINE_alias("tracker", "preset", flag_values=values)
    flags.DEFINE_multi_string(
        "set",
        [],
        "a setting to change, e.g. --set loss=l2; as often as need be",
        flag_values=values,
    )
    paths.define(
        "weights",
        None,
        "a file of the backbone's weights; otherwise the embedded or fetched ones",
        values,
    )
    flags.DEFINE_integer(
        "seed",
        0,
        "seed of every random choice, of 32 bits",
        lower_bound=0,
        upper_bound=2**32 - 1,
        flag_values=values,
    )
    flags.DEFINE_boolean(
        "keep_compiled",
        True,
        "keep compiled programs in $DSLT_CACHE/compiled, for the next run to start at once",
        flag_values=values,
    )


def check_device() -> None:
    """Starts JAX on the platform that it is to use; raises UserError where that is not there."""
    try:
        runtime.check()
    except RuntimeError as error:
        raise UserError(str(error)) from None


def tracker_from_flags(values: flags.FlagValues) -> tuple[Spec, Tracker]:
    """Returns the preset with the --set overrides; raises UserError with the choices."""
    settings = values["set"].value or []
    for setting in settings:
        name, _, value = setting.partition("=")
        if name.strip() == "seed":
            raise UserError(f"the seed is no setting any more: --seed {value.strip()}")
    weights = values.weights and os.path.abspath(values.weights)
    spec = Spec(values.preset, tuple(settings), weights, values.seed)
    try:
        return spec, spec.tracker()
    except ValueError as error:
        raise UserError(str(error)) from None
