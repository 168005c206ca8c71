"""Flags that several commands share: which tracker, with which settings."""

from absl import flags

from dslt_jax import config as config_lib
from dslt_jax import presets
from dslt_jax.cli.main import UserError


def define_tracker_flags(values: flags.FlagValues) -> None:
    """Adds --preset, --set, --weights and --seed to a command's flags."""
    flags.DEFINE_string(
        "preset",
        "compact",
        f"which tracker: {', '.join(presets.PRESETS)}",
        flag_values=values,
    )
    flags.DEFINE_multi_string(
        "set",
        [],
        "a setting to change, e.g. --set scale_step=1.01",
        flag_values=values,
    )
    flags.DEFINE_string(
        "weights",
        None,
        "backbone weights, .safetensors or .npz; otherwise the embedded or fetched ones",
        flag_values=values,
    )
    flags.DEFINE_integer("seed", None, "seed of every random choice", flag_values=values)


def config_from_flags(values: flags.FlagValues) -> config_lib.TrackerConfig:
    """Returns the preset with the --set overrides; raises UserError with the choices."""
    try:
        config = presets.by_name(values.preset)
        settings = list(values["set"].value or [])
        if values.seed is not None:
            settings.append(f"seed={values.seed}")
        return config_lib.override(config, settings)
    except ValueError as error:
        raise UserError(str(error)) from None
