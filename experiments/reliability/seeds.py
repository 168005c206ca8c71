"""Valid inputs of every reader, small, from which `fuzz.py` makes hostile ones.

An input is a folder, {path in it: content}. What the package writes is written by the package, the
rest by the helpers of its tests. Each function raises ImportError where a package is missing.
"""

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from bombs import Tree
from PIL import Image

from dslt_jax.benchmarks import datasets, execute, results, runs, trajectory
from dslt_jax.boxes import to_polygons

sys.path.append(str(Path(__file__).parents[2] / "tests"))
sys.path.append(str(Path(__file__).parents[2] / "tests" / "benchmarks"))
sys.path.append(str(Path(__file__).parents[2] / "tests" / "media"))
import clips
import layouts
import weight_files

FRAMES = 5
BOXES = np.array([[5.0 + i, 6, 10, 12] for i in range(FRAMES)])  # 0-based
_RECT, _POLYGONS = BOXES + np.array([1, 1, 0, 0]), to_polygons(BOXES)
_MARKS = "0\n" * (FRAMES - 1) + "1\n"


def made(write: Callable[..., object], *arguments: object) -> Tree:
    """Returns the files that `write(folder, *arguments)` puts into a folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "KCF")
        folder.mkdir()
        write(folder, *arguments)
        paths = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def image() -> list[Tree]:
    draw = np.random.default_rng(0)
    colour = Image.fromarray(draw.integers(0, 256, (48, 64, 3), np.uint8))
    deep = Image.fromarray(draw.integers(0, 4096, (48, 64), np.uint16))
    turned = Image.Exif()
    turned[0x0112] = 6
    moving = {"save_all": True, "append_images": [colour.rotate(9)], "duration": 40}
    plain = [(suffix, colour, {}) for suffix in ("png", "jpg", "bmp", "ppm", "tga", "jp2")]
    kinds = [
        *plain,
        *((suffix, colour, moving) for suffix in ("png", "gif", "webp", "tif")),
        ("png", deep, {}),
        ("tif", deep, {}),
        ("tif", colour.convert("F"), {"compression": "tiff_lzw"}),
        ("png", colour.convert("P"), {"transparency": 3}),
        ("jpg", colour.convert("CMYK"), {"progressive": True, "exif": turned}),
    ]
    return [made(lambda at, s=s, i=i, o=o: i.save(at / f"a.{s}", **o)) for s, i, o in kinds]


def folder() -> list[Tree]:
    eight, sixteen = image()[0]["a.png"], image()[10]["a.png"]
    return [
        {"0001.png": eight, "0003.png": eight, "x.txt": b"no image", "a.mp4": b"no video"},
        {"1.png": sixteen, "2.png": sixteen, "10.png": eight},
    ]


def video() -> list[Tree]:
    codecs = {"mp4": "libx264", "mkv": "libx264", "ts": "mpeg2video", "avi": "mpeg4"}
    codecs |= {"webm": "libvpx-vp9", "h264": "libx264"}

    def write(place: Path, suffix: str, codec: str) -> None:
        clips.write_clip(place / f"a.{suffix}", FRAMES, noise=99, codec=codec)

    return [made(write, *names) for names in codecs.items()]


def boxes() -> list[Tree]:
    texts = (
        "20,12,16,14\n",
        "id,x1,y1,x2,y2\n1,20,12,36,26\n2,5,5,20,20\n",
        "x=20 y=12 w=16 h=14\n",
        "# a comment\ncar 20 12 16 14\nman 5 5 10 10\n",
        "10%,20%,15%,15% a\n[5, 5, 10, 10]\n",
        "20;12;16;14;1\n5;5;10;10;2\n",
    )
    return [{"boxes.txt": text.encode()} for text in texts]


def settings() -> list[Tree]:
    texts = (
        "loss.a=8\nonline.learner.rates.0=1e-4",
        "size=scales\nsize.crop=64\nonline.every=2",
        "fusion.channels=8\nkernel_size=8\nregion.search=128",
    )
    return [{"settings.txt": text.encode()} for text in texts]


# layout -> tables of boxes, folders of images, other texts
_LAYOUTS: dict[str, tuple[dict[str, np.ndarray], tuple[str, ...], dict[str, str]]] = {
    "otb": (
        {f"{name}.txt": _RECT for name in ("Own/groundtruth_rect", "Two/groundtruth_rect.2")},
        ("Own/img", "Two/img"),
        {"Own/attrs.txt": "OCC, SV\n"},
    ),
    "tc128": (
        {"Ball_ce1/Ball_ce1_gt.txt": _RECT},
        ("Ball_ce1/img",),
        {"Ball_ce1/Ball_ce1_frames.txt": f"1,{FRAMES}\n", "Ball_ce1/Ball_ce1_att.txt": "OCC,SV"},
    ),
    "uav123": (
        {"anno/UAV123/uav2.txt": _RECT},
        ("data_seq/UAV123/uav2",),
        {"anno/UAV123/att/uav2.txt": ",".join("01" * 6)},
    ),
    "vot": (
        {"one/groundtruth.txt": _POLYGONS, "two/groundtruth.txt": BOXES},
        ("one/color", "two"),
        {"list.txt": "one\ntwo\n", "one/occlusion.tag": _MARKS},
    ),
    "lasot": (
        {"bear/bear-2/groundtruth.txt": _RECT},
        ("bear/bear-2/img",),
        {"testing_set.txt": "bear-2\n", "bear/bear-2/out_of_view.txt": "0,0,0,0,1"},
    ),
    "got10k": (
        {"one/groundtruth.txt": BOXES},
        ("one",),
        {
            "list.txt": "one\n",
            "one/cover.label": _MARKS,
            "one/meta_info.ini": "resolution: (64, 48)",
        },
    ),
    "generic": (
        {"a/groundtruth.txt": BOXES, "b/boxes.txt": _POLYGONS},
        ("a", "b/frames"),
        {},
    ),
}
LAYOUTS = tuple(_LAYOUTS)


def truth(layout: str) -> list[Tree]:
    """Returns a benchmark of that layout, a few sequences of 5 frames."""
    tables, pictures, texts = _LAYOUTS[layout]

    def write(root: Path) -> None:
        for path, table in tables.items():
            layouts.text(root / path, table)
        for path in pictures:
            layouts.images(root / path, 1, FRAMES, digits=8)

    return [made(write) | {path: text.encode() for path, text in texts.items()}]


def own() -> datasets.Dataset:
    """Returns the benchmark that the results are of: one sequence, without images."""
    sequence = datasets.Sequence("Own", BOXES, tuple, origin=1.0, image_size=layouts.SIZE)
    return datasets.Dataset("otb", ("Own",), lambda name: sequence)


def kept() -> list[Tree]:
    """Returns folders of results on `own`, in every toolkit's format and as a table."""
    one = trajectory.from_regions(BOXES + 1, np.full(FRAMES, 0.01))
    reset = trajectory.from_regions(_POLYGONS)
    reset.codes[2], reset.codes[3] = trajectory.FAILURE, trajectory.UNKNOWN
    table = "frame,x,y,w,h\n" + "".join(f"{i},{6 + i},7,10,12\n" for i in range(FRAMES))
    kinds = [(form, "", one) for form in ("otb", "otb_mat", "got10k")]
    kinds += [("vot", "baseline", reset), ("vot", "unsupervised", one)]

    def write(place: Path, form: str, experiment: str, found: trajectory.Trajectory) -> None:
        results.write(place, own(), {"Own": [found]}, form, experiment)

    return [{"Own.csv": table.encode()}, *(made(write, *kind) for kind in kinds)]


