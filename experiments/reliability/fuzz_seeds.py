"""Valid inputs of every reader, small, from which `fuzz` makes hostile ones.

An input is a folder, {path in it: content}. Each function returns a few of a reader.
"""

import hashlib
import io
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from fuzz_mutate import Tree
from PIL import Image

sys.path.append(str(Path(__file__).parents[2] / "tests"))  # its writer of .caffemodel

WIDTH, HEIGHT, FRAMES = 64, 48, 5


def picture(seed: int = 0, mode: str = "RGB") -> Image.Image:
    draw = np.random.default_rng(seed)
    image = Image.fromarray(draw.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8))
    if mode == "I;16":
        return Image.fromarray(draw.integers(0, 4096, (HEIGHT, WIDTH), np.uint16))
    return image.convert(mode)


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def image() -> list[Tree]:
    plain, more = picture(), [picture(1), picture(2)]
    turned = Image.Exif()
    turned[0x0112] = 6
    several = {"save_all": True, "append_images": more}
    return [
        {"a.png": encoded(plain, "PNG")},
        {"a.png": encoded(picture(mode="I;16"), "PNG")},
        {"a.png": encoded(picture(mode="P"), "PNG", transparency=3)},
        {"a.png": encoded(plain, "PNG", duration=40, **several)},
        {"a.jpg": encoded(plain, "JPEG", exif=turned)},
        {"a.jpg": encoded(picture(mode="CMYK"), "JPEG", progressive=True)},
        {"a.gif": encoded(plain, "GIF", duration=40, **several)},
        {"a.webp": encoded(plain, "WEBP", duration=40, **several)},
        {"a.tif": encoded(plain, "TIFF", compression="tiff_lzw", **several)},
        {"a.tif": encoded(picture(mode="I;16"), "TIFF")},
        {"a.tif": encoded(picture(mode="F"), "TIFF")},
        {"a.bmp": encoded(plain, "BMP")},
        {"a.ppm": encoded(plain, "PPM")},
        {"a.tga": encoded(plain, "TGA", compression="tga_rle")},
        {"a.jp2": encoded(plain, "JPEG2000")},
    ]


def folder() -> list[Tree]:
    small = [encoded(picture(i).resize((16, 12)), "PNG") for i in range(3)]
    deep = encoded(picture(mode="I;16").resize((16, 12)), "PNG")
    return [
        {f"{i}.png": data for i, data in enumerate(small)},
        {"f/0001.png": small[0], "f/0003.png": small[1], "f/x.txt": b"no image", "a.mp4": b"x"},
        {"1.png": deep, "2.png": deep, "10.png": small[0]},
    ]


