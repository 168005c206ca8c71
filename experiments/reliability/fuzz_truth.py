"""Valid benchmarks of every layout and results of every format, as `fuzz_seeds` has the others."""

import numpy as np
from fuzz_mutate import Tree
from fuzz_seeds import FRAMES, HEIGHT, WIDTH, encoded, picture

from dslt_jax.benchmarks.datasets import Sequence, lists
from dslt_jax.boxes import to_polygons

BOXES = np.array([[5.0 + i, 6, 10, 12] for i in range(FRAMES)])  # 0-based


def own() -> Sequence:
    """The sequence that the results are of."""
    return Sequence("Own", BOXES, tuple, origin=1.0, image_size=(WIDTH, HEIGHT))


def _rows(boxes: np.ndarray, mark: str = ",") -> bytes:
    return "".join(mark.join(f"{v:g}" for v in row) + "\n" for row in boxes).encode()


def _images(folder: str, first: int = 1, digits: int = 4) -> Tree:
    data = encoded(picture().resize((32, 24)), "JPEG")
    return {f"{folder}/{first + i:0{digits}d}.jpg": data for i in range(FRAMES)}


_SHIFTED = BOXES + [1, 1, 0, 0]
_POLYGONS = to_polygons(BOXES)
_MARKS = b"0\n" * (FRAMES - 1) + b"1\n"


def otb() -> list[Tree]:
    own = {"Own/groundtruth_rect.txt": _rows(_SHIFTED), "Own/attrs.txt": b"OCC, SV\n"}
    two = {
        "Two/groundtruth_rect.1.txt": _rows(_SHIFTED, "\t"),
        "Two/groundtruth_rect.2.txt": _rows(_SHIFTED, " "),
    }
    return [own | _images("Own/img"), two | _images("Two/img", 5)]


def tc128() -> list[Tree]:
    name = lists.tc128()[0]
    return [
        {
            f"{name}/{name}_gt.txt": _rows(_SHIFTED),
            f"{name}/{name}_frames.txt": f"1,{FRAMES}\n".encode(),
            f"{name}/{name}_att.txt": b"IV, OCC\n",
        }
        | _images(f"{name}/img")
    ]


def uav123() -> list[Tree]:
    entry = next(iter(lists.uav("uav123").values()))
    marks = ",".join("01" * 6).encode()
    return [
        {
            f"anno/UAV123/{entry.name}.txt": _rows(_SHIFTED),
            f"anno/UAV123/att/{entry.name}.txt": marks,
        }
        | _images(f"data_seq/UAV123/{entry.folder}", entry.first, 6)
    ]


def vot() -> list[Tree]:
    listed = {"list.txt": b"one\n", "one/groundtruth.txt": _rows(_POLYGONS)}
    tags = {"one/occlusion.tag": _MARKS, "one/camera_motion.label": _MARKS}
    codes = {"two/groundtruth.txt": b"5,6,10,12\n0\nnan,nan,nan,nan\n" + _rows(_POLYGONS[3:])}
    return [listed | tags | _images("one/color", digits=8), codes | _images("two", digits=8)]


def lasot() -> list[Tree]:
    place = "bear/bear-2"
    truth = {
        f"{place}/groundtruth.txt": _rows(_SHIFTED),
        f"{place}/full_occlusion.txt": b"0,0,0,1,0\n",
        f"{place}/out_of_view.txt": b"0,0,0,0,1\n",
    }
    images = _images(f"{place}/img", digits=8)
    return [truth | images, truth | images | {"testing_set.txt": b"bear-2\n"}]


def got10k() -> list[Tree]:
    place = "GOT-10k_Val_000001"
    return [
        {
            "list.txt": f"{place}\n".encode(),
            f"{place}/groundtruth.txt": _rows(BOXES),
            f"{place}/cover.label": b"8\n" * FRAMES,
            f"{place}/absence.label": _MARKS,
            f"{place}/meta_info.ini": b"[METAINFO]\nresolution: (64, 48)\n",
        }
        | _images(place, digits=8)
    ]


def generic() -> list[Tree]:
    return [
        {"a/groundtruth.txt": _rows(BOXES)} | _images("a"),
        {"b/boxes.txt": _rows(_POLYGONS)} | _images("b/frames"),
    ]


def results() -> list[Tree]:
    """Folders of results on `own`, in the toolkits' formats and as tables."""
    times = b"0.01\n" * FRAMES
    table = b"frame,x,y,w,h,confidence\n" + b"".join(
        b"%d,%d,7,10,12,0.5\n" % (i, 6 + i) for i in range(FRAMES)
    )
    codes = b"1\n" + _rows(_SHIFTED[1:3]) + b"2\n0\n"
    return [
        {"Own.txt": _rows(_SHIFTED)},
        {"Own.txt": _rows(to_polygons(_SHIFTED), "\t"), "Own_time.txt": times},
        {"Own.csv": table},
        {"Own/Own_001.txt": _rows(_SHIFTED), "Own/Own_time.txt": times, "times/x": b""},
        {
            "baseline/Own/Own_001.txt": codes,
            "baseline/Own/Own_001_time.value": times,
            "baseline/Own/Own_001_confidence.value": b"\n" + times[5:],
        },
        {"unsupervised/Own/Own_001.txt": b"1\n" + _rows(_POLYGONS[1:])},
    ]


def results_mat() -> list[Tree]:
    import io

    from scipy import io as matlab

    def saved(content: object) -> bytes:
        file = io.BytesIO()
        matlab.savemat(file, {"results": content})
        return file.getvalue()

    found = {"res": _SHIFTED, "type": "rect", "len": float(FRAMES)}
    cell = np.empty((1, 1), object)
    cell[0, 0] = found
    return [{"Own.mat": saved(cell)}, {"Own_KCF.mat": saved(found)}]
