"""Fetches, imports and lists network weights.

  dslt weights fetch googlenet          download BVLC GoogLeNet (54 MB) into the cache
  dslt weights fetch vgg16              download Oxford VGG-16 (553 MB), resumed where it broke
  dslt weights import FILE              convert .caffemodel, .mat, .h5, .pth, .npz or .safetensors
  dslt weights list                     what is embedded and cached, verified by digests

The cache is $DSLT_CACHE, otherwise ~/.cache/dslt_jax.
"""

from absl import flags

from dslt_jax import backbones
from dslt_jax.cli import paths
from dslt_jax.cli.main import UserError
from dslt_jax.weights import convert, fetch, sources, store

FLAGS = flags.FlagValues()
flags.DEFINE_string(
    "url", None, "fetch: another address of the same published file", flag_values=FLAGS
)
flags.DEFINE_float(
    "timeout",
    30.0,
    "fetch: seconds without a byte before trying again",
    lower_bound=0.1,
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "force", False, "fetch: replace weights that were imported before", flag_values=FLAGS
)
flags.DEFINE_enum(
    "backbone",
    None,
    [name for name in backbones.NAMES if name in sources.SOURCES],
    "import: the network that FILE must be for; otherwise any",
    flag_values=FLAGS,
)
flags.DEFINE_enum(
    "preprocessing",
    None,
    list(convert.PREPROCESSING),
    "import: how VGG-16's images were normalised, where the file does not say",
    flag_values=FLAGS,
)

_USAGE = "usage: dslt weights fetch NAME | import FILE | list (see `dslt weights --help`)"


def main(values: flags.FlagValues, arguments: list[str]) -> int:
    """Runs fetch, import or list; returns the exit status."""
    try:
        match arguments:
            case ["fetch", name]:
                return _fetch(name, values)
            case ["import", file]:
                file = paths.local(file)
                stored, note = store.install(file, values.backbone, values.preprocessing)
                print(f"{file} is now {stored}")
                print(f"note: {note}" if note else "verified: every digest agrees")
                return 0
            case ["list"]:
                return _list()
    except store.WeightsError as error:
        raise UserError(str(error)) from None
    raise UserError(_USAGE)


def _fetch(name: str, values: flags.FlagValues) -> int:
    known = {entry.backbone: entry for entry in store.installed()}.get(name)
    if known and known.size is not None and not values.force:
        if name in store.EMBEDDED:
            print(f"{name}'s weights are part of the package: there is nothing to fetch")
            return 0
        if known.state.startswith("verified"):
            print(f"{known.path} is there already, {known.state}")
            return 0
        raise UserError(f"{known.path} holds other weights ({known.state}); --force replaces them")
    print(f"{name}'s weights are now {fetch.fetch(name, url=values.url, timeout=values.timeout)}")
    return 0


def _list() -> int:
    for entry in store.installed():
        size = "" if entry.size is None else f"{entry.path}, {entry.size / 1e6:.1f} MB, "
        print(f"{entry.backbone:<10} {size}{entry.state}")
    return 0
