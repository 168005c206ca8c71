"""What things are called in a report."""

DATASETS = {
    "otb100": "OTB-100",
    "otb50": "OTB-50",
    "otb2013": "OTB-2013",
    "otb": "OTB",
    "tc128": "Temple-Color-128",
    "uav123": "UAV123",
    "uav20l": "UAV20L",
    "vot2016": "VOT-2016",
    "vot2017": "VOT-2017",
    "vot2018": "VOT-2018",
    "vot2019": "VOT-2019",
    "vot": "VOT",
    "lasot": "LaSOT",
    "got10k": "GOT-10k",
}
ATTRIBUTES = {
    "IV": "illumination variation",
    "SV": "scale variation",
    "OCC": "occlusion",
    "DEF": "deformation",
    "MB": "motion blur",
    "FM": "fast motion",
    "IPR": "in-plane rotation",
    "OPR": "out-of-plane rotation",
    "OV": "out of view",
    "BC": "background clutter",
    "LR": "low resolution",
    "ARC": "aspect ratio change",
    "FOC": "full occlusion",
    "POC": "partial occlusion",
    "VC": "viewpoint change",
    "CM": "camera motion",
    "SOB": "similar object",
    "ROT": "rotation",
}
PROTOCOLS = {
    "ope": "one pass (OPE)",
    "tre": "temporal robustness (TRE)",
    "sre": "spatial robustness (SRE)",
    "supervised": "with resets",
    "unsupervised": "one pass without resets",
    "realtime": "real time",
}
# Told apart on white and on black, in colour and with dashes where there are more.
COLORS = (
    "#d6404e",
    "#2b8bd3",
    "#2f9e62",
    "#a266cf",
    "#c9791c",
    "#149ba3",
    "#d24f8f",
    "#8a7238",
    "#6c7b90",
    "#7d9a22",
    "#5a57e0",
    "#b35a45",
)
DASHES = ("", "7 3", "2 3")


def color(index: int) -> str:
    """Returns the colour of the tracker at a position."""
    return COLORS[index % len(COLORS)]


def dash(index: int) -> str:
    """Returns the SVG dash pattern of the tracker at a position, empty for a solid line."""
    return DASHES[index // len(COLORS) % len(DASHES)]


def dataset(name: str) -> str:
    """Returns a benchmark's usual name."""
    return DATASETS.get(name, name)


def protocol(name: str) -> str:
    """Returns how trackers were run, in words."""
    return PROTOCOLS.get(name, name)


def attribute(code: str) -> str:
    """Returns what an attribute's code means."""
    return ATTRIBUTES.get(code, code.replace("_", " "))
