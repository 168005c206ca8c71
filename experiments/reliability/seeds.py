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

_TESTS = Path(__file__).parents[2] / "tests"
sys.path += [str(_TESTS / room) for room in ("", "benchmarks", "media")]
import clips
import layouts
import weight_files

FRAMES = 5
BOXES = np.array([[5.0 + i, 6, 10, 12] for i in range(FRAMES)])  # 0-based


def made(write: Callable[[Path], object]) -> Tree:
    """Returns the files that `write` puts into a folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "KCF")
        folder.mkdir()
        write(folder)
        paths = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _picture(seed: int = 0, mode: str = "RGB") -> Image.Image:
    draw = np.random.default_rng(seed)
    if mode == "I;16":
        return Image.fromarray(draw.integers(0, 4096, (48, 64), np.uint16))
    return Image.fromarray(draw.integers(0, 256, (48, 64, 3), np.uint8)).convert(mode)


def image() -> list[Tree]:
    turned = Image.Exif()
    turned[0x0112] = 6
    several = {"save_all": True, "append_images": [_picture(1), _picture(2)]}
    kinds: list[tuple[str, str, dict[str, object]]] = [
        ("a.png", "RGB", {}),
        ("a.png", "I;16", {}),
        ("a.png", "P", {"transparency": 3}),
        ("a.png", "RGB", {"duration": 40, **several}),
        ("a.jpg", "RGB", {"exif": turned}),
        ("a.jpg", "CMYK", {"progressive": True}),
        ("a.gif", "RGB", {"duration": 40, **several}),
        ("a.webp", "RGB", {"duration": 40, **several}),
        ("a.tif", "RGB", {"compression": "tiff_lzw", **several}),
        ("a.tif", "I;16", {}),
        ("a.tif", "F", {}),
        ("a.bmp", "RGB", {}),
        ("a.ppm", "RGB", {}),
        ("a.tga", "RGB", {"compression": "tga_rle"}),
        ("a.jp2", "RGB", {}),
    ]
    trees: list[Tree] = []
    for name, mode, options in kinds:
        file = io.BytesIO()
        _picture(mode=mode).save(file, Image.registered_extensions()[name[1:]], **options)
        trees.append({name: file.getvalue()})
    return trees


def folder() -> list[Tree]:
    eight, sixteen = image()[0]["a.png"], image()[1]["a.png"]
    return [
        {"0001.png": eight, "0003.png": eight, "x.txt": b"no image", "a.mp4": b"no video"},
        {"1.png": sixteen, "2.png": sixteen, "10.png": eight},
    ]


def video() -> list[Tree]:
    codecs = {
        "a.mp4": "libx264",
        "a.mkv": "libx264",
        "a.ts": "mpeg2video",
        "a.avi": "mpeg4",
        "a.webm": "libvpx-vp9",
        "a.h264": "libx264",
    }
    return [
        made(lambda place, n=name, c=codec: clips.write_clip(place / n, FRAMES, noise=99, codec=c))
        for name, codec in codecs.items()
    ]


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
        "loss=shrinkage\nloss.a=3\nloss.c=0.3\nfirst.steps=5",
    )
    return [{"settings.txt": text.encode()} for text in texts]


# The first one of those is listed by the benchmark, the second is a polygon's.
_RECT, _POLYGONS = BOXES + np.array([1, 1, 0, 0]), to_polygons(BOXES)
_MARKS = "0\n" * (FRAMES - 1) + "1\n"


def truth(layout: str) -> list[Tree]:
    """Returns a benchmark of that layout, a few sequences of 5 frames."""

    def write(root: Path) -> None:
        texts: dict[str, str] = {}
        match layout:
            case "otb":
                tables, pictures = {"Own/groundtruth_rect.txt": _RECT}, ["Own/img", "Two/img"]
                tables |= {f"Two/groundtruth_rect.{i}.txt": _RECT for i in (1, 2)}
                texts = {"Own/attrs.txt": "OCC, SV\n"}
            case "tc128":
                tables, pictures = {"Ball_ce1/Ball_ce1_gt.txt": _RECT}, ["Ball_ce1/img"]
                texts = {"Ball_ce1/Ball_ce1_frames.txt": f"1,{FRAMES}\n"}
                texts["Ball_ce1/Ball_ce1_att.txt"] = "OCC,SV\n"
            case "uav123":
                tables, pictures = {"anno/UAV123/uav2.txt": _RECT}, ["data_seq/UAV123/uav2"]
                texts = {"anno/UAV123/att/uav2.txt": ",".join("01" * 6)}
            case "vot":
                tables = {"one/groundtruth.txt": _POLYGONS, "two/groundtruth.txt": BOXES}
                pictures = ["one/color", "two"]
                texts = {"list.txt": "one\ntwo\n", "one/occlusion.tag": _MARKS}
            case "lasot":
                tables, pictures = {"bear/bear-2/groundtruth.txt": _RECT}, ["bear/bear-2/img"]
                texts = {"testing_set.txt": "bear-2\n", "bear/bear-2/out_of_view.txt": "0,0,0,0,1"}
            case "got10k":
                tables, pictures = {"one/groundtruth.txt": BOXES}, ["one"]
                texts = {"list.txt": "one\n", "one/absence.label": _MARKS}
                texts["one/meta_info.ini"] = "[METAINFO]\nresolution: (64, 48)\n"
            case _:
                tables = {"a/groundtruth.txt": BOXES, "b/boxes.txt": _POLYGONS}
                pictures = ["a", "b/frames"]
        for path, table in tables.items():
            layouts.text(root / path, table)
        for path in pictures:
            layouts.images(root / path, 1, FRAMES, digits=8)
        for path, text in texts.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)

    return [made(write)]


def own() -> datasets.Dataset:
    """Returns the benchmark that the results are of: one sequence, without images."""
    sequence = datasets.Sequence("Own", BOXES, tuple, origin=1.0, image_size=layouts.SIZE)
    return datasets.Dataset("otb", ("Own",), lambda name: sequence)


def results_() -> list[Tree]:
    """Folders of results on `own`, in every toolkit's format and as a table."""
    one = trajectory.from_regions(BOXES + 1, np.full(FRAMES, 0.01))
    reset = trajectory.from_regions(_POLYGONS)
    reset.codes[2], reset.codes[3] = trajectory.FAILURE, trajectory.UNKNOWN
    table = "frame,x,y,w,h\n" + "".join(f"{i},{6 + i},7,10,12\n" for i in range(FRAMES))
    kinds = [("otb", "", one), ("otb_mat", "", one), ("got10k", "", one)]
    kinds += [("vot", "baseline", reset), ("vot", "unsupervised", one)]
    return [{"Own.csv": table.encode()}] + [
        made(lambda place, f=form, e=kind, g=run: results.write(place, own(), {"Own": [g]}, f, e))
        for form, kind, run in kinds
    ]


