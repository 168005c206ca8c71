"""The benchmarks' own lists of sequences, kept as text in `benchmarks/data`."""

import functools
from importlib import resources
from typing import NamedTuple


class OtbEntry(NamedTuple):
    """One OTB target: subset digits (3: OTB-2013, 5: OTB-50), its frames, its attributes."""

    name: str
    subsets: str
    first: int
    last: int
    attributes: tuple[str, ...]


class UavEntry(NamedTuple):
    """One UAV123 target: the folder of its images and the range of its frames there."""

    name: str
    folder: str
    first: int
    last: int


def rows(file: str) -> list[list[str]]:
    """Returns the words of each line of a list in `benchmarks/data`, without its comments."""
    data = resources.files("dslt_jax.benchmarks").joinpath("data", file)
    text = data.read_text(encoding="utf-8")
    return [line.split() for line in text.splitlines() if line and not line.startswith("#")]


@functools.cache
def otb() -> dict[str, OtbEntry]:
    """Returns the 100 targets of OTB-100 by name."""
    return {
        name: OtbEntry(name, subsets, int(first), int(last), tuple(attributes.split(",")))
        for name, subsets, first, last, attributes in rows("otb100.txt")
    }


@functools.cache
def otb_names(subset: str) -> tuple[str, ...]:
    """Returns the names of otb100, otb2013 (51 targets) or otb50."""
    digit = {"otb100": "", "otb2013": "3", "otb50": "5"}[subset]
    return tuple(entry.name for entry in otb().values() if digit in entry.subsets)


@functools.cache
def uav(subset: str) -> dict[str, UavEntry]:
    """Returns the targets of uav123 (123) or uav20l (20) by name."""
    return {
        name: UavEntry(name, folder, int(first), int(last))
        for name, folder, first, last in rows(f"{subset}.txt")
    }


@functools.cache
def tc128() -> tuple[str, ...]:
    """Returns the names of the 129 targets of Temple-Color-128."""
    return tuple(name for (name,) in rows("tc128.txt"))
