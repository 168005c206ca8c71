"""Small files made to hurt: they unpack to gigabytes, their headers lie, their names climb.

Each is a folder, {path in it: content}, by the reader of `readers.py` that it is meant for.
"""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable

Tree = dict[str, bytes]

PNG = b"\x89PNG\r\n\x1a\n"
FAR = "../../x"  # where no file of ours may come to lie
SCRIPT = "<script>alert(1)</script>"


def png(width: int, height: int, rows: int | None = None) -> bytes:
    """Returns a black PNG of one bit a pixel; with `rows`, only so many of them are there."""
    row = b"\0" * (1 + (width + 7) // 8)
    packer, packed = zlib.compressobj(9), bytearray()
    for _ in range(height if rows is None else rows):
        packed += packer.compress(row)
    packed += packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", bytes(packed)), (b"IEND", b""))
    parts = (struct.pack(">I", len(data)) + name + data + bytes(4) for name, data in chunks)
    return sealed(PNG + b"".join(parts))


def sealed(data: bytes) -> bytes:
    """Returns a PNG with right checksums, so that readers look further than at these."""
    whole, at = bytearray(data), len(PNG)
    while at + 12 <= len(whole):
        (length,) = struct.unpack_from(">I", whole, at)
        end = at + 8 + length
        if end + 4 > len(whole):
            break
        struct.pack_into(">I", whole, end, zlib.crc32(whole[at + 4 : end]))
        at = end + 4
    return bytes(whole)


def npy(shape: object, content: bytes = b"", kind: str = "<f4") -> bytes:
    """Returns an .npy whose header says what it likes."""
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


def zipped(members: dict[str, bytes], *, understated: bool = False) -> bytes:
    """Returns a zip; an understated one says that every member is 200 bytes long, unpacked."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    data, at = bytearray(file.getvalue()), -1
    while understated and (at := data.find(b"PK\x01\x02", at + 1)) >= 0:
        struct.pack_into("<I", data, at + 24, 200)
    return bytes(data)


def safetensors(shape: list[int], begin: int, end: int, length: int | None = None) -> bytes:
    """Returns a file with 256 bytes of data whose header says what it likes."""
    header = {"conv1_1/b": {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + bytes(256)


def _image() -> list[Tree]:
    huge = struct.pack("<HH", 65535, 65535)
    gif = b"GIF89a" + huge + b"\x80\0\0" + bytes(6) + b"," + bytes(4) + huge + b"\0\x02\0;"
    bmp = b"BM" + struct.pack("<IIIIiiHH", 99, 0, 54, 40, 2**30, 2**30, 1, 24) + bytes(24)
    return [
        {"a.png": png(30_000, 30_000, rows=100)},
        {"a.png": png(2**31 - 1, 1, rows=0)},
        {"a.gif": gif},
        {"a.ppm": b"P6 60000 60000 255\n" + bytes(100)},
        {"a.tga": bytes(12) + huge + b"\x18\0"},
        {"a.bmp": bmp},
        # PostScript is a program, which Pillow hands to Ghostscript.
        {"a.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"},
    ]


def _video() -> list[Tree]:
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n%s\n"
    return [
        {"a.mp4": png(16_000, 16_000, rows=10)},
        {"a.mp4": png(30_000, 30_000, rows=10)},
        {"a.y4m": b"YUV4MPEG2 W16000 H16000 F25:1 C420\nFRAME\n" + bytes(1000)},
        {"a.mp4": playlist % b"http://127.0.0.1:9/x.ts"},
        {"a.mp4": playlist % b"file:///etc/passwd"},
        {"a.mp4": b"ffconcat version 1.0\nfile /etc/passwd\n"},
        {"a.sdp": b"v=0\nm=video 9 RTP/AVP 96\nc=IN IP4 127.0.0.1\na=rtpmap:96 H264/90000\n"},
    ]


def _boxes() -> list[Tree]:
    number = "9" * 5000
    texts = (
        "9" * 100_000 + "x,1,2,3\n",
        "a" * 100_000 + ",1,2,3,4\n",
        "," * 100_000 + "1\n",
        f"{number},1,2,3,4\n{number},1,2,3,4\n",
        f"1,2,3,4 {FAR}\n",
        " " * 100_000 + "x\n",
    )
    return [{"boxes.txt": text.encode()} for text in texts]


def _settings() -> list[Tree]:
    texts = ("online..x=3", "=", "loss.=l2", ".=1", "online=1", "first.learner.rates.\u00b2=1")
    more = ("region.search=" + "9" * 400, "loss.a=1e400", "kernel_size=\u0663", "a=b=c", "loss=")
    return [{"settings.txt": text.encode()} for text in (*texts, *more)]


def _npz() -> list[Tree]:
    bomb = {"conv1_1/b.npy": npy((50_000_000,), bytes(200_000_000))}
    members = (
        {"conv1_1/b.npy": npy((99_999_999_999,))},
        {"conv1_1/b.npy": npy((-1,), bytes(64))},
        {"conv1_1/b.npy": npy((2**62, 4))},
        {f"{FAR}.npy": npy((64,), bytes(256))},
        {f"{i}.npy": npy((1,), bytes(4)) for i in range(3000)},
        {"a.npy": npy((1,), b"cos\nsystem\n(S'true'\ntR.", "|O")},
        {"a.npy": npy("(" * 3000 + ")" * 3000)},
    )
    return [{"w.npz": file} for file in (*map(zipped, members), zipped(bomb, understated=True))]


def _safetensors() -> list[Tree]:
    files = (
        safetensors([64], 0, 2**40),
        safetensors([2**62, 2**62], 0, 256),
        safetensors([64], 256, 0),
        safetensors([-64], 0, 256),
        safetensors([64], 0, 256, length=2**30),
        safetensors([64], 0, 256, length=2**63),
        struct.pack("<Q", 200_001) + b"{" + b"[" * 200_000,
    )
    return [{"w.safetensors": file} for file in files]


def _pth() -> list[Tree]:
    call = b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R."
    return [
        {"w.pth": zipped({"x/data.pkl": call, "x/version": b"3\n"})},
        {"w.pth": zipped({"x/data.pkl": b"\x80\x02}.", f"{FAR}/data/0": b"x"})},
        {"w.pth": zipped({"x/data.pkl": b"(" * 100_000})},
    ]


def _h5() -> list[Tree]:
    import h5py

    def saved(**options: object) -> Tree:
        file = io.BytesIO()
        with h5py.File(file, "w") as content:
            content.create_dataset("block1_conv1/b", **options)
        return {"w.h5": file.getvalue()}

    text = h5py.string_dtype()
    return [
        saved(shape=(400_000_000,), dtype="f4"),
        saved(shape=(2**40,), dtype="f4", chunks=(2**20,)),
        saved(shape=(30_000_000,), dtype=text, fillvalue="x" * 1000, chunks=(2**20,)),
    ]


def _mats(name: bytes) -> list[bytes]:
    """Returns MATLAB files whose one variable is hostile, by its kind."""

    def element(kind: int, data: bytes) -> bytes:
        return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)

    def matrix(kind: int, sides: tuple[int, ...], *rest: bytes) -> bytes:
        flags = element(6, struct.pack("<II", kind, 0))
        sizes = element(5, struct.pack(f"<{len(sides)}i", *sides))
        return element(14, flags + sizes + element(1, name) + b"".join(rest))

    huge = (2**31 - 1, 2**31 - 1)
    nested = matrix(1, (0, 0))
    for _ in range(1500):
        nested = matrix(1, (1, 1), nested)
    packed = zlib.compress(matrix(9, (1, 1), element(9, bytes(100_000_000))))
    variables = (
        matrix(2, huge, element(5, b"\1\0\0\0"), element(1, b"")),  # structs without fields
        matrix(1, huge),
        matrix(6, (2**31 - 1, 4), element(9, bytes(64))),
        nested,
        struct.pack("<II", 15, len(packed)) + packed,
    )
    return [b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + one for one in variables]


def _caffemodel() -> list[Tree]:
    return [{"w.caffemodel": b"\x0a\x01n\xa2\x06" + b"\xff" * count + b"\x7f"} for count in (3, 8)]


def _climbing() -> list[Tree]:
    """Lists of sequences that lead out of the folders of input and output."""
    truth = b"5,6,10,12\n" * 2
    names = ("../in/one", "one/../one", "/etc/hostname", "..", "one/", "./one", "~", FAR, "bear-")
    return [
        {
            "list.txt": f"{name}\none\n".encode(),
            "testing_set.txt": f"{name}\nbear-2\n".encode(),
            "one/groundtruth.txt": truth,
            "bear/bear-2/groundtruth.txt": truth,
        }
        for name in names
    ]


def _results() -> list[Tree]:
    far = b"1\n" + b"-1e12,0,1e12,0,1e12,1e12,0,1e12\n" * 4
    return [
        {"Own.csv": b"x,y,w,h\n1,2,3," + b"4" * 200_000 + b"\n"},
        {"Own.csv": b'x,y,w,h\n"1,2,3,4\n' * 5},
        {"unsupervised/Own/Own_001.txt": far},
        {"baseline/Own/Own_001.txt": b"1\nnan\n300\ninf\n1,2,3,4\n"},
        {"baseline/Own/Own_001.txt": b"1\n" + b"1e30,1e30,1e30,1e30\n" * 4},
        {"Own.txt": b"1e308,1e308,1e308,1e308\n" * 5},
        {"Own.txt": SCRIPT.encode() * 5},
        *({"Own_KCF.mat": file} for file in _mats(b"results")),
    ]


def _labels() -> list[Tree]:
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))
    box = '<track label="a"><box frame="%s" xtl="1" ytl="1" xbr="2" ybr="2"/></track>'
    task = "<annotations><meta><task><size>%s</size></task></meta>%s</annotations>"
    entity = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotations>&x;</annotations>'
    return [
        {"a.xml": f'<!DOCTYPE a [<!ENTITY l0 "ha">{laughs}]><a>&l11;</a>'.encode()},
        {"a.xml": entity.encode()},
        {"a.xml": (task % (10**13, box % 0)).encode()},
        {"a.xml": (task % (5, box % 10**13)).encode()},
        {"a.xml": (task % (5, box % -3)).encode()},
        {"a.xml": b"<a>" * 100_000},
        {"mot.txt": b"1,1,1,2,3,4,1\n9999999999999,1,1,2,3,4,1\n"},
        {"mot.txt": b"1,1e300,1,2,3,4,1\n1e300,1,1e308,-1e308,1e308,nan,1\n"},
    ]


BOMBS: dict[str, Callable[[], list[Tree]]] = {
    "image": _image,
    "video": _video,
    "boxes": _boxes,
    "settings": _settings,
    "truth-vot": _climbing,
    "truth-got10k": _climbing,
    "truth-lasot": _climbing,
    "results": _results,
    "report": _results,
    "labels": _labels,
    "weights-npz": _npz,
    "weights-safetensors": _safetensors,
    "weights-pth": _pth,
    "weights-h5": _h5,
    "weights-mat": lambda: [{"w.mat": file} for file in _mats(b"layers")],
    "weights-caffemodel": _caffemodel,
}
