"""The benchmarks by name: `load("otb100", root)` returns a lazy list of sequences."""

import importlib
from pathlib import Path

from dslt_jax.benchmarks.datasets.base import Dataset, DatasetError, Sequence

__all__ = ["LAYOUTS", "Dataset", "DatasetError", "Sequence", "load"]

# name -> (module that reads its layout, what it is)
LAYOUTS = {
    "otb": ("otb", "any folder in OTB layout"),
    "otb100": ("otb", "OTB-2015, 100 targets"),
    "otb50": ("otb", "the hard half of OTB-2015, 50 targets"),
    "otb2013": ("otb", "OTB-2013, 51 targets"),
    "tc128": ("tc128", "Temple-Color-128, 129 targets"),
    "uav123": ("uav", "UAV123, 123 targets"),
    "uav20l": ("uav", "UAV20L, 20 long targets"),
    "vot": ("vot", "any folder in VOT layout"),
    "vot2016": ("vot", "VOT-2016, 60 sequences"),
    "vot2017": ("vot", "VOT-2017, 60 sequences"),
    "vot2018": ("vot", "VOT-2018, those of 2017"),
    "vot2019": ("vot", "VOT-2019, 60 sequences"),
    "lasot": ("lasot", "LaSOT layout"),
    "got10k": ("got10k", "GOT-10k layout, train or val"),
    "generic": ("generic", "a folder of folders with images and a text file of boxes"),
}


def load(name: str, root: str | Path | None, annotations: str | Path | None = None) -> Dataset:
    """Returns the benchmark `name` found in `root`.

    Args:
        name: one of LAYOUTS.
        root: the folder of the benchmark, or None to work with annotations alone.
        annotations: a folder of annotation files in place of those in the root.

    Raises:
        DatasetError: no such name, or no sequences there; a single sequence's faults are raised
            when it is read.
    """
    if name not in LAYOUTS:
        raise DatasetError(f"there is no dataset '{name}': choose one of {', '.join(LAYOUTS)}")
    if root is None and annotations is None:
        raise DatasetError(f"{name} needs a root with its sequences, or a folder of annotations")
    module = importlib.import_module(f"dslt_jax.benchmarks.datasets.{LAYOUTS[name][0]}")
    dataset = module.load(name, root, annotations)
    if not dataset.names:  # an empty list of them
        raise DatasetError(f"{name} has no sequence in {annotations or root}: its list is empty")
    return dataset