def run() -> list[Tree]:
    """Returns folders of runs of `dslt benchmark` on `own`."""

    def write(place: Path, name: str) -> None:
        protocol, asked = execute.Protocol(name), {"dataset": "otb", "tracker": {"name": "mosse"}}
        plan = execute.starts(own()["Own"], protocol) if name == "tre" else []
        group = [trajectory.from_regions(BOXES[start.start :]) for start in plan]
        with runs.Run(place, protocol, asked, {"root": "data", "annotations": None}) as found:
            found.save(own()["Own"], group or [trajectory.from_regions(BOXES)])

    return [made(write, name) for name in ("ope", "tre", "unsupervised")]


def labels() -> list[Tree]:
    frames = "".join(f"{i},1,{5 + i},6,10,12,1,-1,-1,-1\n" for i in range(1, FRAMES))
    boxes = '<box frame="0" xtl="5" ytl="6" xbr="15" ybr="18"/>'
    boxes += '<box frame="3" outside="1" xtl="8" ytl="6" xbr="18" ybr="18"/>'
    size = "<original_size><width>64</width><height>48</height></original_size>"
    meta = f"<meta><task><name>a</name><size>{FRAMES}</size>{size}</task></meta>"
    video = f'<annotations>{meta}<track id="0" label="car">{boxes}</track></annotations>'
    return [{"mot.txt": frames.encode()}, {"a.xml": video.encode()}]


def weights(kind: str) -> list[Tree]:
    """Returns VGG-16's first layer in files of that kind."""
    arrays = weight_files.random_params({"conv1_1/w": (3, 3, 3, 64), "conv1_1/b": (64,)})
    file = io.BytesIO()
    match kind:
        case "npz":
            np.savez_compressed(file, **arrays)
        case "safetensors":
            from safetensors.numpy import save

            file.write(save(arrays, {"backbone": "vgg16"}))
        case "pth":
            import torch

            state = weight_files.torch_state(arrays)
            torch.save(
                {name: torch.from_numpy(array.copy()) for name, array in state.items()}, file
            )
        case "h5":
            import h5py

            with h5py.File(file, "w") as held:
                for name, array in zip("Wb", arrays.values(), strict=True):
                    path = f"block1_conv1/{name}_1:0"
                    held.create_dataset(path, data=array, compression="gzip")
        case "mat":
            from scipy import io as matlab

            pair, layers = np.empty((1, 2), object), np.empty((1, 1), object)
            pair[0, :] = list(arrays.values())
            layers[0, 0] = {"name": "conv1_1", "type": "conv", "weights": pair}
            matlab.savemat(file, {"layers": layers})
        case "caffemodel":
            file.write(weight_files.caffemodel(arrays))
    return [{f"w.{kind}": file.getvalue()}]