def video() -> list[Tree]:
    import av

    trees: list[Tree] = []
    for name, codec, pixels in (
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mkv", "libx264", "yuv420p"),
        ("a.ts", "mpeg2video", "yuv420p"),
        ("a.avi", "mjpeg", "yuvj420p"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.mov", "png", "rgb24"),
        ("a.h264", "libx264", "yuv420p"),
        ("a.y4m", "rawvideo", "yuv420p"),
    ):
        with tempfile.TemporaryDirectory() as place:
            path = Path(place, name)
            form = {"a.y4m": "yuv4mpegpipe"}.get(name)
            with av.open(str(path), "w", format=form) as container:
                codec = "wrapped_avframe" if name == "a.y4m" else codec
                stream = container.add_stream(codec, rate=25)
                stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
                for i in range(FRAMES):
                    frame = av.VideoFrame.from_image(picture(i))
                    container.mux(stream.encode(frame.reformat(format=pixels)))
                container.mux(stream.encode())
            trees.append({name: path.read_bytes()})
    return trees


def box_file() -> list[Tree]:
    texts = (
        "20,12,16,14\n",
        "id,x1,y1,x2,y2\n1,20,12,36,26\n2,5,5,20,20\n",
        "x=20 y=12 w=16 h=14\n",
        "# a comment\ncar 20 12 16 14\nman 5 5 10 10\n",
        "10%,20%,15%,15% a\n[5, 5, 10, 10]\n",
        "20;12;16;14;1\n5;5;10;10;2\n",
        '{"x": 20, "y": 12, "w": 16, "h": 14}\n',
    )
    return [{"boxes.txt": text.encode()} for text in texts]


def settings() -> list[Tree]:
    texts = (
        "loss=l2",
        "loss.a=8\nonline.learner.rates.0=1e-4",
        "size=scales\nsize.crop=64\nonline.every=2",
        "fusion.channels=8\nkernel_size=8\nregion.search=128",
        "scale_step=1.01\ntarget_size=48",
        "loss=shrinkage\nloss.a=3\nloss.c=0.3\nfirst.steps=5",
        "region.target=32\ngates.lost=0.1\nfirst.learner.rates=1e-3,1e-3",
    )
    return [{"settings.txt": text.encode()} for text in texts]


def summary() -> list[Tree]:
    """Folders of a run of `dslt track` that was killed, but for its first picture's digest."""
    header = "frame,x,y,w,h,confidence,lost,milliseconds,time"
    rows = [f"{i},{20 + i:.3f},12.000,16.000,14.000,0.7500,0,3.10," for i in range(3)]
    begun = {"status": "running", "problems": [], "damaged_frames": []}
    one = begun | {
        "targets": [{"name": "", "box": [20.0, 12.0, 16.0, 14.0]}],
        "files": ["boxes.csv", "boxes.txt", "overlay.mp4"],
    }
    two = begun | {
        "targets": [{"name": "a", "box": [20, 12, 16, 14]}, {"name": "b", "box": [5, 5, 9, 9]}],
        "damaged_frames": [{"frame": 1, "reason": "bad"}],
        "resumed": [{"frame": 1, "kept_frames": 2, "lost_targets": []}],
        "files": ["boxes_a.csv", "boxes_b.csv"],
    }
    table = "\n".join([header, *rows, "3,2"]).encode()
    return [
        {"summary.json": json.dumps(one).encode(), "boxes.csv.part": table},
        {
            "summary.json": json.dumps(two).encode(),
            "boxes_a.csv": table,
            "boxes_b.csv.part": table,
        },
    ]


def run() -> list[Tree]:
    """Folders of runs of `dslt benchmark` on the dataset of `fuzz_readers`."""
    rows = "".join(f"{5 + i}.0000,6.0000,10.0000,12.0000\n" for i in range(FRAMES)).encode()
    column = b"0.50000000\n" * FRAMES
    trees: list[Tree] = []
    for protocol, stem in (("ope", ""), ("tre", "tre/Own/Own_001"), ("unsupervised", "")):
        named = {"dataset": "otb", "protocol": {"name": protocol}, "tracker": {"name": "mosse"}}
        digest = hashlib.sha256(
            json.dumps(named, sort_keys=True, separators=(",", ":")).encode()
        ).hexdigest()
        about = {"preset": "mosse", "weights": None, "root": "data", "annotations": None}
        content = {"hash": digest, "settings": named, "about": about}
        stem = stem or ("Own" if protocol == "ope" else f"{protocol}/Own/Own_001")
        trees.append(
            {
                "run.json": json.dumps(content, indent=2).encode(),
                f"{stem}.txt": rows,
                f"{stem}_confidence.value": column,
            }
        )
    return trees


def _params() -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    shapes = {"conv1_1/w": (3, 3, 3, 64), "conv1_1/b": (64,)}
    return {name: draw.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def _saved(name: str, save: Callable[[Path], object]) -> Tree:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, name)
        save(path)
        return {name: path.read_bytes()}


def npz() -> list[Tree]:
    return [
        _saved("w.npz", lambda path: np.savez(path, **_params())),
        _saved("w.npz", lambda path: np.savez_compressed(path, **_params())),
    ]


def safetensors() -> list[Tree]:
    from safetensors.numpy import save_file

    return [_saved("w.safetensors", lambda path: save_file(_params(), path, {"backbone": "vgg16"}))]


def pth() -> list[Tree]:
    import torch
    import weight_files

    state = {
        name: torch.from_numpy(array.copy())
        for name, array in weight_files.torch_state(_params()).items()
    }
    return [
        _saved("w.pth", lambda path: torch.save(state, path)),
        _saved("w.pth", lambda path: torch.save({"model": state, "epoch": 3}, path)),
        _saved("w.pth", lambda path: torch.save(state, path, _use_new_zipfile_serialization=False)),
    ]


def h5() -> list[Tree]:
    import h5py

    def save(path: Path, **options: object) -> None:
        with h5py.File(path, "w") as file:
            for name, array in _params().items():
                letter = "W" if name.endswith("w") else "b"
                file.create_dataset(f"block1_conv1/{letter}_1:0", data=array, **options)

    return [_saved("w.h5", save), _saved("w.h5", lambda path: save(path, compression="gzip"))]


def mat() -> list[Tree]:
    from scipy import io as matlab

    def save(path: Path, packed: bool) -> None:
        weights, layers = np.empty((1, 2), object), np.empty((1, 1), object)
        weights[0, 0], weights[0, 1] = _params().values()
        layers[0, 0] = {"name": "conv1_1", "type": "conv", "weights": weights}
        matlab.savemat(path, {"layers": layers}, do_compression=packed)

    return [_saved("w.mat", lambda path, p=packed: save(path, p)) for packed in (False, True)]


def caffemodel() -> list[Tree]:
    import weight_files

    return [{"w.caffemodel": weight_files.caffemodel(_params(), old=old)} for old in (False, True)]