def run() -> list[Tree]:
    """Folders of runs of `dslt benchmark` on `own`."""

    def write(place: Path, name: str) -> None:
        protocol = execute.Protocol(name, repetitions=1)
        asked = {"dataset": "otb", "tracker": {"name": "mosse"}}
        about = {"preset": "mosse", "root": "data", "annotations": None}
        with runs.Run(place, protocol, asked, about) as found:
            starts = [0] if name == "unsupervised" else execute.starts(own()["Own"], protocol)
            group = [trajectory.from_regions(BOXES[getattr(one, "start", 0) :]) for one in starts]
            found.save(own()["Own"], group)

    names = ("ope", "tre", "unsupervised")
    return [made(lambda place, n=name: write(place, n)) for name in names]


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
    kernel, bias = arrays.values()

    def saved(save: Callable[[Path], object]) -> Tree:
        return made(lambda place: save(place / f"w.{kind}"))

    match kind:
        case "npz":
            return [
                saved(lambda path: np.savez(path, **arrays)),
                saved(lambda path: np.savez_compressed(path, **arrays)),
            ]
        case "safetensors":
            from safetensors.numpy import save_file

            return [saved(lambda path: save_file(arrays, path, {"backbone": "vgg16"}))]
        case "pth":
            import torch

            named = weight_files.torch_state(arrays)
            state = {name: torch.from_numpy(array.copy()) for name, array in named.items()}
            old = {"_use_new_zipfile_serialization": False}
            return [
                saved(lambda path: torch.save({"model": state, "epoch": 3}, path)),
                saved(lambda path: torch.save(state, path, **old)),
            ]
        case "h5":
            import h5py

            def save(path: Path, **options: object) -> None:
                with h5py.File(path, "w") as file:
                    for name, array in (("W", kernel), ("b", bias)):
                        file.create_dataset(f"block1_conv1/{name}_1:0", data=array, **options)

            return [saved(save), saved(lambda path: save(path, compression="gzip"))]
        case "mat":
            from scipy import io as matlab

            layers = np.empty((1, 1), object)
            held = np.empty((1, 2), object)
            held[0, 0], held[0, 1] = kernel, bias
            layers[0, 0] = {"name": "conv1_1", "type": "conv", "weights": held}
            return [
                saved(lambda path, p=packed: matlab.savemat(path, {"layers": layers}, False, "5", p))
                for packed in (False, True)
            ]
    return [{"w.caffemodel": weight_files.caffemodel(arrays, old=old)} for old in (False, True)]
